/** Turns the SDK's metric data into series: a histogram becomes buckets, sum and count, as Prometheus has it. */
import type { Attributes } from "@opentelemetry/api";
import { DataPointType, type MetricData } from "@opentelemetry/sdk-metrics";
import type { Metric } from "../metric/metric.ts";
import { labelPairs, seriesKey, type Series } from "../metric/series.ts";
import { ownMetrics } from "./own-metrics.ts";

export interface FlatPoint {
  readonly key: string;
  readonly series: Series;
  readonly value: number;
}

const byName = new Map<string, Metric>(Object.values(ownMetrics).map((metric) => [metric.name, metric]));

/** Series and values of one SDK metric; points whose attributes are not `current` are left out. */
export function flattenMetric(
  metric: MetricData,
  current: (attributes: Attributes) => boolean,
): readonly FlatPoint[] {
  const declared = byName.get(metric.descriptor.name);
  if (declared === undefined) return [];
  switch (metric.dataPointType) {
    case DataPointType.GAUGE:
    case DataPointType.SUM:
      return metric.dataPoints
        .filter(({ attributes }) => current(attributes))
        .map(({ attributes, value }) => point(declared, declared.name, attributes, value));
    case DataPointType.HISTOGRAM:
      return metric.dataPoints.flatMap(({ attributes, value }) => [
        ...buckets(declared, attributes, value.buckets),
        point(declared, `${declared.name}_sum`, attributes, value.sum ?? NaN),
        point(declared, `${declared.name}_count`, attributes, value.count),
      ]);
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      throw new Error(`metric ${declared.name} must have explicit buckets, got exponential ones`);
  }
}

/** Cumulative counts up to each bound, and up to +Inf. */
function* buckets(
  metric: Metric,
  attributes: Attributes,
  { boundaries, counts }: { boundaries: readonly number[]; counts: readonly number[] },
): Iterable<FlatPoint> {
  let below = 0;
  for (const [index, count] of counts.entries()) {
    below += count;
    const le = boundaries[index];
    yield point(
      metric,
      `${metric.name}_bucket`,
      { ...attributes, le: le === undefined ? "+Inf" : String(le) },
      below,
    );
  }
}

function point(metric: Metric, name: string, attributes: Attributes, value: number): FlatPoint {
  const values = Object.entries(attributes).map(
    ([label, text]) => [label, typeof text === "string" ? text : ""] as const,
  );
  const series = { metric, name, labels: labelPairs(Object.fromEntries(values)) };
  return { key: seriesKey(series), series, value };
}
