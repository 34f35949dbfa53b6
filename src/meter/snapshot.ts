/** A snapshot: one sample of one source, the shape that flows from the meter to the journal, the sinks and the endpoint. */
import type { CountedSince } from "../metric/metric.ts";
import type { Series, SeriesSet } from "../metric/series.ts";

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
  /** Where each kind of counter starts, milliseconds since the Unix epoch; a start that nobody reported is absent. */
  readonly starts: Readonly<Partial<Record<CountedSince, number>>>;
  readonly set: SeriesSet;
  /** `values[i]` belongs to `set.series[i]`; any double, NaN and ±Inf included. */
  readonly values: Float64Array;
  /** Series of this source's previous snapshot that this one lacks: each is owed one end-of-series mark at `time`. */
  readonly ended: readonly Series[];
}
