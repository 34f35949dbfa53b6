/** Snapshots as the OpenTelemetry SDK's ResourceMetrics, to compare our encoders with OpenTelemetry's. */
import type { Attributes, HrTime } from "@opentelemetry/api";
import { ValueType } from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { Metric } from "../../src/metric/metric.ts";
import type { Series } from "../../src/metric/series.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";

const scope = { name: "mac-powermetrics-agent" };

/**
 * All snapshots' values as cumulative data points with the samples' own times, one metric per name with the points of
 * every snapshot. Series that ended are not here: the SDK's model can't express that; sinks add their flag.
 */
export function resourceMetrics(snapshots: readonly Snapshot[], resource: Resource): ResourceMetrics {
  const families = new Map<Metric, Point[]>();
  for (const snapshot of snapshots) {
    for (const [index, series] of snapshot.set.series.entries()) {
      const points = families.get(series.metric) ?? [];
      families.set(series.metric, points);
      points.push({ series, snapshot, value: snapshot.values[index] ?? NaN });
    }
  }
  const metrics = [...families].map(([metric, points]) => metricData(metric, points));
  return { resource, scopeMetrics: metrics.length === 0 ? [] : [{ scope, metrics }] };
}

interface Point {
  readonly series: Series;
  readonly snapshot: Snapshot;
  readonly value: number;
}

function metricData(metric: Metric, points: readonly Point[]): MetricData {
  const shared = {
    descriptor: { name: metric.name, description: metric.help, unit: "", valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  switch (metric.type) {
    case "counter":
      return {
        ...shared,
        dataPointType: DataPointType.SUM,
        isMonotonic: true,
        dataPoints: points.map(numberPoint),
      };
    case "histogram":
      return { ...shared, dataPointType: DataPointType.HISTOGRAM, dataPoints: [...histogramPoints(points)] };
    default:
      return { ...shared, dataPointType: DataPointType.GAUGE, dataPoints: points.map(numberPoint) };
  }
}

function numberPoint({ series, snapshot, value }: Point): DataPoint<number> {
  return { ...pointTimes(series.metric, snapshot), attributes: Object.fromEntries(series.labels), value };
}

/** Zero is an unknown start in OpenTelemetry; the point's own time would say that the counter was reset just now. */
function pointTimes(metric: Metric, { starts, time }: Snapshot): { startTime: HrTime; endTime: HrTime } {
  const start = metric.type === "gauge" ? time : (starts[metric.since] ?? 0);
  return { startTime: hrTime(start), endTime: hrTime(time) };
}

/** Seconds and nanoseconds, the SDK's form of a time. */
function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1000), (ms % 1000) * 1e6];
}

/** Puts each histogram together again from its `_bucket` series, which stand before their `_sum` and `_count`. */
function* histogramPoints(points: readonly Point[]): Iterable<DataPoint<Histogram>> {
  let boundaries: number[] = [];
  let cumulative: number[] = [];
  let sum = 0;
  for (const { series, snapshot, value } of points) {
    const { le, ...attributes }: Attributes = Object.fromEntries(series.labels);
    if (series.name.endsWith("_bucket")) {
      if (le !== "+Inf") boundaries.push(Number(le));
      cumulative.push(value);
    } else if (series.name.endsWith("_sum")) {
      sum = value;
    } else {
      const counts = cumulative.map((count, index) => count - (cumulative[index - 1] ?? 0));
      yield {
        ...pointTimes(series.metric, snapshot),
        attributes,
        value: { buckets: { boundaries, counts }, sum, count: value },
      };
      boundaries = [];
      cumulative = [];
      sum = 0;
    }
  }
}
