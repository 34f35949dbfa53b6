/**
 * Encodes runs of series as remote write 1 (`prometheus.WriteRequest`) or 2 (`io.prometheus.write.v2.Request`), before compression.
 *
 *     version 1   TimeSeries{ labels       samples           } …
 *     version 2   symbols  TimeSeries{ label refs   samples   metadata } …
 *
 * What a request repeats is encoded once and copied: the bytes around a series' samples, and the samples themselves with gaps
 * for their values, since the series of a source differ in nothing else.
 */
import protobuf from "protobufjs/minimal.js";
import { isCumulative, type Metric, type MetricType } from "../../metric/metric.ts";
import type { Snapshot } from "../../meter/snapshot.ts";
import { ByteWriter, owned, varintLength } from "../../runtime/bytes.ts";
import { remembered } from "../series-cache.ts";
import type { Run, WireSeries } from "./gather.ts";

/** For a batch of snapshots: the message of some of its runs, valid until the next call. `places` takes where the first value of each begins. */
export type Encoder = (snapshots: readonly Snapshot[]) => EncodeRuns;
type EncodeRuns = (runs: readonly Run[], places?: number[]) => Uint8Array;

/** Without metadata, which only version 2 has in the request of its samples. */
export function createEncoderV1(): Encoder {
  const writer = new ByteWriter();
  const labelsOf = remembered(encodeLabels);

  return (snapshots) => {
    const templates = sampleTemplates(snapshots, false);
    return (runs, places) => {
      for (const run of runs) {
        const place = writeTimeSeries(writer, 0x0a, run, templates(run), labelsOf(run.series));
        places?.push(place);
      }
      return writer.finish();
    };
  };
}

function encodeLabels({ labels }: WireSeries): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const [name, value] of labels) {
    writer.uint32(0x0a).fork().uint32(0x0a).string(name).uint32(0x12).string(value).ldelim();
  }
  return owned(writer.finish());
}

/** All of a request of version 2 but its samples. Batches have the same series again and again, in a few combinations of sources. */
interface Layout {
  readonly series: readonly WireSeries[];
  readonly symbols: Uint8Array;
  /** Label references and metadata, for each of `series`. */
  readonly around: readonly { readonly before: Uint8Array; readonly after: Uint8Array }[];
}

/** All portions of a backlog's batches, and as many of live ones, whose combinations of sources change. */
const keptLayouts = 16;
/** Of all layouts together; the latest stays in any case. */
const keptInLayouts = 100_000;

export function createEncoderV2(): Encoder {
  const writer = new ByteWriter();
  /** Latest first. */
  let layouts: readonly Layout[] = [];

  function layoutOf(runs: readonly Run[]): Layout {
    const layout = layouts.find((one) => fits(one, runs)) ?? createLayout(runs);
    let room = keptInLayouts - runs.length;
    const others = layouts.filter((one) => one !== layout && (room -= one.series.length) >= 0);
    layouts = [layout, ...others].slice(0, keptLayouts);
    return layout;
  }

  return (snapshots) => {
    const templates = sampleTemplates(snapshots, true);
    return (runs, places) => {
      const layout = layoutOf(runs);
      writer.bytes(layout.symbols);
      runs.forEach((run, at) => {
        const around = layout.around[at];
        if (around === undefined) return;
        const place = writeTimeSeries(writer, 0x2a, run, templates(run), around.before, around.after);
        places?.push(place);
      });
      return writer.finish();
    };
  };
}

function fits({ series }: Layout, runs: readonly Run[]): boolean {
  return series.length === runs.length && runs.every((run, at) => run.series === series[at]);
}

function createLayout(runs: readonly Run[]): Layout {
  const series = runs.map((run) => run.series);
  /** The empty text comes first, as the specification asks. */
  const symbols = new Map([["", 0]]);
  const refOf = (text: string): number => {
    const ref = symbols.get(text) ?? symbols.size;
    symbols.set(text, ref);
    return ref;
  };
  const around = series.map((one) => ({
    before: encodeLabelRefs(one, refOf),
    after: encodeMetadata(one.metric, refOf),
  }));
  return { series, symbols: encodeSymbols(symbols.keys()), around };
}

function encodeSymbols(symbols: Iterable<string>): Uint8Array {
  const writer = protobuf.Writer.create();
  for (const symbol of symbols) writer.uint32(0x22).string(symbol);
  return owned(writer.finish());
}

function encodeLabelRefs({ labels }: WireSeries, refOf: (text: string) => number): Uint8Array {
  const writer = protobuf.Writer.create().uint32(0x0a).fork();
  for (const [name, value] of labels) writer.uint32(refOf(name)).uint32(refOf(value));
  return owned(writer.ldelim().finish());
}

/** io.prometheus.write.v2.Metadata.MetricType; 0 is unknown. */
const metricTypes: Readonly<Record<MetricType, number>> = {
  unknown: 0,
  counter: 1,
  gauge: 2,
  histogram: 3,
  gaugehistogram: 4,
  summary: 5,
  info: 6,
  stateset: 7,
};

/** Type, help and unit; the unit of our own stands in the name alone. */
function encodeMetadata({ type, help, unit = "" }: Metric, refOf: (text: string) => number): Uint8Array {
  const writer = protobuf.Writer.create().uint32(0x2a).fork();
  writer.uint32(0x08).uint32(metricTypes[type]).uint32(0x18).uint32(refOf(help));
  if (unit !== "") writer.uint32(0x20).uint32(refOf(unit));
  return owned(writer.ldelim().finish());
}

/** Samples of a run, with gaps where their values belong. */
interface Template {
  readonly bytes: Uint8Array;
  /** Where the value of each sample begins. */
  readonly gaps: readonly number[];
}

/** When what a sample counts began, by row of the batch, or by position in a run; NaN where nobody says so. */
type StartOf = (row: number, at: number) => number;

/**
 * Nearly every run has the template of the one before: series of a snapshot differ in nothing but their starts, of which there are few.
 *
 * @param hasStarts whether the message has the start of what counters and histograms count
 */
function sampleTemplates(snapshots: readonly Snapshot[], hasStarts: boolean): (run: Run) => Template {
  const latest = new Map<Metric["since"], { readonly rows: readonly number[]; template: Template }>();
  return ({ series, rows, marks, startAt }) => {
    const since = hasStarts && isCumulative(series.metric) ? series.metric.since : "unknown";
    const common: StartOf =
      since === "unknown" ? () => NaN : (row) => Math.round(snapshots[row]?.starts[since] ?? NaN);
    if (marks.length > 0 || (hasStarts && startAt !== undefined))
      return createTemplate(snapshots, rows, (row, at) => {
        if (marks.includes(at)) return NaN;
        return (hasStarts ? startAt?.(at) : undefined) ?? common(row, at);
      });
    const before = latest.get(since);
    if (before !== undefined && sameRows(before.rows, rows)) return before.template;
    const template = createTemplate(snapshots, rows, common);
    latest.set(since, { rows, template });
    return template;
  };
}

function sameRows(some: readonly number[], others: readonly number[]): boolean {
  if (some === others) return true;
  return some.length === others.length && some.every((row, at) => row === others[at]);
}

const templateWriter = new ByteWriter();
const noValue = new Uint8Array(8);

/** A start that is after its sample is left out. */
function createTemplate(snapshots: readonly Snapshot[], rows: readonly number[], startOf: StartOf): Template {
  const gaps = rows.map((row, at) => {
    const time = snapshots[row]?.time ?? 0;
    const start = startOf(row, at);
    const hasStart = start > 0 && start <= time;
    const tail = 1 + varintLength(time) + (hasStart ? 1 + varintLength(start) : 0);
    templateWriter.byte(0x12);
    templateWriter.byte(1 + noValue.length + tail);
    templateWriter.byte(0x09);
    const gap = templateWriter.bytes(noValue);
    templateWriter.byte(0x10);
    templateWriter.varint(time);
    if (hasStart) {
      templateWriter.byte(0x18);
      templateWriter.varint(start);
    }
    return gap;
  });
  return { bytes: owned(templateWriter.finish()), gaps };
}

const nothing = new Uint8Array();

/**
 * A TimeSeries: what leads it (labels), its samples, which are field 2 in both versions, and what trails it (metadata). Returns where its
 * first value begins.
 */
function writeTimeSeries(
  writer: ByteWriter,
  tag: number,
  run: Run,
  { bytes, gaps }: Template,
  before: Uint8Array,
  after: Uint8Array = nothing,
): number {
  writer.byte(tag);
  writer.varint(before.length + bytes.length + after.length);
  writer.bytes(before);
  const begin = writer.bytes(bytes);
  for (let at = 0; at < gaps.length; at++) writer.doubleAt(begin + (gaps[at] ?? 0), run.valueAt(at));
  for (const mark of run.marks) writeStaleMarker(writer, begin + (gaps[mark] ?? 0));
  writer.bytes(after);
  return begin + (gaps[0] ?? 0);
}

/** Prometheus' NaN that ends a series (model/value, StaleNaN). */
function writeStaleMarker(writer: ByteWriter, position: number): void {
  writer.uint64At(position, 0x7ff00000, 0x00000002);
}
