/** Writes the samples of one series, which both versions have as field 2 of TimeSeries. */
import type { Metric } from "../../metric/metric.ts";
import type { Snapshot } from "../../meter/snapshot.ts";
import { varintLength, type ByteWriter } from "../byte-writer.ts";
import type { Run } from "./gather.ts";

/**
 * What follows a value in a sample, by row of the batch; the same for every series of a snapshot, so built once.
 *
 *     12 len  09 value  10 timestamp  [18 start timestamp]
 *                       └────────── tail ────────────────┘
 */
interface Tails {
  readonly plain: readonly Uint8Array[];
  /** The tails for a metric's own samples; end marks take the plain ones. */
  of(metric: Metric): readonly Uint8Array[];
}

export function timestampTails(snapshots: readonly Snapshot[]): Tails {
  const plain = snapshots.map(({ time }) => fields([0x10, time]));
  return { plain, of: () => plain };
}

/** With the start of what counters and histograms count; a start that nobody reported, or after the sample, is left out. */
export function startTimestampTails(snapshots: readonly Snapshot[]): Tails {
  const { plain } = timestampTails(snapshots);
  const since = (start: Metric["since"]): readonly Uint8Array[] =>
    snapshots.map(({ time, starts }, row) => withStart(time, starts[start]) ?? plain[row] ?? fields());
  const counters = { boot: since("boot"), agent: since("agent") };
  return { plain, of: (metric) => (metric.type === "gauge" ? plain : counters[metric.since]) };
}

function withStart(time: number, start: number | undefined): Uint8Array | undefined {
  if (start === undefined || !Number.isFinite(start)) return undefined;
  const whole = Math.round(start);
  return whole > 0 && whole <= time ? fields([0x10, time], [0x18, whole]) : undefined;
}

function fields(...pairs: readonly (readonly [tag: number, value: number])[]): Uint8Array {
  const bytes: number[] = [];
  for (const [tag, value] of pairs) {
    bytes.push(tag);
    let rest = value;
    for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
    bytes.push(rest);
  }
  return Uint8Array.from(bytes);
}

/** Samples of a run as they go on the wire, with gaps where their values belong. */
interface Template {
  readonly bytes: Uint8Array;
  /** Where the value of each sample begins. */
  readonly gaps: readonly number[];
}

export type Templates = (run: Run) => Template;

/** The series of a source differ in nothing but their values, so that nearly every run has the template of the one before. */
export function sampleTemplates(tails: Tails): Templates {
  const latest = new Map<readonly Uint8Array[], { readonly rows: readonly number[]; template: Template }>();
  return ({ series, rows, marks }) => {
    const own = tails.of(series.metric);
    if (marks.length > 0)
      return createTemplate(rows.map((row, at) => (marks.includes(at) ? tails.plain : own)[row]));
    const before = latest.get(own);
    if (before !== undefined && sameRows(before.rows, rows)) return before.template;
    const template = createTemplate(rows.map((row) => own[row]));
    latest.set(own, { rows, template });
    return template;
  };
}

function sameRows(some: readonly number[], others: readonly number[]): boolean {
  if (some === others) return true;
  return some.length === others.length && some.every((row, at) => row === others[at]);
}

const valueLength = 8;

function createTemplate(tails: readonly (Uint8Array | undefined)[]): Template {
  const gaps: number[] = [];
  const bytes: number[] = [];
  for (const tail of tails) {
    const rest = tail ?? [];
    bytes.push(0x12, 1 + valueLength + rest.length, 0x09);
    gaps.push(bytes.length);
    bytes.push(...noValue, ...rest);
  }
  return { bytes: Uint8Array.from(bytes), gaps };
}

const noValue = new Uint8Array(valueLength);

/** Writes one TimeSeries: its tag and length, what leads it (labels), its samples, and what trails it (metadata). */
export function writeTimeSeries(
  writer: ByteWriter,
  tag: number,
  run: Run,
  templates: Templates,
  { before, after }: { readonly before: Uint8Array; readonly after?: Uint8Array },
): void {
  const template = templates(run);
  const length = before.length + template.bytes.length + (after?.length ?? 0);
  writer.reserve(1 + varintLength(length) + length);
  writer.byte(tag);
  writer.varint(length);
  writer.bytes(before);
  writeSamples(writer, run, template);
  if (after !== undefined) writer.bytes(after);
}

function writeSamples(writer: ByteWriter, { valueAt, marks }: Run, { bytes, gaps }: Template): void {
  const begin = writer.bytes(bytes);
  for (let at = 0; at < gaps.length; at++) writer.doubleAt(begin + (gaps[at] ?? 0), valueAt(at));
  for (const mark of marks) writer.staleMarkerAt(begin + (gaps[mark] ?? 0));
}
