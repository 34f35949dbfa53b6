/**
 * Reads an XML property list in a single pass over its bytes, and builds only what is wanted.
 *
 * General readers take ten to a hundred times as long, and a document comes every second all day (`npm run bench -- reader`); tests
 * compare the results with the `plist` package. Read on in scanner.ts (markup), text.ts (strings and numbers) and column.ts.
 */
import { type ParseResult, failed, parsed } from "../result.ts";
import { readColumn } from "./column.ts";
import {
  type Cursor,
  type Element,
  ascii,
  atContainer,
  atEndTag,
  closeElement,
  fail,
  failUnexpected,
  openElement,
  skipContainer,
  toTag,
} from "./scanner.ts";
import { readNumber, readText } from "./text.ts";

/**
 * `<integer>` and `<real>` are both numbers: an integer beyond 2^53 is the nearest double, one from 2^63 to 2^64 the
 * negative number that it stands for, and what is spelled as no number reads as NaN, so that one bad figure does not cost the document. `<date>` is a Date (invalid where the text is
 * no ISO 8601 date in UTC), `<data>` its bytes.
 */
export type PlistValue = string | number | boolean | Date | Uint8Array | PlistArray | PlistDict | PlistColumn;

export type PlistArray = readonly PlistValue[];

/** A Map, so that no key (`__proto__`) is special; a key that repeats keeps its last value, as Apple's reader does. */
export type PlistDict = ReadonlyMap<string, PlistValue>;

/** An array of dicts of which nothing but the numbers under one key was wanted, in its place. */
export interface PlistColumn {
  readonly numbers: readonly number[];
}

export function isColumn(value: PlistValue | undefined): value is PlistColumn {
  return typeof value === "object" && "numbers" in value;
}

export function isDict(value: PlistValue | undefined): value is PlistDict {
  return value instanceof Map;
}

export function isArray(value: PlistValue | undefined): value is PlistArray {
  return Array.isArray(value);
}

export interface PlistOptions {
  /** What is built of the array or dict under `key`, where `depth` counts the containers around it: 1 for the document's own keys. Default: everything. */
  readonly keep?: Keep;
}

export type Keep = (key: string, depth: number) => Kept;

/** False leaves it out of its dict; a column is read of an array of dicts that has one, as powermetrics spells it. */
export type Kept = boolean | { readonly column: string };

export const longestDocument = 16 * 1024 * 1024;
export const deepestNesting = 64;
/** Of the array, and of its dicts. */
const columnDepth = 2;

interface Reading extends Cursor {
  readonly keep: Keep | undefined;
}

/**
 * Reads the value inside `<plist>`. Bad input of any kind is an error with its byte offset, never a throw.
 * Lenient where powermetrics is: NULs, text between elements, and bare `&` or `<` in strings are no errors.
 */
export function parsePlist(document: Uint8Array, options: PlistOptions = {}): ParseResult<PlistValue> {
  const bytes = Buffer.from(document.buffer, document.byteOffset, document.byteLength);
  if (bytes.length > longestDocument)
    return failed({
      kind: "limit",
      message: `document must not exceed ${longestDocument} bytes, got ${bytes.length}`,
    });
  const reading: Reading = { bytes, at: 0, failure: undefined, selfClosed: false, keep: options.keep };
  const value = readDocument(reading);
  if (reading.failure !== undefined) return failed(reading.failure);
  if (value === undefined)
    return failed({ kind: "empty", message: "cannot read property list: the document is empty" });
  return parsed(value);
}

/** Undefined with a failure is bad input, without one an empty document. */
function readDocument(reading: Reading): PlistValue | undefined {
  if (!toTag(reading) && isBlank(reading.bytes)) return undefined;
  if (openElement(reading) !== "plist" || reading.selfClosed) {
    failUnexpected(reading, "<plist> with a value in it");
    return undefined;
  }
  const value = readValue(reading, 0);
  return value !== undefined && closeElement(reading, "plist") ? value : undefined;
}

function readValue(reading: Reading, depth: number): PlistValue | undefined {
  toTag(reading);
  const start = reading.at;
  const element = openElement(reading);
  switch (element) {
    case "dict":
      return readDict(reading, depth + 1);
    case "array":
      return readArray(reading, depth + 1);
    case "integer":
    case "real":
      return readNumberElement(reading, element);
    case "string":
      return readTextElement(reading, element);
    case "true":
    case "false":
      return reading.selfClosed || closeElement(reading, element) ? element === "true" : undefined;
    case "date":
      return dateOf(readTextElement(reading, element));
    case "data":
      return bytesOf(readTextElement(reading, element));
    case "key":
    case "plist":
    case undefined:
      reading.at = start;
      failUnexpected(reading, "a value");
      return undefined;
  }
}

function readDict(reading: Reading, depth: number): PlistDict | undefined {
  const dict = new Map<string, PlistValue>();
  if (reading.selfClosed) return dict;
  if (isTooDeep(reading, depth)) return undefined;
  while (toTag(reading) && !atEndTag(reading)) {
    const start = reading.at;
    if (openElement(reading) !== "key") {
      reading.at = start;
      failUnexpected(reading, "<key> or </dict>");
      return undefined;
    }
    const key = readTextElement(reading, "key");
    if (key === undefined || !readEntry(reading, depth, key, dict)) return undefined;
  }
  return closeElement(reading, "dict") ? dict : undefined;
}

function readEntry(reading: Reading, depth: number, key: string, dict: Map<string, PlistValue>): boolean {
  const kept =
    reading.keep === undefined || !toTag(reading) || !atContainer(reading) || reading.keep(key, depth);
  if (kept === false) {
    openElement(reading);
    return skipContainer(reading);
  }
  const value = kept === true ? readValue(reading, depth) : readColumnOrValue(reading, depth, kept.column);
  if (value === undefined) return false;
  dict.set(key, value);
  return true;
}

function readColumnOrValue(reading: Reading, depth: number, key: string): PlistValue | undefined {
  const start = reading.at;
  if (openElement(reading) === "array" && !reading.selfClosed && depth + columnDepth <= deepestNesting) {
    const numbers = readColumn(reading, key);
    if (numbers !== undefined) return { numbers };
  }
  reading.at = start;
  return readValue(reading, depth);
}

function readArray(reading: Reading, depth: number): PlistArray | undefined {
  const array: PlistValue[] = [];
  if (reading.selfClosed) return array;
  if (isTooDeep(reading, depth)) return undefined;
  while (toTag(reading) && !atEndTag(reading)) {
    const value = readValue(reading, depth);
    if (value === undefined) return undefined;
    array.push(value);
  }
  return closeElement(reading, "array") ? array : undefined;
}

function readTextElement(reading: Reading, element: Element): string | undefined {
  if (reading.selfClosed) return "";
  const text = readText(reading);
  return text !== undefined && closeElement(reading, element) ? text : undefined;
}

function readNumberElement(reading: Reading, element: Element): number | undefined {
  if (reading.selfClosed) return NaN;
  const start = reading.at;
  const value = readNumber(reading);
  if (value === undefined) return undefined;
  const end = reading.at;
  if (!closeElement(reading, element)) return undefined;
  return value >= leastUnsigned && element === "integer" ? signed(reading.bytes, start, end, value) : value;
}

const leastUnsigned = 2 ** 63;

/** Some of Apple's tools print -799 as 2^64 - 799, which the nearest double would be far from. */
function signed(bytes: Buffer, start: number, end: number, value: number): number {
  const digits = bytes.toString("latin1", start, end).trim();
  return /^\d{19,20}$/.test(digits) && value <= 2 ** 64 ? Number(BigInt.asIntN(64, BigInt(digits))) : value;
}

/** Only the form that Apple writes, since Date.parse takes a text without `Z` for local time. */
function dateOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined;
  return new Date(/^\s*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\s*$/.test(text) ? text.trim() : NaN);
}

function bytesOf(text: string | undefined): Uint8Array | undefined {
  return text === undefined ? undefined : Buffer.from(text, "base64");
}

function isTooDeep(reading: Reading, depth: number): boolean {
  if (depth <= deepestNesting) return false;
  fail(reading, "limit", `nesting at byte ${reading.at} must not exceed ${deepestNesting} levels`);
  return true;
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte <= ascii.space);
}
