/** Binds collectors to OpenTelemetry instruments; any Meter will do, the stock SDK's included. */
import type { Meter, Observable } from "@opentelemetry/api";
import { collectorsOf } from "../collector/index.ts";
import type { Collector, CollectorSettings, ObserveAny, Window } from "../collector/collector.ts";
import type { Metric } from "../metric/metric.ts";
import type { Samples, SourceName } from "../parse/sample.ts";

/** The sample that the next collection observes; each is observed once, since collectors sum up windows. */
export interface Binding<S extends SourceName> {
  offer(sample: Samples[S], window: Window): void;
}

/** Creates the instruments of the source's enabled collectors on `meter` and registers their callbacks. */
export function bindCollectors<S extends SourceName>(
  meter: Meter,
  source: S,
  settings: CollectorSettings,
): Binding<S> {
  let offered: { readonly sample: Samples[S]; readonly window: Window } | undefined;
  for (const collector of collectorsOf(source, settings)) {
    register(meter, collector, settings, () => offered);
  }
  return {
    offer(sample, window) {
      offered = { sample, window };
    },
  };
}

function register<S extends SourceName>(
  meter: Meter,
  collector: Collector<S>,
  settings: CollectorSettings,
  current: () => { readonly sample: Samples[S]; readonly window: Window } | undefined,
): void {
  const instruments = new Map<string, Observable>();
  for (const [key, metric] of Object.entries(collector.metrics))
    instruments.set(key, instrument(meter, metric));
  const collect = collector.create(settings);
  meter.addBatchObservableCallback(
    (result) => {
      const offered = current();
      if (offered === undefined) return;
      const observe: ObserveAny = (key, value, labels) => {
        const target = instruments.get(key);
        if (value !== undefined && target !== undefined) result.observe(target, value, labels);
      };
      collect(offered.sample, observe, offered.window);
    },
    [...instruments.values()],
  );
}

/** The unit stays empty: a unit like `mW` makes receivers append a suffix to the name. */
function instrument(meter: Meter, { name, type, help }: Metric): Observable {
  return type === "counter"
    ? meter.createObservableCounter(name, { description: help })
    : meter.createObservableGauge(name, { description: help });
}
