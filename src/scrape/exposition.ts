/**
 * Reads what an exporter answers a scrape: text format 0.0.4 and OpenMetrics 1.0, as Prometheus reads them.
 *
 * A target answers nearly the same every time, so the last body is kept, and what each of its lines was:
 *
 *     last body    node_load1 0.53\nnode_load5{cpu="0"} 0.81\n       lines    Line, Line
 *     this body    node_load1 0.61\nnode_load5{cpu="0"} 0.80\n                 │     │
 *                  ╰────────╯       ╰─────────────────╯ the same bytes in the same place: the same Line, the same series
 *
 * Then only the numbers are read. A line that is new in its place is scanned, and looked up by its text; what is not found
 * is read in full. Read on in line.ts (one line), tokens.ts (numbers, names, quoted texts) and known-series.ts.
 */
import {
  type KnownSeries,
  type Line,
  type ScrapedFamily,
  type ScrapedSeries,
  type Slot,
  createKnownSeries,
  declareFamily,
  familyLine,
  forgetSeries,
  pruneSeries,
  seriesLine,
  settledSeries,
} from "./known-series.ts";
import { readHashLine, readIdentity, readTail, scanSeries } from "./line.ts";
import { type Cursor, type Failure, ascii, createCursor, explain, fail, isBlank, placeOf } from "./tokens.ts";

export type { ScrapedFamily, ScrapedSeries, ScrapedType } from "./known-series.ts";

export interface Exposition {
  /** The same array as last time where all series are; a series with several times is in it several times. */
  readonly series: readonly ScrapedSeries[];
  readonly values: Float64Array;
  /** In ms, NaN where a line has none; absent where no line has one. */
  readonly times?: Float64Array;
  /** Lines of a series that was there already at the same time; the first counts. */
  readonly duplicates: number;
}

export interface ExpositionError {
  readonly message: string;
  readonly reason: Failure["reason"] | "series_limit";
}

export type ReadExposition =
  { readonly ok: true; readonly value: Exposition } | { readonly ok: false; readonly error: ExpositionError };

export type ExpositionFormat = "text" | "openmetrics";

/** Serves one target. */
export interface ExpositionReader {
  read(bytes: Buffer, format: ExpositionFormat): ReadExposition;
}

/** A body that was read, and the place of each line in it: what was compared, numbers excluded. */
interface Body {
  readonly view: DataView;
  readonly starts: number[];
  readonly lengths: number[];
  readonly lines: Line[];
  readonly series: readonly ScrapedSeries[];
}

const nothing: Body = {
  view: new DataView(new ArrayBuffer(0)),
  starts: [],
  lengths: [],
  lines: [],
  series: [],
};

interface Context {
  readonly known: KnownSeries;
  readonly last: Body;
  /** Its number. */
  readonly scrape: number;
  readonly maxSeries: number;
}

/** A scrape while it is read. */
interface Reading extends Context {
  readonly cursor: Cursor;
  /** The line of the last body that is expected next. */
  expected: number;
  declared: ScrapedFamily | undefined;
  ended: boolean;
  starts: number;
  duplicates: number;
  hasTimes: boolean;
  readonly body: Body;
  readonly slots: Slot[];
  readonly values: number[];
  readonly times: number[];
}

export function createExpositionReader(limits: { readonly maxSeries: number }): ExpositionReader {
  const known = createKnownSeries();
  let last = nothing;
  let lastFormat: ExpositionFormat | undefined;
  let scrape = 0;
  return {
    read(bytes, format) {
      if (format !== lastFormat) {
        // The same bytes may mean something else in the other format.
        forgetSeries(known);
        last = nothing;
        lastFormat = format;
      }
      scrape++;
      const reading = startReading(bytes, format, { known, last, scrape, ...limits });
      const error = readLines(reading);
      if (error === undefined) last = { ...reading.body, series: seriesOf(reading) };
      pruneSeries(known, last.lines);
      return error === undefined ? { ok: true, value: result(reading, last.series) } : { ok: false, error };
    },
  };
}

/** On a copy, since the body has to outlive the caller's buffer. */
function startReading(body: Buffer, format: ExpositionFormat, context: Context): Reading {
  const bytes = Buffer.allocUnsafeSlow(body.length + 1);
  bytes.set(body);
  bytes[body.length] = ascii.lineFeed;
  return {
    ...context,
    cursor: createCursor(bytes, body.length, format === "openmetrics"),
    expected: 0,
    declared: undefined,
    ended: false,
    starts: 0,
    duplicates: 0,
    hasTimes: false,
    body: { view: new DataView(bytes.buffer), starts: [], lengths: [], lines: [], series: [] },
    slots: [],
    values: [],
    times: [],
  };
}

function readLines(reading: Reading): ExpositionError | undefined {
  const { cursor, maxSeries } = reading;
  const { bytes, end, openMetrics } = cursor;
  while (cursor.at < end) {
    if (!openMetrics) while (isBlank(bytes[cursor.at]) || bytes[cursor.at] === ascii.lineFeed) cursor.at++;
    if (cursor.at >= end) break;
    if (!readExpected(reading) && !readOther(reading)) return errorAt(cursor);
    if (reading.slots.length > maxSeries || reading.starts > maxSeries) return tooMany(reading);
  }
  if (!openMetrics || reading.ended) return undefined;
  fail(cursor, "end", "# EOF", end);
  return errorAt(cursor);
}

/** Reads the line that was here last time; false, and nothing read, where it is another one. */
function readExpected(reading: Reading): boolean {
  const { cursor, last, expected } = reading;
  const line = last.lines[expected];
  if (line === undefined || line.before !== reading.declared) return false;
  const start = cursor.at;
  const length = last.lengths[expected] ?? 0;
  // A last line without a line feed is not complete in OpenMetrics.
  if (start + length > cursor.end) return false;
  if (!isSame(last.view, last.starts[expected] ?? 0, reading.body.view, start, length)) return false;
  cursor.at = start + length;
  if (line.family !== undefined && !readTail(cursor)) {
    cursor.at = start;
    cursor.failure = undefined;
    return false;
  }
  take(reading, line);
  reading.expected++;
  remember(reading, line, start, length);
  return true;
}

/** Four bytes at a time: nearly all of a scrape is this. */
function isSame(a: DataView, aStart: number, b: DataView, bStart: number, length: number): boolean {
  let index = 0;
  for (const last = length - 4; index <= last; index += 4)
    if (a.getInt32(aStart + index) !== b.getInt32(bStart + index)) return false;
  for (; index < length; index++) if (a.getUint8(aStart + index) !== b.getUint8(bStart + index)) return false;
  return true;
}

function readOther(reading: Reading): boolean {
  const { cursor, declared } = reading;
  const start = cursor.at;
  if (cursor.bytes[start] === ascii.hash) return readFamily(reading);
  if (!scanSeries(cursor)) return false;
  const seriesEnd = cursor.at;
  const text = cursor.bytes.toString("latin1", start, seriesEnd);
  const known = reading.known.lines.get(text);
  const line = known !== undefined && known.before === declared ? known : newLine(reading, text);
  if (line === undefined || !readTail(cursor)) return false;
  // Lines that repeat a series are not looked up again, however many spellings of it there are.
  if (take(reading, line) && line !== known) reading.known.lines.set(text, line);
  const { last } = reading;
  if (last.lines[line.index] === line) reading.expected = line.index + 1;
  remember(reading, line, start, seriesEnd - start);
  return true;
}

function newLine({ known, cursor, declared }: Reading, text: string): Line | undefined {
  const { openMetrics } = cursor;
  const identity = readIdentity(cursor, text);
  return identity && seriesLine(known, identity, { text, declared, openMetrics });
}

function readFamily(reading: Reading): boolean {
  const { cursor, declared: before } = reading;
  const start = cursor.at;
  const said = readHashLine(cursor);
  if (said === undefined) return false;
  if (said === "end") reading.ended = true;
  else if (said !== "comment") reading.declared = declareFamily(reading.known, before, said);
  const line = familyLine(before, reading.declared);
  if (said !== "end") remember(reading, line, start, cursor.at - start);
  return true;
}

/** Adds what was read behind `line`; false where it was there already. */
function take(reading: Reading, line: Line): boolean {
  reading.declared = line.after;
  if (line.family === undefined) return true;
  const isNew = line.slot === undefined ? takeStart(reading, line) : takeSample(reading, line, line.slot);
  if (!isNew) reading.duplicates++;
  return isNew;
}

/** A sample without a time repeats any other of its series, one with a time those of the same time, as at Prometheus. */
function takeSample(reading: Reading, line: Line, slot: Slot): boolean {
  const { scrape } = reading;
  const { value, time } = reading.cursor;
  if (slot.scrape !== scrape) {
    slot.scrape = scrape;
    slot.family = line.family ?? slot.family;
    slot.origin = line.origin;
    slot.time = time;
    slot.times = undefined;
  } else {
    if (Number.isNaN(time) || time === slot.time || slot.times?.has(time) === true) return false;
    slot.times ??= new Set();
    slot.times.add(time);
  }
  if (!Number.isNaN(time)) reading.hasTimes = true;
  reading.slots.push(slot);
  reading.values.push(value);
  reading.times.push(time);
  return true;
}

/** A start of 0 is none, as at Prometheus, and so is one that no clock can have shown. */
function takeStart(reading: Reading, { origin }: Line): boolean {
  const { scrape } = reading;
  if (origin === undefined || origin.scrape === scrape) return false;
  const startMs = Math.trunc(reading.cursor.value * 1000);
  origin.scrape = scrape;
  origin.startMs = startMs > 0 && startMs <= Number.MAX_SAFE_INTEGER ? startMs : undefined;
  reading.starts++;
  return true;
}

/** For each series its sample and start, and for each family three lines: who sends more pays for reading them. */
const linesPerSeries = 5;

function remember({ maxSeries, body }: Reading, line: Line, start: number, length: number): void {
  const { starts, lengths, lines } = body;
  if (lines.length >= linesPerSeries * maxSeries) return;
  line.index = lines.length;
  starts.push(start);
  lengths.push(length);
  lines.push(line);
}

/** Starts may stand behind what they date, so that series are known when all lines are. */
function seriesOf({ scrape, slots, last }: Reading): readonly ScrapedSeries[] {
  const series = slots.map((slot) => settledSeries(slot, scrape));
  const isAsBefore =
    series.length === last.series.length && series.every((one, index) => one === last.series[index]);
  return isAsBefore ? last.series : series;
}

function result(
  { values, times, hasTimes, duplicates }: Reading,
  series: readonly ScrapedSeries[],
): Exposition {
  return {
    series,
    values: Float64Array.from(values),
    ...(hasTimes && { times: Float64Array.from(times) }),
    duplicates,
  };
}

function tooMany({ maxSeries, cursor }: Reading): ExpositionError {
  const line = placeOf(cursor.bytes, cursor.at - 1).line;
  return {
    reason: "series_limit",
    message: `exposition must have at most ${maxSeries} series, got another at line ${line}`,
  };
}

function errorAt(cursor: Cursor): ExpositionError {
  const failure = cursor.failure ?? { reason: "syntax", at: cursor.at, what: "line", want: "a series" };
  return { reason: failure.reason, message: explain(cursor, failure) };
}
