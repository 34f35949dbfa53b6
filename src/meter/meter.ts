/** Turns a sample into its snapshot: one meter a source, each with its own series, sums and time. */
import type { CollectorSettings } from "../collector/collector.ts";
import type { Catalogue } from "../metric/catalogue.ts";
import { emptySet, endedSeries, type SeriesSet } from "../metric/series.ts";
import type { Samples, SourceName } from "../parse/sample.ts";
import { bindCollectors } from "./bind.ts";
import type { BootTime } from "./boot-time.ts";
import { createSampleMeter } from "./sample-meter.ts";
import type { Snapshot } from "./snapshot.ts";

export interface SourceMeter<S extends SourceName> {
  /**
   * The snapshot of a sample whose window ended at `time` and was `windowMs` long; both milliseconds.
   * `accrues` says whether the window's deltas may be added up.
   */
  measure(sample: Samples[S], time: number, windowMs: number, accrues?: boolean): Measured;
  /** The snapshot that says nothing of this source is current any more; absent when nothing was. */
  end(time: number): Snapshot | undefined;
}

export interface Measured {
  readonly snapshot: Snapshot;
  /** Observations that were dropped for the series limit of their instrument. */
  readonly overflowed: number;
}

export function createSourceMeter<S extends SourceName>(
  source: S,
  settings: CollectorSettings,
  world: { readonly catalogue: Catalogue; readonly boot: BootTime },
): SourceMeter<S> {
  const meter = createSampleMeter(world.catalogue);
  const binding = bindCollectors(meter, source, settings);
  let previous: SeriesSet = emptySet;
  let lastTime = -Infinity;
  /** Where the first window began: sums over windows count from there. */
  let firstWindow: number | undefined;

  function snapshot(time: number, set: SeriesSet, values: Float64Array): Snapshot {
    const boot = world.boot.ms;
    const starts = {
      ...(firstWindow !== undefined && { agent: firstWindow }),
      ...(boot !== undefined && boot <= time && { boot }),
    };
    const ended = endedSeries(previous, set);
    previous = set;
    lastTime = time;
    return { source, time, starts, set, values, ended };
  }

  return {
    measure(sample, time, windowMs, accrues = true) {
      firstWindow ??= Math.floor(time - windowMs);
      binding.offer(sample, { accrues });
      const { set, values, overflowed } = meter.collect();
      return { snapshot: snapshot(time, set, values), overflowed };
    },
    end(time) {
      if (previous.series.length === 0) return undefined;
      return snapshot(Math.max(time, lastTime + 1), emptySet, new Float64Array(0));
    },
  };
}
