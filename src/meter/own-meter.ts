/**
 * The agent's own metrics: instruments of the stock SDK, read at a slow interval, as one more source of snapshots.
 *
 *     count/record ─► SDK counters, histograms ┐
 *     watch        ─► SDK observable gauges  ──┴► reader.collect() ─► points ─► Snapshot of source "agent"
 */
import type { Attributes, Meter, ObservableResult } from "@opentelemetry/api";
import { DataPointType, MeterProvider, MetricReader, type MetricData } from "@opentelemetry/sdk-metrics";
import type { Metric } from "../metric/metric.ts";
import { createSeriesSets, labelPairs, type Series } from "../metric/series.ts";
import { ownMetrics } from "./catalogue.ts";
import { createSnapshotSequence, type Snapshot } from "./snapshot.ts";

/** The source name of the agent's own snapshots. */
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
export type WatchedValue<K extends Key> = readonly [value: number, labels: LabelsOf<OwnMetrics[K]>];

export interface OwnMeter {
  /** Adds to a counter; zero makes the series exist. */
  count<K extends Key>(key: K, amount: number, labels: LabelsOf<OwnMetrics[K]>): void;
  /** Records one duration in seconds into a histogram. */
  record<K extends Key>(key: K, seconds: number, labels: LabelsOf<OwnMetrics[K]>): void;
  /** Reads a gauge, or a count that another part keeps, at each snapshot. */
  watch<K extends Key>(key: K, read: () => Iterable<WatchedValue<K>>): void;
  /** The agent's own metrics at `time`, milliseconds since the Unix epoch. */
  snapshot(time: number): Promise<Snapshot>;
  /** The snapshot that ends every own series; absent when there is none to end. */
  end(time: number): Snapshot | undefined;
}

/** @param startedAt where the agent's own counters start, milliseconds since the Unix epoch */
export function createOwnMeter(startedAt: number): OwnMeter {
  const reader = new OnDemandReader();
  const meter = new MeterProvider({ readers: [reader] }).getMeter("mac-powermetrics-agent");
  const sequence = createSnapshotSequence(ownSource);
  const setOf = createSeriesSets();
  const seriesOf = createSeriesMemo();
  const starts = { agent: startedAt };
  /** By the metric's name. */
  const recorders = new Map<string, Recorder>();
  /** By the metric's name, the label sets that its callback observed last. */
  const observed = new Map<string, ReadonlySet<string>>();

  function add(key: Key, amount: number, labels: Attributes): void {
    const metric = ownMetrics[key];
    const recorder = recorders.get(metric.name) ?? createRecorder(meter, metric);
    recorders.set(metric.name, recorder);
    recorder(amount, labels);
  }

  /** The SDK keeps exporting label sets that a callback no longer observes; those have ended. */
  function isCurrent(name: string, attributes: Attributes): boolean {
    return observed.get(name)?.has(labelsKey(attributes)) ?? true;
  }

  return {
    count: add,
    record: add,
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
          seen.add(labelsKey(labels));
        }
      });
    },
    async snapshot(time) {
      const { resourceMetrics } = await reader.collect();
      const points = resourceMetrics.scopeMetrics
        .flatMap((scope) => scope.metrics)
        .flatMap((metric) => pointsOf(metric, (labels) => isCurrent(metric.descriptor.name, labels)));
      const set = setOf(points.map(seriesOf));
      return sequence.next(
        time,
        starts,
        set,
        Float64Array.from(points, ({ value }) => value),
      );
    },
    end: (time) => sequence.end(time, starts),
  };
}

type Recorder = (amount: number, labels: Attributes) => void;

/** Bounds for requests to a receiver on the same desk and on another continent, up to the default timeout; seconds. */
const durationBounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

function createRecorder(meter: Meter, { name, type, help: description }: Metric): Recorder {
  if (type !== "histogram") {
    const counter = meter.createCounter(name, { description });
    return (amount, labels) => counter.add(amount, labels);
  }
  const advice = { explicitBucketBoundaries: durationBounds };
  const histogram = meter.createHistogram(name, { description, advice });
  return (seconds, labels) => histogram.record(seconds, labels);
}

/** Keeps one object per series, so that a set of the same series is recognized. Bounded: the agent's labels are few. */
function createSeriesMemo(): (point: Point) => Series {
  const known = new Map<string, Series>();
  return ({ metric, suffix, attributes }) => {
    const name = `${metric.name}${suffix}`;
    const key = `${name} ${labelsKey(attributes)}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    // Strings, as the types of `OwnMeter` have it.
    const series = { metric, name, labels: labelPairs(attributes as Readonly<Record<string, string>>) };
    known.set(key, series);
    return series;
  };
}

/** Labels of one metric are always named in the same order. */
function labelsKey(labels: Attributes): string {
  return JSON.stringify(labels);
}

interface Point {
  readonly metric: Metric;
  /** Of the name, in a histogram. */
  readonly suffix: string;
  readonly attributes: Attributes;
  readonly value: number;
}

const byName = new Map<string, Metric>(Object.values(ownMetrics).map((metric) => [metric.name, metric]));

/** A metric of the SDK as series; a histogram becomes buckets, sum and count, as Prometheus has it. */
function pointsOf(data: MetricData, isCurrent: (labels: Attributes) => boolean): readonly Point[] {
  const metric = byName.get(data.descriptor.name);
  if (metric === undefined) return [];
  switch (data.dataPointType) {
    case DataPointType.GAUGE:
    case DataPointType.SUM:
      return data.dataPoints
        .filter(({ attributes }) => isCurrent(attributes))
        .map(({ attributes, value }) => ({ metric, suffix: "", attributes, value }));
    case DataPointType.HISTOGRAM:
      return data.dataPoints.flatMap(({ attributes, value }) => [
        ...bucketsOf(metric, attributes, value.buckets),
        { metric, suffix: "_sum", attributes, value: value.sum ?? NaN },
        { metric, suffix: "_count", attributes, value: value.count },
      ]);
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      throw new Error(`metric ${metric.name} must have explicit buckets, got exponential ones`);
  }
}

/** Cumulative counts up to each bound, and up to +Inf. */
function* bucketsOf(
  metric: Metric,
  attributes: Attributes,
  { boundaries, counts }: { boundaries: readonly number[]; counts: readonly number[] },
): Iterable<Point> {
  let below = 0;
  for (const [index, count] of counts.entries()) {
    below += count;
    const le = String(boundaries[index] ?? "+Inf");
    yield { metric, suffix: "_bucket", attributes: { ...attributes, le }, value: below };
  }
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
