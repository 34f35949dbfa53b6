/**
 * Owns OTLP as protobuf. Not by `ProtobufMetricsSerializer`: it never writes a point's flags, so a series could not
 * end; it needs an object for every point and gives all labels again to each, where this writer copies bytes that it
 * made once per series. Tests hold the two against each other.
 *
 *     request ─ resource metrics ┬─ resource
 *                                └─ scope metrics ┬─ scope
 *                                                 └─ metric ─ gauge, sum or histogram ─ points     lengths first
 */
import protobuf from "protobufjs/minimal.js";
import type { Metric } from "../../metric/metric.ts";
import type { LabelPair } from "../../metric/series.ts";
import { createByteWriter, varintLength, type ByteWriter } from "../byte-writer.ts";
import type { Family, HistogramValue, Run } from "./gather.ts";
import type { PointSeries } from "./layout.ts";
import { noRecordedValue, scopeName, temporalities, type Encoder, type Surroundings } from "./request.ts";

/** Tags: field number × 8 + wire type (2 has a length, 1 is eight bytes, 0 is a varint). */
const field = (number: number, wire: 0 | 1 | 2): number => number * 8 + wire;

export function createProtobufEncoder({ resource, version, isDelta }: Surroundings): Encoder {
  const writer = createByteWriter();
  const resourceBytes = encodeResource(resource);
  const scopeBytes = encodeScope(version);
  const attributes = new WeakMap<PointSeries, Uint8Array>();
  const heads = new WeakMap<Metric, Uint8Array>();

  function attributesOf(series: PointSeries): Uint8Array {
    const tag = field(series.metric.type === "histogram" ? 9 : 7, 2);
    const bytes = attributes.get(series) ?? encodeAttributes(series.attributes, tag);
    attributes.set(series, bytes);
    return bytes;
  }

  function headOf(metric: Metric): Uint8Array {
    const bytes = heads.get(metric) ?? encodeHead(metric);
    heads.set(metric, bytes);
    return bytes;
  }

  function measure({ metric, runs }: Family): Measured {
    const points = runs.map((run) => measureRun(run, attributesOf(run.series)));
    const tail = encodeTail(metric, isDelta(metric));
    const inner = sum(points.map(({ length }) => length)) + tail.length;
    const head = headOf(metric);
    return { metric, head, points, tail, inner, length: head.length + 1 + lengthed(inner) };
  }

  return (families) => {
    if (families.length === 0) return new Uint8Array();
    const measured = families.map(measure);
    const scopeMetrics = scopeBytes.length + sum(measured.map(({ length }) => 1 + lengthed(length)));
    const resourceMetrics = resourceBytes.length + 1 + lengthed(scopeMetrics);
    writer.reserve(1 + lengthed(resourceMetrics));
    open(writer, field(1, 2), resourceMetrics);
    writer.bytes(resourceBytes);
    open(writer, field(2, 2), scopeMetrics);
    writer.bytes(scopeBytes);
    const stamps = createStamps();
    for (const one of measured) writeMetric(writer, one, stamps);
    return writer.finish();
  };
}

interface Measured {
  readonly metric: Metric;
  readonly head: Uint8Array;
  readonly points: readonly MeasuredRun[];
  readonly tail: Uint8Array;
  /** Of the gauge, sum or histogram. */
  readonly inner: number;
  readonly length: number;
}

interface MeasuredRun {
  readonly run: Run;
  readonly attributes: Uint8Array;
  /** Bytes of each histogram's values; a number has its own way. */
  readonly histograms: readonly Uint8Array[];
  readonly length: number;
}

/** Of a point's time, or its start: a tag and eight bytes. */
const stampLength = 9;
/** A tag and eight bytes. */
const numberLength = 9;
/** A tag and the one bit. */
const flagsLength = 2;

function measureRun(run: Run, attributes: Uint8Array): MeasuredRun {
  const histograms = run.histograms.map(encodeHistogram);
  let length = 0;
  for (let at = 0; at < run.times.length; at++) {
    length += 1 + lengthed(pointLength({ run, attributes, histograms }, at));
  }
  return { run, attributes, histograms, length };
}

function pointLength({ run, attributes, histograms }: Omit<MeasuredRun, "length">, at: number): number {
  const start = (run.starts[at] ?? 0) > 0 ? stampLength : 0;
  const ended = run.marks.includes(at);
  const value = histograms[at]?.length ?? (ended ? 0 : numberLength);
  return attributes.length + start + stampLength + value + (ended ? flagsLength : 0);
}

const payloads = { gauge: field(5, 2), counter: field(7, 2), histogram: field(9, 2) } as const;

function writeMetric(
  writer: ByteWriter,
  { metric, head, points, tail, inner, length }: Measured,
  stamps: Stamps,
): void {
  open(writer, field(2, 2), length);
  writer.bytes(head);
  open(writer, payloads[metric.type], inner);
  for (const one of points) writeRun(writer, one, stamps);
  writer.bytes(tail);
}

function writeRun(writer: ByteWriter, measured: MeasuredRun, stamps: Stamps): void {
  const { run, attributes, histograms } = measured;
  const flags = field(run.series.metric.type === "histogram" ? 10 : 8, 0);
  for (let at = 0; at < run.times.length; at++) {
    open(writer, field(1, 2), pointLength(measured, at));
    writer.bytes(attributes);
    const start = run.starts[at] ?? 0;
    if (start > 0) writeStamp(writer, field(2, 1), stamps(start));
    writeStamp(writer, field(3, 1), stamps(run.times[at] ?? 0));
    const histogram = histograms[at];
    const ended = run.marks.includes(at);
    if (histogram !== undefined) {
      writer.bytes(histogram);
    } else if (!ended) {
      writer.byte(field(4, 1));
      writer.double(run.values[at] ?? NaN);
    }
    if (ended) {
      writer.byte(flags);
      writer.byte(noRecordedValue);
    }
  }
}

function writeStamp(writer: ByteWriter, tag: number, bytes: Uint8Array): void {
  writer.byte(tag);
  writer.bytes(bytes);
}

/** Nanoseconds as fixed64. A batch has few distinct times and needs each of them hundreds of times. */
type Stamps = (ms: number) => Uint8Array;

function createStamps(): Stamps {
  const known = new Map<number, Uint8Array>();
  return (ms) => {
    const found = known.get(ms);
    if (found !== undefined) return found;
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(ms) * 1_000_000n, true);
    known.set(ms, bytes);
    return bytes;
  };
}

function open(writer: ByteWriter, tag: number, length: number): void {
  writer.byte(tag);
  writer.varint(length);
}

function lengthed(length: number): number {
  return varintLength(length) + length;
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

/** KeyValue{1 key, 2 AnyValue{1 string}} */
function encodeAttributes(pairs: readonly LabelPair[], tag: number): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [name, value] of pairs) {
    writer.uint32(tag).fork().uint32(field(1, 2)).string(name);
    writer.uint32(field(2, 2)).fork().uint32(field(1, 2)).string(value).ldelim().ldelim();
  }
  return writer.finish();
}

/** Name and description; the unit stands in the name, and any here would become a suffix (METRICS.md). */
function encodeHead({ name, help }: Metric): Uint8Array {
  const writer = protobuf.Writer.create().uint32(field(1, 2)).string(name);
  return (help === "" ? writer : writer.uint32(field(2, 2)).string(help)).finish();
}

function encodeTail({ type }: Metric, delta: boolean): Uint8Array {
  const writer = protobuf.Writer.create();
  if (type === "gauge") return writer.finish();
  writer.uint32(field(2, 0)).uint32(delta ? temporalities.delta : temporalities.cumulative);
  return (type === "counter" ? writer.uint32(field(3, 0)).bool(true) : writer).finish();
}

/** HistogramDataPoint's own fields: 4 count, 5 sum, 6 bucket counts, 7 bounds. */
function encodeHistogram({ bounds, counts, sum: total, count }: HistogramValue): Uint8Array {
  const writer = protobuf.Writer.create();
  writer.uint32(field(4, 1)).fixed64(count).uint32(field(5, 1)).double(total);
  writer.uint32(field(6, 2)).fork();
  for (const one of counts) writer.fixed64(one);
  writer.ldelim().uint32(field(7, 2)).fork();
  for (const one of bounds) writer.double(one);
  return writer.ldelim().finish();
}
