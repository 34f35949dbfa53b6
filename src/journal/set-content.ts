/** How a series set is stored: its identity and each series' type, name and labels, compressed; help comes from the catalogue. */
import { crc32, deflateRawSync, inflateRawSync } from "node:zlib";
import type { Metric, MetricType } from "../metric/metric.ts";
import { seriesSet, type LabelPair, type Series, type SeriesSet } from "../metric/series.ts";
import type { MetricOf } from "./types.ts";

interface StoredSet {
  readonly key: string;
  readonly content: Uint8Array;
  readonly crc: number;
}

type StoredSeries = readonly [
  type: MetricType,
  since: Metric["since"],
  metric: string,
  name: string,
  labels: readonly LabelPair[],
];

/** A process title's worth of series would be far less; a damaged length must not fill the memory. */
const longestContent = 64 * 2 ** 20;

export function storedSet(set: SeriesSet): StoredSet {
  const series = set.series.map(({ metric, name, labels }): StoredSeries => [
    metric.type,
    metric.since,
    metric.name,
    name,
    labels,
  ]);
  const content = deflateRawSync(JSON.stringify(series));
  return { key: set.key, content, crc: crc32(content, crc32(set.key)) };
}

/** The set, with the metrics as they are declared today; absent when the content is damaged. */
export function restoredSet({ key, content, crc }: StoredSet, metricOf: MetricOf): SeriesSet | undefined {
  if (crc32(content, crc32(key)) !== crc) return undefined;
  // Bytes with the right checksum are what `storedSet` wrote.
  const stored = JSON.parse(
    inflateRawSync(content, { maxOutputLength: longestContent }).toString(),
  ) as readonly StoredSeries[];
  const metrics = new Map<string, Metric>();
  const set = seriesSet(stored.map((one) => restoredSeries(one, metrics, metricOf)));
  return set.key === key ? set : undefined;
}

function restoredSeries(
  [type, since, metric, name, labels]: StoredSeries,
  metrics: Map<string, Metric>,
  metricOf: MetricOf,
): Series {
  let declared = metrics.get(metric);
  if (declared === undefined) {
    declared = declaredMetric(metricOf(metric, type), {
      name: metric,
      type,
      help: "",
      labels: labels.map(([label]) => label),
      since,
    });
    metrics.set(metric, declared);
  }
  return { metric: declared, name, labels };
}

/** What the counter counts from is a fact of the stored values, not of today's catalogue. */
function declaredMetric(today: Metric | undefined, stored: Metric): Metric {
  return today?.type === stored.type && today.since === stored.since
    ? today
    : { ...stored, help: today?.help ?? "" };
}
