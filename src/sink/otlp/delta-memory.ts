/** The saved form of what `delta.ts` remembers: packed JSON, a few kilobytes for the agent's own series. */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import type { HistogramValue } from "./gather.ts";

/** A total at a time; both times in milliseconds since the Unix epoch, `start` 0 where it is not known. */
export interface Point {
  readonly time: number;
  readonly start: number;
  readonly value: number;
  readonly histogram?: HistogramValue;
}

export interface DeltaMemory {
  /** Counters that began later were never sent without being among `points`; absent before anything was sent. */
  readonly completeSince: number | undefined;
  /** By series, the one that was silent for longest first. */
  readonly points: Map<string, Point>;
}

/** A histogram's sum may be NaN, which JSON has not. */
type SavedHistogram = Omit<HistogramValue, "sum"> & { readonly sum: number | null };
type SavedPoint = readonly [
  key: string,
  time: number,
  start: number,
  value: number,
  histogram?: SavedHistogram,
];

/** JSON writes a double so that it is read again exactly. */
export function writeMemory({ completeSince, points }: DeltaMemory): string {
  const saved = Array.from(points, ([key, { time, start, value, histogram }]) =>
    histogram === undefined ? [key, time, start, value] : [key, time, start, value, histogram],
  );
  return deflateRawSync(JSON.stringify({ completeSince, points: saved }), { level: 1 }).toString("base64");
}

/** Undefined for a text that this version can't read, an empty one too; the journal has checked that it is what was written. */
export function readMemory(text: string): DeltaMemory | undefined {
  try {
    const { completeSince, points } = JSON.parse(inflateRawSync(Buffer.from(text, "base64")).toString()) as {
      readonly completeSince?: number;
      readonly points: readonly SavedPoint[];
    };
    return { completeSince, points: new Map(points.map(restored)) };
  } catch {
    return undefined;
  }
}

function restored([key, time, start, value, histogram]: SavedPoint): [string, Point] {
  if (histogram === undefined) return [key, { time, start, value }];
  return [key, { time, start, value, histogram: { ...histogram, sum: histogram.sum ?? NaN } }];
}
