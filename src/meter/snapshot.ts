/** A snapshot: one sample of one source, the shape that flows from the meter to the journal, the sinks and the endpoint. */
import type { CountedSince } from "../metric/metric.ts";
import { emptySet, endedSeries, type Series, type SeriesSet } from "../metric/series.ts";

/**
 * All that one source reported at one time.
 *
 *     set.series   cpu_power   cpu_frequency{core="cpu0"}   …
 *     values       90.1        1.08e9                       …      one row, same order
 *
 * An empty set says that the source has ended: nothing of it is current any more.
 */
export interface Snapshot {
  readonly source: string;
  /** The sample's own time, integer milliseconds since the Unix epoch; strictly increasing per source. */
  readonly time: number;
  readonly starts: CounterStarts;
  readonly set: SeriesSet;
  /** `values[i]` belongs to `set.series[i]`; any double, NaN and ±Inf included. */
  readonly values: Float64Array;
  /** Series of this source's previous snapshot that this one lacks: each is owed one end-of-series mark at `time`. */
  readonly ended: readonly Series[];
}

/** Of what a source reported last; the set is absent where nobody knows it any more. */
export interface LastOfSource {
  readonly time: number;
  readonly set: SeriesSet | undefined;
}

const scrapedPrefix = "scrape ";
const stampedPrefix = "scrape with timestamps ";

/** The name under which the journal keeps what a target reports. */
export function scrapedSource(target: string): string {
  return `${scrapedPrefix}${target}`;
}

/** The same for samples with a timestamp of their own: each lane has them in the order of time. */
export function stampedSource(target: string, lane: number): string {
  return `${stampedPrefix}${lane} ${target}`;
}

/** Whether a snapshot is of a scraped target: such series are pushed as they are, and shown nowhere else. */
export function isScraped(source: string): boolean {
  return source.startsWith(scrapedPrefix);
}

/** Whether it is this machine's: a scraped Mac has metrics of the same names. */
export function isOwn(source: string): boolean {
  return !isScraped(source);
}

/** Whether its series end without a mark: nobody knows when a sample with a timestamp of its own is to be followed by another. */
export function endsUnmarked(source: string): boolean {
  return source.startsWith(stampedPrefix);
}

/** Where each kind of counter starts, milliseconds since the Unix epoch; a start that no source reported is absent. */
type CounterStarts = Readonly<Partial<Record<CountedSince, number>>>;

/** The snapshots of one source, each compared with the one before. */
export interface SnapshotSequence {
  next(time: number, starts: CounterStarts, set: SeriesSet, values: Float64Array): Snapshot;
  /** The snapshot that ends every series, after the last one's time; absent when there is none to end. */
  end(time: number, starts: CounterStarts): Snapshot | undefined;
}

export function createSnapshotSequence(source: string): SnapshotSequence {
  let previous = emptySet;
  let lastTime = -Infinity;

  function next(time: number, starts: CounterStarts, set: SeriesSet, values: Float64Array): Snapshot {
    const ended = endedSeries(previous, set);
    previous = set;
    lastTime = time;
    return { source, time, starts, set, values, ended };
  }

  return {
    next,
    end(time, starts) {
      if (previous.series.length === 0) return undefined;
      return next(Math.max(time, lastTime + 1), starts, emptySet, new Float64Array(0));
    },
  };
}

/** The last snapshot of every source, but none that is older than its source's limit. */
export interface Latest {
  put(snapshot: Snapshot): void;
  /** The current snapshots at `now` (milliseconds since the Unix epoch), in the order their sources first reported. */
  current(now: number): readonly Snapshot[];
}

/** @param limitOf how long a source's snapshot stays current, milliseconds: see `stalenessLimit` */
export function latestSnapshots(limitOf: (source: string) => number): Latest {
  const bySource = new Map<string, Snapshot>();
  return {
    put: (snapshot) => void bySource.set(snapshot.source, snapshot),
    current: (now) => [...bySource.values()].filter(({ source, time }) => now - time <= limitOf(source)),
  };
}

/** Three intervals, and never under 15 s: a first powermetrics window or a slow poll is no outage. */
export function stalenessLimit(intervalMs: number): number {
  return Math.max(3 * intervalMs, 15_000);
}
