/**
 * Writes the data points of one series as protobuf. They share all but times and values, so they are copied from a
 * template that is made once per series, and the gaps are filled in:
 *
 *     0a len  attributes  [11 ········]  19 ········  21 ········        10 ··· or, of a number: a flag, a histogram
 *                              start         time         value
 */
import protobuf from "protobufjs/minimal.js";
import { owned, type ByteWriter } from "../byte-writer.ts";
import { encodeAttributes, field } from "./fields.ts";
import type { HistogramValue, Run } from "./gather.ts";
import type { PointSeries } from "./layout.ts";
import { noRecordedValue } from "./request.ts";

/** One point with gaps; the positions are those of the gaps, absent where there is none. */
interface Template {
  readonly bytes: Uint8Array;
  readonly start: number | undefined;
  readonly time: number;
  readonly value: number | undefined;
}

/** The points that the numbers of one series can be. */
interface Templates {
  readonly attributes: Uint8Array;
  readonly plain: Template;
  /** With the start of what a total counts. */
  readonly started: Template;
  readonly ended: Template;
}

export interface Points {
  readonly run: Run;
  readonly templates: readonly Template[];
  /** Bytes of all points. */
  readonly length: number;
}

export interface PointEncoder {
  /** What `write` will write, and how long it is: protobuf wants lengths first. */
  measure(run: Run): Points;
  write(writer: ByteWriter, points: Points): void;
}

export function createPointEncoder(): PointEncoder {
  const known = new WeakMap<PointSeries, Templates>();

  function templatesOf(series: PointSeries): Templates {
    const before = known.get(series);
    if (before !== undefined) return before;
    const templates = createTemplates(series);
    known.set(series, templates);
    return templates;
  }

  return {
    measure(run) {
      const own = templatesOf(run.series);
      const templates = run.times.map((_, at) => templateOf(run, at, own));
      const length = templates.reduce((sum, { bytes }) => sum + bytes.length, 0);
      return { run, templates, length };
    },
    write,
  };
}

function templateOf({ starts, histograms, marks }: Run, at: number, own: Templates): Template {
  const ended = marks.includes(at);
  const isStarted = (starts[at] ?? 0) > 0;
  const histogram = histograms[at];
  if (histogram !== undefined)
    return createTemplate(own.attributes, isStarted, encodeHistogram(histogram, ended));
  if (ended) return own.ended;
  return isStarted ? own.started : own.plain;
}

function write(writer: ByteWriter, { run, templates }: Points): void {
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
