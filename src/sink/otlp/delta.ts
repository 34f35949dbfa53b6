/**
 * Turns totals into changes, for receivers that want delta temporality. It remembers the last point of each series that
 * the receiver took:
 *
 *     taken │ batch                      a change starts where the point before it ended; nothing is counted
 *       7 ──┼─► 9 ──► 12 ──► 2†          twice or lost, also when a batch is refused: the next one has the
 *           │   +2    +3     +2          change since what was taken        † reset
 *
 * Only `commit` moves the memory on, so that a batch encoded again before it has the same bytes. The memory is saved with
 * the cursor: the sum of all changes is the increase of the total, over restarts too. A series that has ended is remembered
 * like any other, since it may come back.
 *
 * The first point of a series is a baseline and is not sent, unless no receiver can have got any of what it counts: then all of
 * it is a change.
 */
import { deflateRawSync, inflateRawSync } from "node:zlib";
import {
  CumulativeTemporalitySelector,
  DeltaTemporalitySelector,
  LowMemoryTemporalitySelector,
} from "@opentelemetry/exporter-metrics-otlp-http";
import { AggregationTemporality, InstrumentType } from "@opentelemetry/sdk-metrics";
import type { Metric, MetricType } from "../../metric/metric.ts";
import { createDrops, type Drops } from "../sink.ts";
import { allot, Run, type Gathered, type HistogramValue } from "./gather.ts";
import { samplesIn } from "./layout.ts";
import type { OtlpSettings } from "./schema.ts";

/** Call once the receiver took a request with these families of the batch; points that are in no request are taken on with them. */
export type Commit = (families: Gathered["families"]) => void;

interface Changed extends Gathered {
  readonly commit: Commit;
}

export interface Deltas {
  apply(gathered: Gathered): Changed;
  /** Of what was committed. */
  save(): string;
  /** Takes on what another process saved; a text that can't be read counts as an empty one. */
  restore(saved: string): void;
}

/** A total at a time; both times in milliseconds since the Unix epoch, `start` 0 where it is not known. */
interface Point {
  readonly time: number;
  readonly start: number;
  readonly value: number;
  readonly histogram?: HistogramValue;
}

/** Series come and go; the one without points for longest is forgotten first. */
const mostSeries = 10_000;

/** Windows begin up to a second before their process, since a sample's time has whole seconds. */
const startSlackMs = 2000;

/** @param startedAt when the agent's own counters began that no receiver has heard of, milliseconds since the Unix epoch */
export function createDeltas(isDelta: (metric: Metric) => boolean, startedAt: number): Deltas {
  let memory: Memory = { completeSince: undefined, points: new Map() };
  let ownSince = startedAt - startSlackMs;

  function isNew({ since }: Metric, { start }: Point): boolean {
    if (start === 0) return false;
    return start >= (memory.completeSince ?? Infinity) || (since === "agent" && start >= ownSince);
  }

  function remember(latest: ReadonlyMap<string, Point>, firstTime: number): void {
    const { points } = memory;
    if (firstTime < Infinity) memory.completeSince ??= firstTime;
    for (const [key, point] of latest) {
      points.delete(key);
      points.set(key, point);
    }
    for (const [oldest, { time }] of points) {
      if (points.size <= mostSeries) break;
      points.delete(oldest);
      memory.completeSince = Math.max(memory.completeSince ?? 0, time);
      ownSince = Infinity;
    }
  }

  return {
    apply(gathered) {
      const drops = createDrops(gathered.dropped);
      const latest = new Map<string, Point>();
      let firstTime = Infinity;
      const families = gathered.families.flatMap((family) => {
        const { metric, runs } = family;
        if (!isDelta(metric)) return [family];
        const changed = runs.map((run) => {
          const { key } = run.series;
          firstTime = Math.min(firstTime, run.timeAt(0));
          const changes = changesOf(run, memory.points.get(key), (point) => isNew(metric, point), drops);
          if (changes.last !== undefined) latest.set(key, changes.last);
          return changes.run;
        });
        const left = changed.filter(({ length }) => length > 0);
        return left.length === 0 ? [] : [{ ...family, runs: left }];
      });
      return {
        families,
        dropped: drops.counts(),
        commit(sent) {
          const others = keysOf(families);
          for (const key of keysOf(sent)) others.delete(key);
          remember(new Map([...latest].filter(([key]) => !others.has(key))), firstTime);
        },
      };
    },
    save: () => writeMemory(memory),
    restore(saved) {
      memory = readMemory(saved) ?? { completeSince: undefined, points: new Map() };
    },
  };
}

function keysOf(families: Gathered["families"]): Set<string> {
  return new Set(families.flatMap(({ runs }) => runs.map(({ series }) => series.key)));
}

/** A series' changes since `before`, and its last point. */
function changesOf(
  run: Run,
  before: Point | undefined,
  isNew: (point: Point) => boolean,
  drops: Drops<string>,
): { readonly run: Run; readonly last: Point | undefined } {
  const { metric } = run.series;
  const changed = new Run(run.series);
  changed.room = run.length;
  allot([changed]);
  let last = before;
  for (let at = 0; at < run.length; at++) {
    const histogram = run.histograms?.[at];
    const time = run.timeAt(at);
    if (run.isMark(at)) {
      changed.addMark(time, histogram);
      continue;
    }
    const point: Point = {
      time,
      start: run.startAt(at),
      value: run.valueAt(at),
      ...(histogram && { histogram }),
    };
    const reason = unusable(point, last);
    if (reason === undefined && last !== undefined) add(changed, change(point, last, metric));
    else if (reason === undefined && isNew(point)) add(changed, point);
    else drops.add(reason ?? "baseline", samplesIn(histogram?.counts));
    if (reason === undefined) last = point;
  }
  return { run: changed, last };
}

/** NaN has no change. Neither has a point that is not newer than the last one taken. */
function unusable({ time, value }: Point, last: Point | undefined): string | undefined {
  if (!Number.isFinite(value)) return "invalid";
  return last !== undefined && time <= last.time ? "clock_backwards" : undefined;
}

function change(point: Point, last: Point, metric: Metric): Point {
  const { time, histogram } = point;
  if (isReset(point, last, metric)) return { ...point, start: Math.max(point.start, last.time) };
  const value = point.value - last.value;
  if (histogram === undefined) return { time, start: last.time, value };
  const counts = histogram.counts.map((count, index) => count - (last.histogram?.counts[index] ?? 0));
  const sum = histogram.sum - (last.histogram?.sum ?? 0);
  return { time, start: last.time, value, histogram: { ...histogram, counts, sum, count: value } };
}

/**
 * Counted anew: since a later start, from a smaller total, or in other buckets. A boot's time may be reported a little
 * different after the clock was set, and so may the start of a scraped process; the agent's own start never is.
 */
function isReset(point: Point, last: Point, { since, scraped }: Metric): boolean {
  if (point.start > last.time || point.value < last.value) return true;
  if (since === "agent" && scraped !== true && point.start > last.start && last.start > 0) return true;
  const { histogram } = point;
  return (
    histogram?.counts.some((count, index) => count < (last.histogram?.counts[index] ?? Infinity)) === true
  );
}

function add(run: Run, { time, start, value, histogram }: Point): void {
  run.add(time, start, value, histogram);
}

/** What is saved: packed JSON, a few kilobytes for the agent's own series. */
interface Memory {
  /** Counters that began later were never sent without being among `points`; absent before anything was sent. */
  completeSince: number | undefined;
  /** The last point taken, by series; the one without points for longest first. */
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
function writeMemory({ completeSince, points }: Memory): string {
  const saved = Array.from(points, ([key, { time, start, value, histogram }]) =>
    histogram === undefined ? [key, time, start, value] : [key, time, start, value, histogram],
  );
  return deflateRawSync(JSON.stringify({ completeSince, points: saved }), { level: 1 }).toString("base64");
}

/** Undefined for a text that this version can't read, an empty one too; the journal has checked that it is what was written. */
function readMemory(text: string): Memory | undefined {
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

const selectors = {
  cumulative: CumulativeTemporalitySelector,
  delta: DeltaTemporalitySelector,
  lowmemory: LowMemoryTemporalitySelector,
};

/** What each type that has a temporality on the wire is among the SDK's instruments. */
const instruments: Readonly<Partial<Record<MetricType, InstrumentType>>> = {
  counter: InstrumentType.OBSERVABLE_COUNTER,
  histogram: InstrumentType.HISTOGRAM,
};

/** A gauge is neither, nor is a summary. */
export function isDelta(preference: OtlpSettings["temporality"], { type }: Metric): boolean {
  const instrument = instruments[type];
  return instrument !== undefined && selectors[preference](instrument) === AggregationTemporality.DELTA;
}
