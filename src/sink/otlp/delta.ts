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
 * The first point of a series is its baseline, unless the receiver can't have heard of what it counts: then it is sent whole.
 */
import type { Metric } from "../../metric/metric.ts";
import { readMemory, writeMemory, type Point } from "./delta-memory.ts";
import type { Gathered, Run } from "./gather.ts";

/**
 * Call once the receiver took a request with these families of the batch: what is in no request at all is moved on with it.
 */
export type Commit = (families: Gathered["families"]) => void;

interface Changed extends Gathered {
  readonly commit: Commit;
}

export interface Deltas {
  apply(gathered: Gathered): Changed;
  /** Of what was committed. */
  save(): string;
  /** Takes on what another process saved; a text that can't be read is as good as an empty one. */
  restore(saved: string): void;
}

/** Series come and go; the one that was silent for longest is forgotten first. */
const mostSeries = 10_000;

/** Windows begin up to a second before their process, since a sample's time has whole seconds. */
const startSlackMs = 2000;

/** @param startedAt when the agent's own counters began that no receiver has heard of, milliseconds since the Unix epoch */
export function createDeltas(isDelta: (metric: Metric) => boolean, startedAt: number): Deltas {
  let taken = new Map<string, Point>();
  /** Counters that began later were never sent without being remembered. */
  let completeSince: number | undefined;
  let ownSince = startedAt - startSlackMs;

  function isNew({ since }: Metric, { start }: Point): boolean {
    if (start === 0) return false;
    return start >= (completeSince ?? Infinity) || (since === "agent" && start >= ownSince);
  }

  function commit(points: ReadonlyMap<string, Point>, firstTime: number): void {
    if (firstTime < Infinity) completeSince ??= firstTime;
    for (const [key, point] of points) {
      taken.delete(key);
      taken.set(key, point);
    }
    for (const [oldest, { time }] of taken) {
      if (taken.size <= mostSeries) break;
      taken.delete(oldest);
      completeSince = Math.max(completeSince ?? 0, time);
      ownSince = Infinity;
    }
  }

  return {
    apply(gathered) {
      const points = new Map<string, Point>();
      const dropped: Record<string, number> = { ...gathered.dropped };
      let leftOut = 0;
      let firstTime = Infinity;
      const families = gathered.families.flatMap(({ metric, runs }) => {
        if (!isDelta(metric)) return [{ metric, runs }];
        const changed = runs.map((run) => {
          const { key } = run.series;
          firstTime = Math.min(firstTime, run.times[0] ?? Infinity);
          const { run: changes, last } = changesOf(run, taken.get(key), {
            isNew: (point) => isNew(metric, point),
            drop(reason, samples) {
              dropped[reason] = (dropped[reason] ?? 0) + samples;
              leftOut += samples;
            },
          });
          if (last !== undefined) points.set(key, last);
          return changes;
        });
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
          commit(new Map([...points].filter(([key]) => !others.has(key))), firstTime);
        },
      };
    },
    save: () => writeMemory({ completeSince, points: taken }),
    restore(saved) {
      const memory = readMemory(saved);
      taken = memory?.points ?? new Map<string, Point>();
      completeSince = memory?.completeSince;
    },
  };
}

function keysOf(families: Gathered["families"]): Set<string> {
  return new Set(families.flatMap(({ runs }) => runs.map(({ series }) => series.key)));
}

interface Terms {
  readonly isNew: (point: Point) => boolean;
  readonly drop: (reason: string, samples: number) => void;
}

function changesOf(
  run: Run,
  before: Point | undefined,
  { isNew, drop }: Terms,
): { readonly run: Run; readonly last: Point | undefined } {
  const { metric } = run.series;
  const changed: Run = { ...run, times: [], starts: [], values: [], histograms: [], marks: [] };
  let last = before;
  for (const [at, time] of run.times.entries()) {
    if (run.marks.includes(at)) {
      changed.marks.push(changed.times.length);
      add(changed, { time, start: 0, value: 0, ...histogramAt(run, at) });
      continue;
    }
    const point: Point = {
      time,
      start: run.starts[at] ?? 0,
      value: run.values[at] ?? NaN,
      ...histogramAt(run, at),
    };
    const reason = unusable(point, last);
    if (reason === undefined && last !== undefined) add(changed, change(point, last, metric));
    else if (reason === undefined && isNew(point)) add(changed, point);
    else drop(reason ?? "baseline", samplesIn(point));
    if (reason === undefined) last = point;
  }
  return { run: changed, last };
}

function histogramAt({ histograms }: Run, at: number): Pick<Point, "histogram"> {
  const histogram = histograms[at];
  return histogram === undefined ? {} : { histogram };
}

/** A histogram's point stands for its count, its sum and its buckets. */
function samplesIn({ histogram }: Point): number {
  return 1 + (histogram === undefined ? 0 : histogram.counts.length + 1);
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
 * different after the clock was set, the agent's own start never is.
 */
function isReset(point: Point, last: Point, { since }: Metric): boolean {
  if (point.start > last.time || point.value < last.value) return true;
  if (since === "agent" && point.start > last.start && last.start > 0) return true;
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
