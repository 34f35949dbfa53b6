/**
 * The agent's own metrics: instruments of the stock SDK, read at a slow interval, as one more source of snapshots.
 *
 *     count/record ─► SDK counters, histograms ┐
 *     watch        ─► SDK observable gauges  ──┴► reader.collect() ─► Snapshot of source "agent"
 */
import type { Attributes, ObservableResult } from "@opentelemetry/api";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import type { Metric } from "../metric/metric.ts";
import { emptySet, endedSeries, type SeriesSet } from "../metric/series.ts";
import { ownMetrics } from "./own-metrics.ts";
import { flattenMetric, type FlatPoint } from "./flatten.ts";
import { createSeriesSets } from "./series-sets.ts";
import type { Snapshot } from "./snapshot.ts";

/** The source name under which the agent's own snapshots travel. */
export const ownSource = "agent";

type OwnMetrics = typeof ownMetrics;
type Key = keyof OwnMetrics;
type LabelsOf<M> =
  M extends Metric<infer Label>
    ? [Label] extends [never]
      ? Readonly<Record<string, never>>
      : Readonly<Record<Label, string>>
    : never;

/** One value of a watched metric with its labels. */
export type Reading<K extends Key> = readonly [value: number, labels: LabelsOf<OwnMetrics[K]>];

export interface OwnMeter {
  /** Adds to a counter; zero makes the series exist. */
  count<K extends Key>(key: K, amount: number, labels: LabelsOf<OwnMetrics[K]>): void;
  /** Records one duration in seconds into a histogram. */
  record<K extends Key>(key: K, seconds: number, labels: LabelsOf<OwnMetrics[K]>): void;
  /** Reads a gauge, or a count that somebody else keeps, at each snapshot. */
  watch<K extends Key>(key: K, read: () => Iterable<Reading<K>>): void;
  /** What the agent says of itself at `time`, milliseconds since the Unix epoch. */
  snapshot(time: number): Promise<Snapshot>;
  /** The snapshot that says nothing of this is current any more; absent when nothing was. */
  end(time: number): Snapshot | undefined;
}

/** Bounds for requests to a receiver on the same desk and on another continent, up to the default timeout; seconds. */
const durationBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** @param startedAt where the agent's own counters start, milliseconds since the Unix epoch */
export function createOwnMeter(startedAt: number): OwnMeter {
  const reader = new OnDemandReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("mac-powermetrics-agent");
  const sets = createSeriesSets();
  const series = new Map<string, FlatPoint["series"]>();
  const observed = new Map<string, Set<string>>();
  const counters = new Map<string, (amount: number, labels: Attributes) => void>();
  let previous: SeriesSet = emptySet;
  let lastTime = -Infinity;

  function counter({ name, help }: Metric): (amount: number, labels: Attributes) => void {
    const known = counters.get(name);
    if (known !== undefined) return known;
    const created = meter.createCounter(name, { description: help });
    const add = (amount: number, labels: Attributes): void => created.add(amount, labels);
    counters.set(name, add);
    return add;
  }

  function recorder({ name, help }: Metric): (seconds: number, labels: Attributes) => void {
    const known = counters.get(name);
    if (known !== undefined) return known;
    const advice = { explicitBucketBoundaries: durationBounds };
    const created = meter.createHistogram(name, { description: help, advice });
    const record = (seconds: number, labels: Attributes): void => created.record(seconds, labels);
    counters.set(name, record);
    return record;
  }

  return {
    count: (key, amount, labels) => counter(ownMetrics[key])(amount, labels),
    record: (key, seconds, labels) => recorder(ownMetrics[key])(seconds, labels),
    watch(key, read) {
      const { name, type, help } = ownMetrics[key];
      const instrument =
        type === "counter"
          ? meter.createObservableCounter(name, { description: help })
          : meter.createObservableGauge(name, { description: help });
      instrument.addCallback((result: ObservableResult) => {
        const seen = new Set<string>();
        observed.set(name, seen);
        for (const [value, labels] of read()) {
          result.observe(value, labels);
          seen.add(pointKey(labels));
        }
      });
    },
    async snapshot(time) {
      const { resourceMetrics } = await reader.collect();
      const points = resourceMetrics.scopeMetrics
        .flatMap((scope) => scope.metrics)
        .flatMap((metric) =>
          flattenMetric(metric, (attributes) => isCurrent(metric.descriptor.name, attributes)),
        )
        .map((point) => ({ ...point, series: intern(series, point) }));
      return snapshot(
        time,
        sets.of(points.map((point) => point.series)),
        Float64Array.from(points, (point) => point.value),
      );
    },
    end: (time) =>
      previous.series.length === 0
        ? undefined
        : snapshot(Math.max(time, lastTime + 1), emptySet, new Float64Array(0)),
  };

  function snapshot(time: number, set: SeriesSet, values: Float64Array): Snapshot {
    const ended = endedSeries(previous, set);
    previous = set;
    lastTime = time;
    return { source: ownSource, time, starts: { agent: startedAt }, set, values, ended };
  }

  /** The SDK keeps exporting label sets that a callback no longer observes; those have ended. */
  function isCurrent(name: string, attributes: Attributes): boolean {
    return observed.get(name)?.has(pointKey(attributes)) ?? true;
  }
}

function pointKey(labels: Attributes): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Keeps one object per series, so that the set of them keeps its identity. Bounded: the agent's labels are few. */
function intern(known: Map<string, FlatPoint["series"]>, { key, series }: FlatPoint): FlatPoint["series"] {
  const present = known.get(key);
  if (present !== undefined) return present;
  known.set(key, series);
  return series;
}

/** A reader that collects when it is asked. */
class OnDemandReader extends MetricReader {
  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}
