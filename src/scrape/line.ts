/**
 * Reads the parts of one line of an exposition: the series, what stands behind it, and what a `#` line says.
 *
 *     name { label = "value" , … } value time          text 0.0.4: blanks and tabs anywhere, time in ms
 *     name{label="value",…} value time # {…} value time    OpenMetrics 1.0: one space where one is shown, time in seconds
 *     {"name", label="value", …} value                 a name in quotes may be any UTF-8, in both
 *     # TYPE name type                                 and HELP; UNIT and EOF in OpenMetrics
 *
 * What is and is not accepted follows Prometheus' own parsers, which are more lenient than the specifications in places.
 */
import type { LabelPair } from "../metric/series.ts";
import type { ScrapedFamily, ScrapedType } from "./known-series.ts";
import {
  type Cursor,
  afterBlanks,
  afterName,
  ascii,
  fail,
  isBlank,
  isLabelByte,
  isMetricByte,
  isUtf8Between,
  passesLineFeed,
  passesSpace,
  readNumber,
  scanQuoted,
  skipBlanks,
  spells,
  unescape,
} from "./tokens.ts";

/** Moves behind the series and marks its parts. */
export function scanSeries(cursor: Cursor): boolean {
  const { bytes, marks, at: start } = cursor;
  marks.length = 0;
  cursor.at = afterName(bytes, start, isMetricByte);
  const isNamed = cursor.at > start;
  if (isNamed) marks.push(start, cursor.at);
  else marks.push(-1, -1);
  const brace = cursor.openMetrics ? cursor.at : afterBlanks(bytes, cursor.at);
  if (bytes[brace] === ascii.openBrace) {
    cursor.at = brace + 1;
    if (!scanLabels(cursor, true)) return false;
  } else if (!isNamed) return fail(cursor, "line", "a series or #");
  return marks[0] !== -1 || fail(cursor, "labels", "a metric name before or in the braces", start);
}

/** From behind the opening brace. A quoted text without a value is the metric's name, where one may be. */
function scanLabels(cursor: Cursor, mayName: boolean): boolean {
  const { bytes, marks } = cursor;
  for (;;) {
    skipBlanks(cursor);
    if (bytes[cursor.at] === ascii.closeBrace) {
      cursor.at++;
      return true;
    }
    const isQuoted = bytes[cursor.at] === ascii.quote;
    const from = isQuoted ? cursor.at + 1 : cursor.at;
    const to = isQuoted ? scanQuoted(cursor) : afterName(bytes, from, isLabelByte);
    if (to < 0) return false;
    if (!isQuoted) {
      if (to === from) return fail(cursor, "label name", "a label name or }");
      cursor.at = to;
    }
    skipBlanks(cursor);
    const next = bytes[cursor.at];
    if (mayName && isQuoted && (next === ascii.comma || next === ascii.closeBrace)) {
      if (marks[0] !== -1) return fail(cursor, "metric name", "one metric name only", from - 1);
      marks[0] = from;
      marks[1] = to;
      if (next === ascii.comma) cursor.at++;
    } else if (!scanValue(cursor, from, to)) return false;
  }
}

function scanValue(cursor: Cursor, from: number, to: number): boolean {
  const { bytes, marks } = cursor;
  if (bytes[cursor.at] !== ascii.equals) return fail(cursor, "label", "= behind a label name");
  cursor.at++;
  skipBlanks(cursor);
  if (bytes[cursor.at] !== ascii.quote) return fail(cursor, "label value", 'a value in "');
  const valueFrom = cursor.at + 1;
  const valueTo = scanQuoted(cursor);
  if (valueTo < 0) return false;
  marks.push(from, to, valueFrom, valueTo);
  skipBlanks(cursor);
  if (bytes[cursor.at] === ascii.comma) cursor.at++;
  // Prometheus needs no comma in format 0.0.4, where a value's quote ends it.
  else if (cursor.openMetrics && bytes[cursor.at] !== ascii.closeBrace)
    return fail(cursor, "label", "a comma or }");
  return true;
}

/** Reads the value, the time and the exemplar behind a series, and the end of the line. */
export function readTail(cursor: Cursor): boolean {
  cursor.time = NaN;
  return cursor.openMetrics ? readOpenMetricsTail(cursor) : readTextTail(cursor);
}

function readTextTail(cursor: Cursor): boolean {
  const { bytes } = cursor;
  if (!isBlank(bytes[cursor.at]) && bytes[cursor.at - 1] !== ascii.closeBrace)
    return fail(cursor, "series", "a blank behind a metric name");
  cursor.at = afterBlanks(bytes, cursor.at);
  if (!readNumber(cursor, "value")) return false;
  cursor.at = afterBlanks(bytes, cursor.at);
  if (bytes[cursor.at] !== ascii.lineFeed) {
    if (!readMilliseconds(cursor)) return false;
    cursor.at = afterBlanks(bytes, cursor.at);
    if (bytes[cursor.at] !== ascii.lineFeed) return fail(cursor, "sample", "the end of the line");
  }
  cursor.at++;
  return true;
}

function readMilliseconds(cursor: Cursor): boolean {
  const { bytes, at: start } = cursor;
  let at = start;
  let time = 0;
  for (let digit = digitAt(bytes, at); digit >= 0 && digit <= 9; digit = digitAt(bytes, ++at))
    time = time * 10 + digit;
  if (at === start) return fail(cursor, "time", "whole milliseconds or the end of the line");
  if (time > Number.MAX_SAFE_INTEGER) return fail(cursor, "time", "less than 2^53 ms");
  cursor.time = time;
  cursor.at = at;
  return true;
}

function digitAt(bytes: Buffer, at: number): number {
  return (bytes[at] ?? 0) - 0x30;
}

function readOpenMetricsTail(cursor: Cursor): boolean {
  const { bytes } = cursor;
  if (!passesSpace(cursor, "series") || !readNumber(cursor, "value")) return false;
  if (bytes[cursor.at] === ascii.space && !atExemplar(cursor)) {
    const { value } = cursor;
    cursor.at++;
    if (!readSeconds(cursor)) return false;
    cursor.time = Math.trunc(cursor.value * 1000);
    cursor.value = value;
  }
  if (atExemplar(cursor) && !skipExemplar(cursor)) return false;
  return passesLineFeed(cursor, "sample");
}

/** Into `value`; what a millisecond count cannot hold is no time. */
function readSeconds(cursor: Cursor): boolean {
  const { at } = cursor;
  if (!readNumber(cursor, "time")) return false;
  // Also false for NaN.
  if (Math.abs(cursor.value * 1000) <= Number.MAX_SAFE_INTEGER) return true;
  return fail(cursor, "time", "a number of seconds", at);
}

const exemplarStart = " # {";

function atExemplar({ bytes, at }: Cursor): boolean {
  return bytes[at] === ascii.space && spells(bytes, at, exemplarStart);
}

/** Exemplars are not kept, but one that cannot be read fails the line, as at Prometheus. */
function skipExemplar(cursor: Cursor): boolean {
  const { marks, value } = cursor;
  const start = cursor.at;
  cursor.marks = [0, 0];
  cursor.at += exemplarStart.length;
  const isRead = scanLabels(cursor, false) && isUtf8Between(cursor, start, cursor.at, "exemplar");
  cursor.marks = marks;
  if (!isRead || !passesSpace(cursor, "exemplar") || !readNumber(cursor, "exemplar value")) return false;
  if (cursor.bytes[cursor.at] === ascii.space) {
    cursor.at++;
    if (!readSeconds(cursor)) return false;
  }
  cursor.value = value;
  return true;
}

export interface Identity {
  readonly name: string;
  /** Sorted by name; those of empty value are left out. */
  readonly labels: readonly LabelPair[];
}

/** @param text the series that `scanSeries` marked, a character for each byte */
export function readIdentity(cursor: Cursor, text: string): Identity | undefined {
  const { bytes, marks } = cursor;
  const start = cursor.at - text.length;
  const isPlain = !/[^\0-\x7f]/.test(text);
  if (!isPlain && !isUtf8Between(cursor, start, cursor.at, "series")) return undefined;
  const part = (mark: number): string => {
    const from = marks[mark] ?? 0;
    const to = marks[mark + 1] ?? 0;
    return unescape(isPlain ? text.slice(from - start, to - start) : bytes.toString("utf8", from, to), true);
  };
  const name = part(0);
  if (name === "") {
    fail(cursor, "metric name", "a name that is not empty", marks[0]);
    return undefined;
  }
  const pairs: LabelPair[] = [];
  for (let mark = 2; mark < marks.length; mark += 4) {
    const label = part(mark);
    if (label === "" || label === "__name__") {
      fail(cursor, "label name", "a name that is not empty, and not __name__", marks[mark]);
      return undefined;
    }
    pairs.push([label, part(mark + 2)]);
  }
  const sorted = pairs.toSorted(isPlain ? byText : byBytes);
  const twice = sorted.find(([label], index) => label === sorted[index + 1]?.[0]);
  if (twice !== undefined) {
    const last = pairs.findLastIndex(([label]) => label === twice[0]);
    fail(cursor, "label name", "each label once", marks[2 + 4 * last]);
    return undefined;
  }
  return { name, labels: sorted.filter(([, value]) => value !== "") };
}

function byText([a]: LabelPair, [b]: LabelPair): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Which is not the order of UTF-16 beyond U+FFFF. */
function byBytes([a]: LabelPair, [b]: LabelPair): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** What a `#` line says of a family. */
export type Metadata = Pick<ScrapedFamily, "name"> & Partial<ScrapedFamily>;

/** Moves over a line that begins with `#`. A comment says nothing; undefined is unreadable. */
export function readHashLine(cursor: Cursor): Metadata | "comment" | "end" | undefined {
  const { bytes, at: start, openMetrics } = cursor;
  const word = openMetrics ? start + 2 : afterBlanks(bytes, start + 1);
  if (openMetrics && spells(bytes, start, "# EOF")) return readEnd(cursor);
  const keyword = word === start + 1 ? undefined : keywordAt(cursor, word);
  if (keyword === undefined) {
    if (openMetrics) {
      fail(cursor, "comment", "# TYPE, # HELP, # UNIT or # EOF");
      return undefined;
    }
    cursor.at = lineEnd(cursor, start) + 1;
    return "comment";
  }
  cursor.at = openMetrics ? word + keyword.length + 1 : afterBlanks(bytes, word + keyword.length);
  const name = readFamilyName(cursor);
  return name === undefined ? undefined : readMetadata(cursor, keyword, name);
}

type Keyword = "HELP" | "TYPE" | "UNIT";

/** Only with a blank behind it; format 0.0.4 has no UNIT, so that there it is a comment. */
function keywordAt({ bytes, openMetrics }: Cursor, at: number): Keyword | undefined {
  const blank = bytes[at + 4];
  if (openMetrics ? bytes[at - 1] !== ascii.space || blank !== ascii.space : !isBlank(blank))
    return undefined;
  if (spells(bytes, at, "HELP")) return "HELP";
  if (spells(bytes, at, "TYPE")) return "TYPE";
  return openMetrics && spells(bytes, at, "UNIT") ? "UNIT" : undefined;
}

function readEnd(cursor: Cursor): "end" | undefined {
  const { bytes, end, at } = cursor;
  const after = at + "# EOF".length;
  cursor.at = bytes[after] === ascii.lineFeed ? Math.min(after + 1, end) : after;
  if (cursor.at === end) return "end";
  fail(cursor, "line", "nothing behind # EOF");
  return undefined;
}

function readFamilyName(cursor: Cursor): string | undefined {
  const { bytes, at: start } = cursor;
  if (bytes[start] === ascii.quote) {
    const to = scanQuoted(cursor);
    if (to < 0 || !isUtf8Between(cursor, start, to, "metric name")) return undefined;
    if (to > start + 1) return unescape(bytes.toString("utf8", start + 1, to), true);
  } else {
    cursor.at = afterName(bytes, start, isMetricByte);
    if (cursor.at > start) return bytes.toString("latin1", start, cursor.at);
  }
  fail(cursor, "metric name", "a metric name", start);
  return undefined;
}

/** From behind the name; one character separates it from the text. */
function readMetadata(cursor: Cursor, keyword: Keyword, name: string): Metadata | undefined {
  const { bytes, at: nameEnd, openMetrics } = cursor;
  if (openMetrics && !passesSpace(cursor, "metric name")) return undefined;
  const end = lineEnd(cursor, nameEnd);
  const isEmpty = !openMetrics && afterBlanks(bytes, nameEnd) === end;
  const from = isEmpty ? end : nameEnd + 1;
  cursor.at = end;
  if (!openMetrics) cursor.at++;
  else if (!passesLineFeed(cursor, keyword)) return undefined;
  if (!isUtf8Between(cursor, from, end, keyword)) return undefined;
  const text = bytes.toString("utf8", from, end);
  if (keyword === "HELP") return { name, help: unescape(text, openMetrics) };
  if (keyword === "UNIT") {
    if (text === "" || name.endsWith(`_${text}`)) return { name, unit: text };
    fail(cursor, "unit", "the end of the metric name, behind _", from);
    return undefined;
  }
  const type = (openMetrics ? openMetricsTypes : textTypes).get(text);
  if (type !== undefined) return { name, type };
  const known = [...(openMetrics ? openMetricsTypes : textTypes).keys()].join(", ");
  fail(cursor, "type", `one of ${known}`, from);
  return undefined;
}

function lineEnd({ bytes }: Cursor, from: number): number {
  return bytes.indexOf(ascii.lineFeed, from);
}

const classicTypes = ["counter", "gauge", "histogram", "summary"] as const;

const textTypes = new Map<string, ScrapedType>([
  ...classicTypes.map((type) => [type, type] as const),
  ["untyped", "unknown"],
]);

const openMetricsTypes = new Map<string, ScrapedType>(
  [...classicTypes, "gaugehistogram", "info", "stateset", "unknown"].map((type) => [
    type,
    type as ScrapedType,
  ]),
);
