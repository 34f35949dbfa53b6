/**
 * A position in a document, and the reading of markup there: which element starts or ends here.
 *
 * Text between elements is passed over: powermetrics may print an error message into the middle of a document.
 */
import type { ParseError, ParseErrorKind } from "../result.ts";

export interface Cursor {
  readonly bytes: Buffer;
  at: number;
  /** The first thing that went wrong; once set, reading stops. */
  failure: ParseError | undefined;
  /** Whether the element that `openElement` read last was `<element/>`. */
  selfClosed: boolean;
}

export const ascii = {
  tab: 0x09,
  lineFeed: 0x0a,
  return: 0x0d,
  space: 0x20,
  bang: 0x21,
  ampersand: 0x26,
  minus: 0x2d,
  slash: 0x2f,
  less: 0x3c,
  greater: 0x3e,
  question: 0x3f,
  openBracket: 0x5b,
  closeBracket: 0x5d,
} as const;

const elements = [
  "array",
  "data",
  "date",
  "dict",
  "false",
  "integer",
  "key",
  "plist",
  "real",
  "string",
  "true",
] as const;
export type Element = (typeof elements)[number];

/** A list without an iterator, which until its code is optimized makes more garbage than all that is read of a document. */
interface Candidate {
  readonly element: Element;
  readonly next: Candidate | undefined;
}

/** Elements by the first letter of their name: one or two comparisons find the one that stands at a place. */
const byFirstByte: (Candidate | undefined)[] = new Array<Candidate | undefined>(256).fill(undefined);
for (const element of elements) {
  const first = element.charCodeAt(0);
  byFirstByte[first] = { element, next: byFirstByte[first] };
}

/** Moves to the `<` of the next start or end tag; false at the end of the document. */
export function toTag(cursor: Cursor): boolean {
  const { bytes } = cursor;
  let at = cursor.at;
  for (;;) {
    while (at < bytes.length && bytes[at] !== ascii.less) at++;
    const next = bytes[at + 1];
    if (at >= bytes.length || (next !== ascii.bang && next !== ascii.question)) break;
    at = afterMarkup(bytes, at);
  }
  cursor.at = at;
  return at < bytes.length;
}

/** The known element whose name starts at `at`, if any. */
export function elementAt(bytes: Buffer, at: number): Element | undefined {
  let candidate = byFirstByte[bytes[at] ?? 0];
  while (candidate !== undefined) {
    const { element } = candidate;
    if (spells(bytes, at, element) && endsName(bytes[at + element.length])) return element;
    candidate = candidate.next;
  }
  return undefined;
}

/** Reads the start tag at the cursor, attributes and all; undefined leaves the cursor where it is. */
export function openElement(cursor: Cursor): Element | undefined {
  const { bytes } = cursor;
  const element = elementAt(bytes, cursor.at + 1);
  if (element === undefined) return undefined;
  let at = cursor.at + 1 + element.length;
  while (at < bytes.length && bytes[at] !== ascii.greater) at++;
  cursor.selfClosed = bytes[at - 1] === ascii.slash;
  cursor.at = at + 1;
  return element;
}

export function atEndTag({ bytes, at }: Cursor): boolean {
  return bytes[at + 1] === ascii.slash;
}

/** Reads the end tag of `element`; anything else there is a failure. */
export function closeElement(cursor: Cursor, element: Element): boolean {
  const { bytes } = cursor;
  if (!toTag(cursor) || !atEndTag(cursor) || !spells(bytes, cursor.at + 2, element))
    return failUnexpected(cursor, `</${element}>`);
  let at = cursor.at + 2 + element.length;
  if (!endsName(bytes[at])) return failUnexpected(cursor, `</${element}>`);
  while (at < bytes.length && bytes[at] !== ascii.greater) at++;
  cursor.at = at + 1;
  return true;
}

/** The place after the comment, CDATA section, processing instruction or document type at `at`, or the document's end. */
export function afterMarkup(bytes: Buffer, at: number): number {
  if (spells(bytes, at, "<!--")) return after(bytes, "-->", at + 4);
  if (spells(bytes, at, "<![CDATA[")) return after(bytes, "]]>", at + 9);
  if (bytes[at + 1] === ascii.question) return after(bytes, "?>", at + 2);
  return afterDocumentType(bytes, at);
}

function after(bytes: Buffer, mark: string, from: number): number {
  const found = bytes.indexOf(mark, from, "latin1");
  return found < 0 ? bytes.length : found + mark.length;
}

/** An internal subset may hold `>`; it is passed over and never interpreted, so no entity can be declared. */
function afterDocumentType(bytes: Buffer, from: number): number {
  let inSubset = false;
  for (let at = from; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === ascii.openBracket) inSubset = true;
    if (byte === ascii.closeBracket) inSubset = false;
    if (byte === ascii.greater && !inSubset) return at + 1;
  }
  return bytes.length;
}

export function spells(bytes: Buffer, at: number, text: string): boolean {
  for (let index = 0; index < text.length; index++)
    if (bytes[at + index] !== text.charCodeAt(index)) return false;
  return true;
}

function endsName(byte: number | undefined): boolean {
  return byte === ascii.greater || byte === ascii.slash || (byte !== undefined && byte <= ascii.space);
}

/** Records the failure, if it is the first, and returns false. */
export function fail(cursor: Cursor, kind: ParseErrorKind, message: string): false {
  cursor.failure ??= { kind, message, offset: cursor.at };
  return false;
}

export function failUnexpected(cursor: Cursor, want: string): false {
  return fail(
    cursor,
    "syntax",
    `unexpected markup at byte ${cursor.at}: got ${quoteHere(cursor)}, want ${want}`,
  );
}

function quoteHere({ bytes, at }: Cursor): string {
  if (at >= bytes.length) return "the end of the document";
  const tag = bytes.toString("latin1", at, Math.min(at + 24, bytes.length));
  return JSON.stringify(tag.slice(0, tag.indexOf(">") + 1 || tag.length));
}

const letterA = 0x61;
const letterD = 0x64;

/**
 * Moves behind the end tag that belongs to the container just opened. Only the balance of containers is looked at:
 * a mistake inside what is skipped costs nothing.
 */
export function skipContainer(cursor: Cursor): boolean {
  const { bytes } = cursor;
  let open = cursor.selfClosed ? 0 : 1;
  let at = cursor.at;
  while (open > 0) {
    while (at < bytes.length && bytes[at] !== ascii.less) at++;
    if (at >= bytes.length) {
      cursor.at = at;
      return failUnexpected(cursor, "the end of a skipped array or dict");
    }
    const next = bytes[at + 1];
    if (next === ascii.bang || next === ascii.question) {
      at = afterMarkup(bytes, at);
      continue;
    }
    const name = next === ascii.slash ? at + 2 : at + 1;
    at = name;
    if (!isContainer(bytes, name)) continue;
    while (at < bytes.length && bytes[at] !== ascii.greater) at++;
    at = Math.min(at + 1, bytes.length);
    if (next === ascii.slash) open--;
    else if (bytes[at - 2] !== ascii.slash) open++;
  }
  cursor.at = at;
  return true;
}

/** Whether the start tag at the cursor is that of an array or dict. */
export function atContainer(cursor: Cursor): boolean {
  return !atEndTag(cursor) && isContainer(cursor.bytes, cursor.at + 1);
}

function isContainer(bytes: Buffer, name: number): boolean {
  const first = bytes[name];
  if (first !== letterA && first !== letterD) return false;
  const element = elementAt(bytes, name);
  return element === "array" || element === "dict";
}
