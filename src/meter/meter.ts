/**
 * Turns a sample into its snapshot: one meter a source, with its own collectors, series and sums.
 *
 *     sample ─► collectors ─► instruments (sample-meter.ts) ─► series set + values ─► Snapshot
 */
import type { Meter, Observable } from "@opentelemetry/api";
import type { CollectorSettings, Window } from "../collector/collector.ts";
import { collectorsOf } from "../collector/index.ts";
import type { Catalogue } from "../metric/catalogue.ts";
import type { Metric } from "../metric/metric.ts";
import type { Samples, SourceName } from "../parse/sample.ts";
import { createSampleMeter } from "./sample-meter.ts";
import { createSnapshotSequence, type Snapshot } from "./snapshot.ts";

export interface SourceMeter<S extends SourceName> {
  /**
   * The snapshot of a sample whose window ended at `time` and was `windowMs` long; both milliseconds.
   * `accrues` says whether the window's deltas may be added up.
   */
  measure(sample: Samples[S], time: number, windowMs: number, accrues?: boolean): Measured;
  /** The snapshot that ends every series of this source; absent when there is none to end. */
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
  catalogue: Catalogue,
  boot: BootTime,
): SourceMeter<S> {
  const meter = createSampleMeter(catalogue);
  const offer = bindCollectors(meter, source, settings);
  const sequence = createSnapshotSequence(source);
  /** Where the first window began: sums over windows count from there. */
  let firstWindow: number | undefined;

  const startsAt = (time: number): Snapshot["starts"] => ({
    ...(firstWindow !== undefined && { agent: firstWindow }),
    ...(boot.ms !== undefined && boot.ms <= time && { boot: boot.ms }),
  });

  return {
    measure(sample, time, windowMs, accrues = true) {
      firstWindow ??= Math.floor(time - windowMs);
      offer(sample, { accrues });
      const { set, values, overflowed } = meter.collect();
      return { snapshot: sequence.next(time, startsAt(time), set, values), overflowed };
    },
    end: (time) => sequence.end(time, startsAt(time)),
  };
}

/**
 * Creates the instruments of the source's enabled collectors on any OpenTelemetry meter, the stock SDK's included.
 * Returns the function that sets the sample for the next collection; each sample is collected once, since collectors sum up windows.
 */
export function bindCollectors<S extends SourceName>(
  meter: Meter,
  source: S,
  settings: CollectorSettings,
): (sample: Samples[S], window: Window) => void {
  let offered: { readonly sample: Samples[S]; readonly window: Window } | undefined;
  for (const collector of collectorsOf(source, settings)) {
    const metrics = Object.entries(collector.metrics);
    const instruments = new Map(metrics.map(([key, metric]) => [key, createInstrument(meter, metric)]));
    const collect = collector.create(settings);
    meter.addBatchObservableCallback(
      (result) => {
        if (offered === undefined) return;
        const { sample, window } = offered;
        const observe = (key: string, value?: number, labels?: Readonly<Record<string, string>>): void => {
          const instrument = instruments.get(key);
          if (value !== undefined && instrument !== undefined) result.observe(instrument, value, labels);
        };
        collect(sample, observe, window);
      },
      [...instruments.values()],
    );
  }
  return (sample, window) => void (offered = { sample, window });
}

/** The unit stays empty: a unit like `mW` makes receivers append a suffix to the name. */
function createInstrument(meter: Meter, { name, type, help }: Metric): Observable {
  return type === "counter"
    ? meter.createObservableCounter(name, { description: help })
    : meter.createObservableGauge(name, { description: help });
}

/** When the machine booted: several sources report it, and it moves by seconds when the clock is set. */
export interface BootTime {
  /** Milliseconds since the Unix epoch; absent until a source reported it. */
  readonly ms: number | undefined;
  report(ms: number | undefined): void;
}

/** A report within this distance is the same boot: a start time that moved would look like a counter reset. */
const sameBootMs = 60_000;

export function createBootTime(): BootTime {
  let known: number | undefined;
  return {
    get ms() {
      return known;
    },
    report(ms) {
      if (ms === undefined) return;
      if (known === undefined || Math.abs(ms - known) > sameBootMs) known = ms;
    },
  };
}
