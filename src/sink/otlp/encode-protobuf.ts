/**
 * Encodes OTLP as protobuf. `ProtobufMetricsSerializer` does not do: it never writes a point's flags, so a series could not
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
import { encodeAttributes, field } from "./fields.ts";
import type { Family } from "./gather.ts";
import { createPointEncoder, type Points } from "./points.ts";
import { scopeName, temporalities, type Encoder, type Surroundings } from "./request.ts";

export function createProtobufEncoder({ resource, version, isDelta }: Surroundings): Encoder {
  const writer = createByteWriter();
  const resourceBytes = encodeResource(resource);
  const scopeBytes = encodeScope(version);
  const encoder = createPointEncoder();
  const frames = new WeakMap<Metric, Frame>();

  function frameOf(metric: Metric): Frame {
    const known = frames.get(metric);
    if (known !== undefined) return known;
    const frame = { head: encodeHead(metric), tail: encodeTail(metric, isDelta(metric)) };
    frames.set(metric, frame);
    return frame;
  }

  function measure({ metric, runs }: Family): Measured {
    const points = runs.map((run) => encoder.measure(run));
    const frame = frameOf(metric);
    const inner = sum(points.map(({ length }) => length)) + frame.tail.length;
    return { metric, frame, points, inner, length: frame.head.length + 1 + lengthed(inner) };
  }

  function writeMetric({ metric, frame, points, inner, length }: Measured): void {
    open(writer, field(2, 2), length);
    writer.bytes(frame.head);
    open(writer, payloads[metric.type], inner);
    for (const one of points) encoder.write(writer, one);
    writer.bytes(frame.tail);
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
    for (const one of measured) writeMetric(one);
    return writer.finish();
  };
}

/** What stands around the points of a metric. */
interface Frame {
  readonly head: Uint8Array;
  readonly tail: Uint8Array;
}

interface Measured {
  readonly metric: Metric;
  readonly frame: Frame;
  readonly points: readonly Points[];
  /** Of the gauge, sum or histogram. */
  readonly inner: number;
  readonly length: number;
}

const payloads = { gauge: field(5, 2), counter: field(7, 2), histogram: field(9, 2) } as const;

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

/** Name and description; the unit stands in the name, and any here would become a suffix. */
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
