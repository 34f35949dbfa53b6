/**
 * Encodes OTLP as protobuf. `ProtobufMetricsSerializer` does not do: it never writes a point's flags, so a series could not
 * end; it needs an object for every point and gives all labels again to each, where this writer copies bytes that it
 * made once per series. Tests hold the two against each other.
 *
 *     request ─ resource metrics ┬─ resource                       one of our own, and one for each scraped target
 *                                └─ scope metrics ┬─ scope
 *                                                 └─ metric ─ gauge, sum, histogram or summary ─ points     lengths first
 */
import protobuf from "protobufjs/minimal.js";
import type { Metric } from "../../metric/metric.ts";
import type { LabelPair } from "../../metric/series.ts";
import { ByteWriter, owned, varintLength } from "../../runtime/bytes.ts";
import { remembered } from "../series-cache.ts";
import { stride, type Family, type HistogramValue, type Run } from "./gather.ts";
import { isCompound, pointKind, type PointKind, type PointSeries, type Target } from "./layout.ts";

export interface EncoderOptions {
  readonly resource: readonly LabelPair[];
  /** The resource of what was scraped from a target. */
  readonly resourceOf: (target: Target) => readonly LabelPair[];
  /** The agent's, sent as the scope's. */
  readonly version: string;
  readonly isDelta: (metric: Metric) => boolean;
}

/** An ExportMetricsServiceRequest before compression; valid until the next call. */
export type Encoder = (families: readonly Family[]) => Uint8Array;

export const scopeName = "mac-powermetrics-agent";

/** opentelemetry.proto.metrics.v1.AggregationTemporality */
export const temporalities = { delta: 1, cumulative: 2 } as const;

/** DataPointFlags: the series has ended, the point has no value. */
export const noRecordedValue = 1;

export function createProtobufEncoder({ resource, resourceOf, version, isDelta }: EncoderOptions): Encoder {
  const writer = new ByteWriter();
  const resourceBytes = encodeResource(resource);
  const scopeBytes = encodeScope(version);
  const frameOf = remembered((metric: Metric): Frame => ({
    head: encodeHead(metric),
    tail: encodeTail(metric, isDelta(metric)),
  }));
  const points = createPointWriter(writer);

  function measure({ metric, runs }: Family): MeasuredMetric {
    const frame = frameOf(metric);
    const attributes: Uint8Array[] = [];
    const compounds = isCompound(metric) ? runs.map(encodeCompounds) : undefined;
    let payload = frame.tail.length;
    for (const run of runs) {
      const bytes = (run.series.bytes ??= encodePointAttributes(run.series));
      const before = compounds?.[attributes.length];
      payload +=
        before === undefined ? numbersLength(run, bytes.length) : compoundsLength(run, bytes.length, before);
      attributes.push(bytes);
    }
    const length = frame.head.length + fieldLength(payload);
    return { metric, frame, runs, attributes, compounds, payload, length };
  }

  function writeMetric({
    metric,
    frame,
    runs,
    attributes,
    compounds,
    payload,
    length,
  }: MeasuredMetric): void {
    writer.field(field(2, 2), length, frame.head);
    writer.field(payloadFields[pointKind(metric)], payload, nothing);
    for (let at = 0; at < runs.length; at++) {
      const run = runs[at];
      const bytes = attributes[at];
      if (run !== undefined && bytes !== undefined) points.write(run, bytes, compounds?.[at]);
    }
    writer.bytes(frame.tail);
  }

  function writeResource({ target, families }: ResourceFamilies): void {
    const leading = target === undefined ? resourceBytes : encodeResource(resourceOf(target));
    const metrics = families.map(measure);
    const scopeMetrics = scopeBytes.length + sum(metrics.map(({ length }) => fieldLength(length)));
    writer.field(field(1, 2), leading.length + fieldLength(scopeMetrics), leading);
    writer.field(field(2, 2), scopeMetrics, scopeBytes);
    metrics.forEach(writeMetric);
  }

  return (families) => {
    if (families.length === 0) return new Uint8Array();
    byTarget(families).forEach(writeResource);
    return writer.finish();
  };
}

interface ResourceFamilies {
  readonly target?: Target;
  readonly families: readonly Family[];
}

/** Families by the resource that they belong to, in the order in which each is first named. */
export function byTarget(families: readonly Family[]): readonly ResourceFamilies[] {
  const groups = Map.groupBy(families, ({ target }) => (target ? JSON.stringify(target) : ""));
  return [...groups.values()].map((group) => {
    const target = group[0]?.target;
    return { ...(target && { target }), families: group };
  });
}

/** What stands around the points of a metric. */
interface Frame {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

interface MeasuredMetric {
  readonly metric: Metric;
  readonly frame: Frame;
  readonly runs: readonly Run[];
  /** Of each run. */
  readonly attributes: readonly Uint8Array[];
  /** Of each run all histograms or summaries; absent for numbers. */
  readonly compounds: readonly (readonly Uint8Array[])[] | undefined;
  /** Length of the gauge, sum, histogram or summary. */
  readonly payload: number;
  readonly length: number;
}

const payloadFields: Readonly<Record<PointKind, number>> = {
  gauge: field(5, 2),
  counter: field(7, 2),
  histogram: field(9, 2),
  summary: field(11, 2),
};

/** A tag: field number × 8 + wire type (2 has a length, 1 is eight bytes, 0 is a varint). */
function field(number: number, wire: 0 | 1 | 2): number {
  return number * 8 + wire;
}

/** Of a field with its tag and its length. */
function fieldLength(length: number): number {
  return (length > 0x7f ? 1 + varintLength(length) : 2) + length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function encodeResource(resource: readonly LabelPair[]): Uint8Array {
  const attributes = encodeAttributes(resource, field(1, 2));
  return protobuf.Writer.create().uint32(field(1, 2)).bytes(attributes).finish();
}

function encodeScope(version: string): Uint8Array {
  const writer = protobuf.Writer.create().uint32(field(1, 2)).fork();
  writer.uint32(field(1, 2)).string(scopeName).uint32(field(2, 2)).string(version);
  return writer.ldelim().finish();
}

/** Name and description; no unit, since receivers append it to the name, where our own units stand already. */
function encodeHead({ name, help }: Metric): Uint8Array {
  const writer = protobuf.Writer.create().uint32(field(1, 2)).string(name);
  return (help === "" ? writer : writer.uint32(field(2, 2)).string(help)).finish();
}

function encodeTail(metric: Metric, delta: boolean): Uint8Array {
  const writer = protobuf.Writer.create();
  const kind = pointKind(metric);
  if (kind === "gauge" || kind === "summary") return writer.finish();
  writer.uint32(field(2, 0)).uint32(delta ? temporalities.delta : temporalities.cumulative);
  return (kind === "counter" ? writer.uint32(field(3, 0)).bool(true) : writer).finish();
}

/**
 * Of the points, which are field 1 of all kinds of metrics. Those of a series have the attributes in common, and those of numbers end alike:
 *
 *     0a len  attributes  [11 ········]  19 ········  21 ········        40 01 or a histogram in place of the value
 *                              start         time         value
 */
const pointField = field(1, 2);

const nothing = new Uint8Array();
const eight = new Uint8Array(8);
const startGap = Uint8Array.of(field(2, 1), ...eight);
const timeGap = Uint8Array.of(field(3, 1), ...eight);
/** Stands for the value of a number: the point's flags. */
const endMark = Uint8Array.of(field(8, 0), noRecordedValue);

function timesLength(start: number): number {
  return start > 0 ? 18 : 9;
}

/** Of all points of a run, where its attributes are so long. */
function numbersLength({ length, started, marks }: Run, attributes: number): number {
  let sum = 0;
  const ended = marks?.length ?? 0;
  const plain = length - started - ended;
  if (plain > 0) sum += plain * fieldLength(attributes + 18);
  if (started > 0) sum += started * fieldLength(attributes + 27);
  if (ended > 0) sum += ended * fieldLength(attributes + 9 + endMark.length);
  return sum;
}

function compoundsLength(run: Run, attributes: number, values: readonly Uint8Array[]): number {
  return sum(values.map(({ length }, at) => fieldLength(attributes + timesLength(run.startAt(at)) + length)));
}

interface PointWriter {
  /** @param compounds absent for numbers */
  write(run: Run, attributes: Uint8Array, compounds: readonly Uint8Array[] | undefined): void;
}

/** Most numbers of a request have the times of the one before, so what follows the attributes is kept, and what differs is written anew. */
function createPointWriter(writer: ByteWriter): PointWriter {
  const end = new ByteWriter();
  end.bytes(Uint8Array.of(...startGap, ...timeGap, field(4, 1), ...eight));
  const started = end.finish();
  const plain = started.subarray(9);
  let lastTime = 0;
  let lastStart = 0;

  function writeNumber(attributes: Uint8Array, time: number, start: number, value: number): void {
    if (time !== lastTime) end.nanosecondsAt(10, (lastTime = time));
    if (start > 0 && start !== lastStart) end.nanosecondsAt(1, (lastStart = start));
    end.doubleAt(19, value);
    const rest = start > 0 ? started : plain;
    writer.field(pointField, attributes.length + rest.length, attributes);
    writer.bytes(rest);
  }

  /** Any point: what it has besides attributes and times stands in `rest`. */
  function writePoint(run: Run, at: number, attributes: Uint8Array, rest: Uint8Array): void {
    const start = run.startAt(at);
    writer.field(pointField, attributes.length + timesLength(start) + rest.length, attributes);
    if (start > 0) writer.nanosecondsAt(writer.bytes(startGap) + 1, start);
    writer.nanosecondsAt(writer.bytes(timeGap) + 1, run.timeAt(at));
    writer.bytes(rest);
  }

  return {
    write(run, attributes, compounds) {
      const { points, first, length, marks } = run;
      for (let at = 0; at < length; at++) {
        const begin = first + stride * at;
        const rest = compounds === undefined ? endMark : compounds[at];
        if (compounds === undefined && marks?.includes(at) !== true)
          writeNumber(attributes, points[begin] ?? 0, points[begin + 1] ?? 0, points[begin + 2] ?? NaN);
        else if (rest !== undefined) writePoint(run, at, attributes, rest);
      }
    },
  };
}

function encodeCompounds(run: Run): readonly Uint8Array[] {
  const { metric } = run.series;
  return (run.histograms ?? []).map((value, at) => encodeCompound(metric, value, run.isMark(at)));
}

function encodeCompound(metric: Metric, value: HistogramValue, ended: boolean): Uint8Array {
  return pointKind(metric) === "summary" ? encodeSummary(value, ended) : encodeHistogram(value, ended);
}

/** SummaryDataPoint's own fields: 4 count, 5 sum, 6 quantiles (1 quantile, 2 value), 8 flags. */
function encodeSummary({ bounds, counts, sum, count }: HistogramValue, ended: boolean): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(field(4, 1)).fixed64(count).uint32(field(5, 1)).double(sum);
  for (const [at, quantile] of bounds.entries()) {
    writer.uint32(field(6, 2)).fork().uint32(field(1, 1)).double(quantile);
    writer
      .uint32(field(2, 1))
      .double(counts[at] ?? NaN)
      .ldelim();
  }
  return (ended ? writer.uint32(field(8, 0)).uint32(noRecordedValue) : writer).finish();
}

/** HistogramDataPoint's own fields: 4 count, 5 sum, 6 bucket counts, 7 bounds, 10 flags. */
function encodeHistogram({ bounds, counts, sum, count }: HistogramValue, ended: boolean): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(field(4, 1)).fixed64(count).uint32(field(5, 1)).double(sum);
  writer.uint32(field(6, 2)).fork();
  for (const one of counts) writer.fixed64(one);
  writer.ldelim().uint32(field(7, 2)).fork();
  for (const one of bounds) writer.double(one);
  writer.ldelim();
  return (ended ? writer.uint32(field(10, 0)).uint32(noRecordedValue) : writer).finish();
}

function encodePointAttributes({ metric, attributes }: PointSeries): Uint8Array {
  return encodeAttributes(attributes, field(metric.type === "histogram" ? 9 : 7, 2));
}

/** KeyValue{1 key, 2 AnyValue{1 string}} */
function encodeAttributes(pairs: readonly LabelPair[], tag: number): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [name, value] of pairs) {
    writer.uint32(tag).fork().uint32(field(1, 2)).string(name);
    writer.uint32(field(2, 2)).fork().uint32(field(1, 2)).string(value).ldelim().ldelim();
  }
  return owned(writer.finish());
}
