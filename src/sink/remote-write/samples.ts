/** Owns the samples of one series on the wire, which both versions write as field 2 of TimeSeries. */
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

/** Writes one TimeSeries: its tag and length, what leads it (labels), its samples, and what trails it (metadata). */
export function writeTimeSeries(
  writer: ByteWriter,
  tag: number,
  run: Run,
  tails: Tails,
  around: { readonly before: Uint8Array; readonly after?: Uint8Array },
): void {
  const { before, after } = around;
  const own = tailsOf(run, tails);
  const length = before.length + samplesLength(own) + (after?.length ?? 0);
  writer.reserve(1 + varintLength(length) + length);
  writer.byte(tag);
  writer.varint(length);
  writer.bytes(before);
  writeSamples(writer, run, own);
  if (after !== undefined) writer.bytes(after);
}

const noBytes = new Uint8Array();

/** The tail of each sample of the run. */
function tailsOf({ series, rows, marks }: Run, tails: Tails): readonly Uint8Array[] {
  const own = tails.of(series.metric);
  const found = rows.map((row) => own[row] ?? noBytes);
  for (const mark of marks) found[mark] = tails.plain[rows[mark] ?? -1] ?? noBytes;
  return found;
}

/** Bytes before a sample's tail: the field's tag and length, the value's tag and the value. */
const headLength = 11;

function samplesLength(tails: readonly Uint8Array[]): number {
  return tails.reduce((length, tail) => length + headLength + tail.length, 0);
}

/** Writes what `samplesLength` counted. */
function writeSamples(writer: ByteWriter, { values, marks }: Run, tails: readonly Uint8Array[]): void {
  tails.forEach((tail, at) => {
    writer.byte(0x12);
    writer.byte(headLength - 2 + tail.length);
    writer.byte(0x09);
    if (marks.includes(at)) writer.staleMarker();
    else writer.double(values[at] ?? NaN);
    writer.bytes(tail);
  });
}
