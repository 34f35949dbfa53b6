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
import {
  pointKind,
  type Family,
  type HistogramValue,
  type PointKind,
  type PointSeries,
  type Run,
  type Target,
} from "./gather.ts";

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
  const templatesOf = remembered(createTemplates);

  function measure({ metric, runs }: Family): MeasuredMetric {
    const frame = frameOf(metric);
    const measured = runs.map((run) => measureRun(run, templatesOf(run.series)));
    const payload = sum(measured.map(({ length }) => length)) + frame.tail.length;
    return { metric, frame, runs: measured, payload, length: frame.head.length + fieldLength(payload) };
  }

  function writeMetric({ metric, frame, runs, payload, length }: MeasuredMetric): void {
    open(writer, field(2, 2), length);
    writer.bytes(frame.head);
    open(writer, payloadFields[pointKind(metric)], payload);
    for (const run of runs) writePoints(writer, run);
    writer.bytes(frame.tail);
  }

  function writeResource({ target, families }: ResourceFamilies): void {
    const leading = target === undefined ? resourceBytes : encodeResource(resourceOf(target));
    const metrics = families.map(measure);
    const scopeMetrics = scopeBytes.length + sum(metrics.map(({ length }) => fieldLength(length)));
    open(writer, field(1, 2), leading.length + fieldLength(scopeMetrics));
    writer.bytes(leading);
    open(writer, field(2, 2), scopeMetrics);
    writer.bytes(scopeBytes);
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
  readonly runs: readonly MeasuredRun[];
  /** Length of the gauge, sum, histogram or summary. */
  readonly payload: number;
  readonly length: number;
}

interface MeasuredRun {
  readonly run: Run;
  /** One for each point. */
  readonly templates: readonly Template[];
  /** Bytes of all points. */
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

function open(writer: ByteWriter, tag: number, length: number): void {
  writer.byte(tag);
  writer.varint(length);
}

/** Of a field with its tag and its length. */
function fieldLength(length: number): number {
  return 1 + varintLength(length) + length;
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
 * The points of a series share all but times and values, so they are copied from a template, and its gaps are filled in:
 *
 *     0a len  attributes  [11 ········]  19 ········  21 ········        10 ··· or, of a number: a flag, a histogram
 *                              start         time         value
 */
interface Template {
  readonly bytes: Uint8Array;
  /** Positions of the gaps; undefined where there is none. */
  readonly start: number | undefined;
  readonly time: number;
  readonly value: number | undefined;
}

/** The points that a series can have; a histogram's are made one by one from its attributes. */
interface Templates {
  readonly attributes: Uint8Array;
  readonly plain: Template;
  /** With the start of what a total counts. */
  readonly started: Template;
  readonly ended: Template;
}

function measureRun(run: Run, own: Templates): MeasuredRun {
  let length = 0;
  const templates = run.times.map((_, at) => {
    const template = templateOf(run, at, own);
    length += template.bytes.length;
    return template;
  });
  return { run, templates, length };
}

function templateOf({ series, starts, histograms, marks }: Run, at: number, own: Templates): Template {
  const ended = marks.includes(at);
  const isStarted = (starts[at] ?? 0) > 0;
  const histogram = histograms[at];
  if (histogram !== undefined)
    return createTemplate(own.attributes, isStarted, encodeCompound(series.metric, histogram, ended));
  if (ended) return own.ended;
  return isStarted ? own.started : own.plain;
}

function writePoints(writer: ByteWriter, { run, templates }: MeasuredRun): void {
  const { times, starts, values } = run;
  for (let at = 0; at < templates.length; at++) {
    const template = templates[at];
    if (template === undefined) continue;
    const begin = writer.bytes(template.bytes);
    if (template.start !== undefined) writer.nanosecondsAt(begin + template.start, starts[at] ?? 0);
    writer.nanosecondsAt(begin + template.time, times[at] ?? 0);
    if (template.value !== undefined) writer.doubleAt(begin + template.value, values[at] ?? NaN);
  }
}

function createTemplates({ metric, attributes: pairs }: PointSeries): Templates {
  const attributes = encodeAttributes(pairs, field(metric.type === "histogram" ? 9 : 7, 2));
  return {
    attributes,
    plain: createNumber(attributes, false),
    started: createNumber(attributes, true),
    ended: createTemplate(attributes, false, Uint8Array.of(field(8, 0), noRecordedValue)),
  };
}

const eight = new Uint8Array(8);

function createNumber(attributes: Uint8Array, isStarted: boolean): Template {
  const template = createTemplate(attributes, isStarted, Uint8Array.of(field(4, 1), ...eight));
  return { ...template, value: template.bytes.length - eight.length };
}

function createTemplate(attributes: Uint8Array, isStarted: boolean, rest: Uint8Array): Template {
  const start = isStarted ? [field(2, 1), ...eight] : [];
  const point = Uint8Array.of(...attributes, ...start, field(3, 1), ...eight, ...rest);
  const bytes = owned(protobuf.Writer.create().uint32(field(1, 2)).bytes(point).finish());
  const time = bytes.length - rest.length - eight.length;
  return { bytes, start: isStarted ? time - 1 - eight.length : undefined, time, value: undefined };
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

/** KeyValue{1 key, 2 AnyValue{1 string}} */
function encodeAttributes(pairs: readonly LabelPair[], tag: number): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [name, value] of pairs) {
    writer.uint32(tag).fork().uint32(field(1, 2)).string(name);
    writer.uint32(field(2, 2)).fork().uint32(field(1, 2)).string(value).ldelim().ldelim();
  }
  return owned(writer.finish());
}
