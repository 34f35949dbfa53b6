/** The past as columns: what `GET /api/v1/history` answers, and what the charts and their tables are drawn from. */
import type { Snapshot } from "../../meter/snapshot.ts";
import { columnsOf } from "./columns.ts";
import { readingsOf } from "./readings.ts";

export const historyRanges = { "10m": 600_000, "1h": 3_600_000, "1d": 86_400_000 } as const;
export type HistoryRange = keyof typeof historyRanges;

/** At most this many points of each source: as many as a wide screen can show. */
export const mostPoints = 600;

export interface History {
  readonly version: 1;
  readonly range: HistoryRange;
  readonly fromMs: number;
  readonly toMs: number;
  /** Without a journal there is what the agent remembers: ten minutes. */
  readonly origin: "journal" | "memory";
  readonly groups: readonly HistoryGroup[];
}

/** What one source reported; a point without values says that the line is broken there: the machine slept, or the source was down. */
export interface HistoryGroup {
  readonly source: string;
  /** Milliseconds since the Unix epoch, rising. */
  readonly time: readonly number[];
  /** One value for each time; `columnsOf` says what the keys mean. */
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
}

export function isHistoryRange(text: string): text is HistoryRange {
  return Object.hasOwn(historyRanges, text);
}

interface Growing {
  readonly time: number[];
  readonly columns: Map<string, (number | null)[]>;
}

/** @param gapMs how far apart two points of a source may be before the line between them is a guess */
export function historyGroups(
  snapshots: Iterable<Snapshot>,
  gapMs: (source: string) => number,
): readonly HistoryGroup[] {
  const groups = new Map<string, Growing>();
  for (const snapshot of snapshots) {
    const columns = columnsOf(snapshot.source, readingsOf([snapshot]));
    const known = groups.get(snapshot.source);
    if (known === undefined && columns.length === 0) continue;
    const group = known ?? { time: [], columns: new Map<string, (number | null)[]>() };
    groups.set(snapshot.source, group);
    const last = group.time.at(-1);
    if (last !== undefined && snapshot.time - last > gapMs(snapshot.source)) append(group, last + 1, []);
    append(group, snapshot.time, columns);
  }
  return [...groups].map(([source, { time, columns }]) => ({
    source,
    time,
    columns: Object.fromEntries(columns),
  }));
}

function append(group: Growing, time: number, columns: readonly (readonly [string, number])[]): void {
  for (const [key, value] of columns) {
    let column = group.columns.get(key);
    if (column === undefined) {
      column = group.time.map(() => null);
      group.columns.set(key, column);
    }
    column.push(rounded(value));
  }
  group.time.push(time);
  for (const column of group.columns.values()) if (column.length < group.time.length) column.push(null);
}

/** Four digits are more than a chart can show, and half the bytes. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
