/**
 * Encodes OTLP as JSON. `JsonMetricsSerializer` does not do: it turns NaN and the infinities into null, for which a Collector
 * refuses the whole request, where protobuf's JSON mapping has strings for them; and it never writes a point's flags.
 */
import type { LabelPair } from "../../metric/series.ts";
import type { Family, Run } from "./gather.ts";
import { pointKind } from "./layout.ts";
import {
  byTarget,
  noRecordedValue,
  scopeName,
  temporalities,
  type Encoder,
  type EncoderOptions,
} from "./encode-protobuf.ts";

type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json | undefined };

export function createJsonEncoder({ resource, resourceOf, version, isDelta }: EncoderOptions): Encoder {
  const text = new TextEncoder();
  const scope = { name: scopeName, version };
  return (families) => {
    const resourceMetrics = byTarget(families).map(({ target, families: own }) => ({
      resource: { attributes: keyValues(target === undefined ? resource : resourceOf(target)) },
      scopeMetrics: [{ scope, metrics: own.map((family) => metricOf(family, isDelta(family.metric))) }],
    }));
    return text.encode(JSON.stringify({ resourceMetrics }));
  };
}

function metricOf({ metric, runs }: Family, delta: boolean): Json {
  const { name, help: description } = metric;
  const dataPoints = runs.flatMap(pointsOf);
  const aggregationTemporality = delta ? temporalities.delta : temporalities.cumulative;
  switch (pointKind(metric)) {
    case "gauge":
      return { name, description, gauge: { dataPoints } };
    case "counter":
      return { name, description, sum: { aggregationTemporality, isMonotonic: true, dataPoints } };
    case "histogram":
      return { name, description, histogram: { aggregationTemporality, dataPoints } };
    case "summary":
      return { name, description, summary: { dataPoints } };
  }
}

function pointsOf(run: Run): Json[] {
  const attributes = keyValues(run.series.attributes);
  return Array.from({ length: run.length }, (_, at) => {
    const start = run.startAt(at);
    return {
      attributes,
      ...(start > 0 && { startTimeUnixNano: nanoseconds(start) }),
      timeUnixNano: nanoseconds(run.timeAt(at)),
      ...(run.isMark(at) && { flags: noRecordedValue }),
      ...valueOf(run, at),
    };
  });
}

/** The end mark of a number has no value, that of a histogram or summary its shape. */
function valueOf(run: Run, at: number): Record<string, Json> {
  const histogram = run.histograms?.[at];
  if (histogram === undefined) return run.isMark(at) ? {} : { asDouble: double(run.valueAt(at)) };
  const { bounds, counts } = histogram;
  const total = { count: String(histogram.count), sum: double(histogram.sum) };
  if (pointKind(run.series.metric) === "histogram")
    return { ...total, bucketCounts: counts.map(String), explicitBounds: bounds.map(double) };
  const quantileValues = bounds.map((quantile, index) => ({
    quantile: double(quantile),
    value: double(counts[index] ?? NaN),
  }));
  return { ...total, quantileValues };
}

/** As text: JSON's numbers end at 53 bits. */
function nanoseconds(ms: number): string {
  return `${ms}000000`;
}

/** The names that protobuf's JSON mapping has for what JSON lacks; as a number `-0` would lose its sign. */
function double(value: number): Json {
  if (Object.is(value, -0)) return "-0";
  return Number.isFinite(value) ? value : String(value);
}

function keyValues(pairs: readonly LabelPair[]): Json {
  return pairs.map(([key, value]) => ({ key, value: { stringValue: value } }));
}
