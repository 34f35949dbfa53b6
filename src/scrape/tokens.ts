/**
 * The tokens of an exposition: numbers, quoted texts and names, and the cursor that moves over them.
 *
 * Numbers are what Go's ParseFloat takes without hexadecimals and underscores, as at Prometheus.
 */
import { isUtf8 } from "node:buffer";
import { printable } from "../runtime/printable.ts";

export interface Failure {
  readonly reason: "syntax" | "utf8";
  /** Offset in the body. */
  readonly at: number;
  readonly what: string;
  readonly want: string;
}

export interface Cursor {
  /** The body, and a line feed at `end`, so that nothing runs over the end. */
  readonly bytes: Buffer;
  readonly end: number;
  readonly openMetrics: boolean;
  at: number;
  /** The first thing that is wrong; once set, reading stops. */
  failure: Failure | undefined;
  /** Of the series read last: where its name is, then where each label's name and value are, quotes excluded. */
  marks: number[];
  value: number;
  /** In ms; NaN where the line has none. */
  time: number;
}

export function createCursor(bytes: Buffer, end: number, openMetrics: boolean): Cursor {
  return { bytes, end, openMetrics, at: 0, failure: undefined, marks: [], value: NaN, time: NaN };
}

export const ascii = {
  tab: 0x09,
  lineFeed: 0x0a,
  space: 0x20,
  quote: 0x22,
  hash: 0x23,
  comma: 0x2c,
  colon: 0x3a,
  equals: 0x3d,
  backslash: 0x5c,
  underscore: 0x5f,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

export function fail(cursor: Cursor, what: string, want: string, at = cursor.at): false {
  cursor.failure ??= { reason: "syntax", at, what, want };
  return false;
}

/** A token, up to a blank or the end of the line. */
export function readNumber(cursor: Cursor, what: string): boolean {
  const { bytes, at, openMetrics } = cursor;
  const value = readDecimal(cursor);
  if (value !== undefined && endsToken(bytes[cursor.at], openMetrics)) {
    cursor.value = value;
    return true;
  }
  let to = at;
  while (!endsToken(bytes[to], openMetrics)) to++;
  const number = parseNumber(bytes.toString("latin1", at, to));
  if (number === undefined) return fail(cursor, what, "a number", at);
  cursor.value = number;
  cursor.at = to;
  return true;
}

function endsToken(byte: number | undefined, openMetrics: boolean): boolean {
  return byte === ascii.lineFeed || byte === ascii.space || (byte === ascii.tab && !openMetrics);
}

export function passesSpace(cursor: Cursor, what: string): boolean {
  if (cursor.bytes[cursor.at] !== ascii.space) return fail(cursor, what, "one space");
  cursor.at++;
  return true;
}

/** In OpenMetrics, every line but the last ends with one of its own. */
export function passesLineFeed(cursor: Cursor, what: string): boolean {
  if (cursor.bytes[cursor.at] !== ascii.lineFeed) return fail(cursor, what, "the end of the line");
  if (cursor.at === cursor.end) return fail(cursor, "end", "# EOF");
  cursor.at++;
  return true;
}

/** Each is exact as a double, so one multiplication or division by it rounds once, as a correct reader does. */
const powersOfTen = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const largestPower = powersOfTen.length - 1;
/** As many digits are exact in a double, whatever they are. */
const mostDigits = 15;

/** Unambiguous, so that a long token that is no number costs one pass. */
const decimal = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/;
const infinity = /^([+-]?)inf(?:inity)?$/i;
const notANumber = /^nan$/i;

/**
 * A decimal of up to 15 digits, straight from the bytes: always what `Number` makes of the same text. Moves behind what can be
 * part of it. Undefined, and no move, for everything else, numbers or not.
 */
function readDecimal(cursor: { readonly bytes: Uint8Array; at: number }): number | undefined {
  const { bytes, at: start } = cursor;
  let at = start;
  const sign = bytes[at];
  if (sign === minus || sign === plus) at++;
  let digits = 0;
  let mantissa = 0;
  let scale = 0;
  let digit = (bytes[at] ?? 0) - zero;
  for (; digit >= 0 && digit <= 9; digit = (bytes[++at] ?? 0) - zero) {
    mantissa = mantissa * 10 + digit;
    digits++;
  }
  if (bytes[at] === point) {
    digit = (bytes[++at] ?? 0) - zero;
    for (; digit >= 0 && digit <= 9; digit = (bytes[++at] ?? 0) - zero) {
      mantissa = mantissa * 10 + digit;
      digits++;
      scale--;
    }
  }
  if (digits === 0 || digits > mostDigits) return undefined;
  if (((bytes[at] ?? 0) | 0x20) === exponentSign) {
    const negative = bytes[++at] === minus;
    if (negative || bytes[at] === plus) at++;
    const first = at;
    let exponent = 0;
    digit = (bytes[at] ?? 0) - zero;
    for (; digit >= 0 && digit <= 9 && at < first + 3; digit = (bytes[++at] ?? 0) - zero)
      exponent = exponent * 10 + digit;
    if (at === first) return undefined;
    scale += negative ? -exponent : exponent;
  }
  if (scale > largestPower || scale < -largestPower) return undefined;
  cursor.at = at;
  const size = scale < 0 ? mantissa / (powersOfTen[-scale] ?? 1) : mantissa * (powersOfTen[scale] ?? 1);
  return sign === minus ? -size : size;
}

const plus = 0x2b;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
/** `e`, and `E` with the bit of lower case set. */
const exponentSign = 0x65;

/**
 * The number of a whole token: undefined where it is none, and beyond the range of a double, which Go calls an error too.
 * `Number` takes more: blanks, hexadecimals, and an empty text as 0.
 */
export function parseNumber(token: string): number | undefined {
  if (decimal.test(token)) {
    const value = Number(token);
    return Number.isFinite(value) ? value : undefined;
  }
  const sign = infinity.exec(token)?.[1];
  if (sign !== undefined) return sign === "-" ? -Infinity : Infinity;
  return notANumber.test(token) ? NaN : undefined;
}

/** Moves behind the closing quote and returns where it is; -1 where there is none. A line feed is not escaped by all exporters; Prometheus takes it in 0.0.4. */
export function scanQuoted(cursor: Cursor): number {
  const { bytes, end, openMetrics, at: start } = cursor;
  let at = start + 1;
  for (let byte = bytes[at]; byte !== ascii.quote; byte = bytes[++at]) {
    const isEscape = byte === ascii.backslash;
    if (isEscape) at++;
    if (bytes[at] === ascii.lineFeed && (isEscape || openMetrics || at >= end)) {
      fail(cursor, "quoted text", 'a closing "', start);
      return -1;
    }
  }
  cursor.at = at + 1;
  return at;
}

/** Other escapes are no escapes: both characters stay. */
export function unescape(text: string, quotes: boolean): string {
  if (!text.includes("\\")) return text;
  return text.replace(quotes ? /\\(["\\n])/g : /\\([\\n])/g, (_, character: string) => {
    return character === "n" ? "\n" : character;
  });
}

export function isUtf8Between(cursor: Cursor, from: number, to: number, what: string): boolean {
  if (isUtf8(cursor.bytes.subarray(from, to))) return true;
  cursor.failure ??= { reason: "utf8", at: badUtf8(cursor.bytes, from, to), what, want: "UTF-8" };
  return false;
}

/** Where the first bytes are that are not UTF-8, in a range that has some: decoding puts U+FFFD in their place. */
function badUtf8(bytes: Buffer, from: number, to: number): number {
  let at = from;
  for (const piece of bytes.toString("utf8", from, to).split(replacement)) {
    at += Buffer.byteLength(piece);
    if (!spells(bytes, at, replacementBytes)) break;
    at += replacementBytes.length;
  }
  return at;
}

const replacement = "\ufffd";
const replacementBytes = "\xef\xbf\xbd";

export function spells(bytes: Buffer, at: number, word: string): boolean {
  for (let index = 0; index < word.length; index++)
    if (bytes[at + index] !== word.charCodeAt(index)) return false;
  return true;
}

export function skipBlanks(cursor: Cursor): void {
  if (!cursor.openMetrics) cursor.at = afterBlanks(cursor.bytes, cursor.at);
}

export function afterBlanks(bytes: Buffer, start: number): number {
  let at = start;
  while (isBlank(bytes[at])) at++;
  return at;
}

export function isBlank(byte: number | undefined): boolean {
  return byte === ascii.space || byte === ascii.tab;
}

/** The end of the name that begins at `start`: `start` itself where none does. */
export function afterName(bytes: Buffer, start: number, isPart: (byte: number) => boolean): number {
  let at = start;
  if (isDigit(bytes[at] ?? 0)) return at;
  while (isPart(bytes[at] ?? 0)) at++;
  return at;
}

export function isMetricByte(byte: number): boolean {
  return isLabelByte(byte) || byte === ascii.colon;
}

export function isLabelByte(byte: number): boolean {
  const lower = byte | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || isDigit(byte) || byte === ascii.underscore;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}

/** What is wrong, and where; in the grammar of the project's errors. */
export function explain({ bytes, end }: Cursor, { at, what, want }: Failure): string {
  const { line, column } = placeOf(bytes, at);
  const got = at >= end ? "the end of the body" : quoted(bytes, at);
  return `unexpected ${what} at line ${line}, column ${column}: got ${got}, want ${want}`;
}

/** Both from 1; columns are characters. */
export function placeOf(bytes: Buffer, at: number): { readonly line: number; readonly column: number } {
  let line = 1;
  let column = 1;
  for (let index = 0; index < at; index++) {
    const byte = bytes[index] ?? 0;
    if (byte === ascii.lineFeed) {
      line++;
      column = 1;
    } else if ((byte & 0xc0) !== 0x80) column++;
  }
  return { line, column };
}

const longestQuote = 60;

function quoted(bytes: Buffer, at: number): string {
  const lineEnd = bytes.indexOf(ascii.lineFeed, at);
  if (lineEnd === at) return "the end of the line";
  // A character has four bytes at most.
  const text = bytes.toString("utf8", at, Math.min(lineEnd, at + 4 * longestQuote));
  return `"${printable(text).slice(0, longestQuote)}"`;
}
