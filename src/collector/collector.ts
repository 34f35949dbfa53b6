/**
 * A collector: metrics, and the code that observes them from one source's samples, declared together.
 * A metric that was not declared, or a wrong label, does not compile.
 */
import type { Metric } from "../metric/metric.ts";
import type { Samples, SourceName } from "../parse/sample.ts";

/** The switches of metrics that are off by default. */
export interface CollectorSettings {
  readonly tasks: { readonly enabled: boolean; readonly top: number };
  readonly frequencyResidency: boolean;
  readonly interrupts: boolean;
  /** Whether the samples come from the simulator. */
  readonly simulated: boolean;
}

/** What is known of the window that a sample covers, beyond the sample itself. */
export interface Window {
  /** Whether the window's deltas may be added up: false for a summary, and for a window that spans a sleep. */
  readonly accrues: boolean;
}

export type MetricTable = Readonly<Record<string, Metric>>;

type LabelArguments<M> =
  M extends Metric<infer Label>
    ? [Label] extends [never]
      ? []
      : [labels: Readonly<Record<Label, string>>]
    : never;

/** Reports one value; `undefined` is a value the machine did not report, so that nothing is exported. */
export type Observe<M extends MetricTable> = <K extends keyof M>(
  key: K,
  value: number | undefined,
  ...labels: LabelArguments<M[K]>
) => void;

export type Collect<S extends SourceName, M extends MetricTable> = (
  sample: Samples[S],
  observe: Observe<M>,
  window: Window,
) => void;

interface Declaration<S extends SourceName, M extends MetricTable> {
  readonly source: S;
  readonly metrics: M;
  /** The powermetrics samplers that this collector's fields come from. */
  readonly samplers?: readonly string[];
  /** For metrics that are off by default: whether the settings turn this collector on. */
  readonly enabled?: (settings: CollectorSettings) => boolean;
  /** Makes the function that observes; called once a run, so sums over windows live in its closure. */
  readonly create: (settings: CollectorSettings) => Collect<S, M>;
}

/** A collector as the registry holds it, its metric keys checked and no longer needed. */
export interface Collector<S extends SourceName = SourceName> {
  readonly source: S;
  readonly metrics: MetricTable;
  readonly samplers: readonly string[];
  readonly optional: boolean;
  enabled(settings: CollectorSettings): boolean;
  create(settings: CollectorSettings): (sample: Samples[S], observe: ObserveAny, window: Window) => void;
}

/** `Observe` without the compile-time check of keys, as the meter provides it. */
export type ObserveAny = (
  key: string,
  value: number | undefined,
  labels?: Readonly<Record<string, string>>,
) => void;

/** Declares a collector; a file a subject, one line in index.ts. */
export function collector<S extends SourceName, const M extends MetricTable>(
  declaration: Declaration<S, M>,
): Collector<S> {
  return {
    source: declaration.source,
    metrics: declaration.metrics,
    samplers: declaration.samplers ?? [],
    optional: declaration.enabled !== undefined,
    enabled: declaration.enabled ?? (() => true),
    create(settings) {
      const collect = declaration.create(settings);
      return (sample, observe, window) => collect(sample, observe as Observe<M>, window);
    },
  };
}
