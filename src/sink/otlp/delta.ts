/**
 * Owns the step from totals to changes, and what it must remember: the last point of each series that a receiver took.
 *
 *     taken │ batch                      a change starts where the point before it ended; nothing is counted
 *       7 ──┼─► 9 ──► 12 ──► 2†          twice or lost, also when a batch is refused: the next one tells the
 *           │   +2    +3     +2          change since what was taken        † reset
 *
 * Only `commit` moves the memory on, so that a batch encoded again before it has the same bytes. A series' first point
 * is the baseline for what follows and is not sent: what was told before a restart is not known.
 */
import type { Metric } from "../../metric/metric.ts";
import type { Gathered, HistogramValue, Run } from "./gather.ts";

interface Point {
  readonly time: number;
  readonly start: number;
  readonly value: number;
  readonly histogram?: HistogramValue;
}

/** By series; undefined for one that has ended. */
type Memory = Map<string, Point | undefined>;

/**
 * Call once the receiver took a request with these families of the batch: what is in no request at all is moved on with it.
 */
export type Commit = (families: Gathered["families"]) => void;

interface Changed extends Gathered {
  readonly commit: Commit;
}

interface Deltas {
  apply(gathered: Gathered): Changed;
}

/** Series come and go; the oldest is forgotten and begins anew. */
const mostSeries = 10_000;

export function createDeltas(isDelta: (metric: Metric) => boolean): Deltas {
  const taken = new Map<string, Point>();

  function commit(memory: Memory): void {
    for (const [key, point] of memory) {
      taken.delete(key);
      if (point !== undefined) taken.set(key, point);
    }
    for (const oldest of taken.keys()) {
      if (taken.size <= mostSeries) break;
      taken.delete(oldest);
    }
  }

  return {
    apply(gathered) {
      const memory: Memory = new Map();
      const dropped: Record<string, number> = { ...gathered.dropped };
      let leftOut = 0;
      const drop = (reason: string, samples: number): void => {
        dropped[reason] = (dropped[reason] ?? 0) + samples;
        leftOut += samples;
      };
      const families = gathered.families.flatMap(({ metric, runs }) => {
        if (!isDelta(metric)) return [{ metric, runs }];
        const changed = runs.map((run) => changesOf(run, taken.get(run.series.key), memory, drop));
        const left = changed.filter(({ times }) => times.length > 0);
        return left.length === 0 ? [] : [{ metric, runs: left }];
      });
      return {
        ...gathered,
        families,
        samples: gathered.samples - leftOut,
        dropped,
        commit(sent) {
          const others = keysOf(families);
          for (const key of keysOf(sent)) others.delete(key);
          commit(new Map([...memory].filter(([key]) => !others.has(key))));
        },
      };
    },
  };
}

function keysOf(families: Gathered["families"]): Set<string> {
  return new Set(families.flatMap(({ runs }) => runs.map(({ series }) => series.key)));
}

function changesOf(
  run: Run,
  before: Point | undefined,
  memory: Memory,
  drop: (reason: string, samples: number) => void,
): Run {
  const changed: Run = { ...run, times: [], starts: [], values: [], histograms: [], marks: [] };
  let last = before;
  for (const [at, time] of run.times.entries()) {
    if (run.marks.includes(at)) {
      changed.marks.push(changed.times.length);
      add(changed, { time, start: 0, value: 0, ...histogramAt(run, at) });
      last = undefined;
      continue;
    }
    const point: Point = {
      time,
      start: run.starts[at] ?? 0,
      value: run.values[at] ?? NaN,
      ...histogramAt(run, at),
    };
    const reason = unusable(point, last);
    if (reason === undefined && last !== undefined) add(changed, change(point, last));
    else
      drop(reason ?? "baseline", 1 + (point.histogram === undefined ? 0 : point.histogram.counts.length + 1));
    if (reason === undefined) last = point;
  }
  memory.set(run.series.key, last);
  return changed;
}

function histogramAt({ histograms }: Run, at: number): Pick<Point, "histogram"> {
  const histogram = histograms[at];
  return histogram === undefined ? {} : { histogram };
}

/** A total that is no number has no change, and one from before the last has none that is not told yet. */
function unusable({ time, value }: Point, last: Point | undefined): string | undefined {
  if (!Number.isFinite(value)) return "invalid";
  return last !== undefined && time <= last.time ? "clock_backwards" : undefined;
}

function change(point: Point, last: Point): Point {
  const { time, histogram } = point;
  if (isReset(point, last)) return { ...point, start: Math.max(point.start, last.time) };
  const value = point.value - last.value;
  if (histogram === undefined) return { time, start: last.time, value };
  const counts = histogram.counts.map((count, index) => count - (last.histogram?.counts[index] ?? 0));
  const sum = histogram.sum - (last.histogram?.sum ?? 0);
  return { time, start: last.time, value, histogram: { ...histogram, counts, sum, count: value } };
}

/** Counted anew: since a later start, from a smaller total, or in other buckets. */
function isReset(point: Point, last: Point): boolean {
  if (point.start > last.time || point.value < last.value) return true;
  const { histogram } = point;
  return (
    histogram?.counts.some((count, index) => count < (last.histogram?.counts[index] ?? Infinity)) === true
  );
}

function add({ times, starts, values, histograms }: Run, { time, start, value, histogram }: Point): void {
  times.push(time);
  starts.push(start);
  values.push(value);
  if (histogram !== undefined) histograms.push(histogram);
}
