/** Reads OTLP requests independently of the encoders: protobuf by reflection over the published schema, JSON by its own parser. */
import protobuf from "protobufjs";
import { z } from "zod";

/** The parts of opentelemetry-proto 1.x that an export of metrics uses. */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceMetrics resource_metrics = 1; }
  message ResourceMetrics { Resource resource = 1; repeated ScopeMetrics scope_metrics = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeMetrics { Scope scope = 1; repeated Metric metrics = 2; }
  message Scope { string name = 1; string version = 2; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; } }
  message Metric {
    string name = 1; string description = 2; string unit = 3;
    oneof data { Gauge gauge = 5; Sum sum = 7; Histogram histogram = 9; Summary summary = 11; }
  }
  message Gauge { repeated NumberDataPoint data_points = 1; }
  message Sum { repeated NumberDataPoint data_points = 1; int32 aggregation_temporality = 2; bool is_monotonic = 3; }
  message Histogram { repeated HistogramDataPoint data_points = 1; int32 aggregation_temporality = 2; }
  message Summary { repeated SummaryDataPoint data_points = 1; }
  message SummaryDataPoint {
    repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
    fixed64 count = 4; double sum = 5; repeated Quantile quantile_values = 6; uint32 flags = 8;
  }
  message Quantile { double quantile = 1; double value = 2; }
  message NumberDataPoint {
    repeated KeyValue attributes = 7; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
    oneof value { double as_double = 4; sfixed64 as_int = 6; }
    uint32 flags = 8;
  }
  message HistogramDataPoint {
    repeated KeyValue attributes = 9; fixed64 start_time_unix_nano = 2; fixed64 time_unix_nano = 3;
    fixed64 count = 4; optional double sum = 5; repeated fixed64 bucket_counts = 6;
    repeated double explicit_bounds = 7; uint32 flags = 10;
  }
`);
const requestType = root.lookupType("Request");

const text = z.string().default("");
/** 64 bits, which both forms give as text. */
const whole = z.union([z.string(), z.number()]).default("0").transform(String);
const double = z.union([z.number(), z.enum(["NaN", "Infinity", "-Infinity", "-0"])]).transform(Number);
const attributes = z
  .array(z.object({ key: text, value: z.object({ stringValue: z.string() }) }))
  .default([])
  .transform((all) => Object.fromEntries(all.map(({ key, value }) => [key, value.stringValue])));
const shared = { attributes, startTimeUnixNano: whole, timeUnixNano: whole, flags: z.number().default(0) };
const numberPoint = z.object({ ...shared, asDouble: double.optional() });
const histogramPoint = z.object({
  ...shared,
  count: whole,
  sum: double.optional(),
  bucketCounts: z.array(whole).default([]),
  explicitBounds: z.array(double).default([]),
});
const summaryPoint = z.object({
  ...shared,
  count: whole,
  sum: double.optional(),
  quantileValues: z.array(z.object({ quantile: double.default(0), value: double.default(0) })).default([]),
});
const aggregationTemporality = z.number();
const metric = z.object({
  name: text,
  description: text,
  unit: text,
  gauge: z.object({ dataPoints: z.array(numberPoint) }).optional(),
  sum: z
    .object({ dataPoints: z.array(numberPoint), aggregationTemporality, isMonotonic: z.boolean() })
    .optional(),
  histogram: z.object({ dataPoints: z.array(histogramPoint), aggregationTemporality }).optional(),
  summary: z.object({ dataPoints: z.array(summaryPoint) }).optional(),
});
const request = z.object({
  resourceMetrics: z
    .array(
      z.object({
        resource: z.object({ attributes }),
        scopeMetrics: z
          .array(z.object({ scope: z.object({ name: text, version: text }), metrics: z.array(metric) }))
          .default([]),
      }),
    )
    .default([]),
});

type Request = z.output<typeof request>;
export type MetricMessage = z.output<typeof metric>;

export function decodeProtobuf(bytes: Uint8Array): Request {
  const message = requestType.toObject(requestType.decode(bytes), { longs: String, json: true });
  return request.parse(message);
}

export function decodeJson(bytes: Uint8Array): Request {
  return request.parse(JSON.parse(Buffer.from(bytes).toString()));
}

/** All metrics of a request, whatever resource they stand under. */
export function metricsOf({ resourceMetrics }: Request): readonly MetricMessage[] {
  return resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
}
