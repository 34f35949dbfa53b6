/** Reads what stands between two tags: text with its entities and CDATA, and numbers. */
import { type Cursor, afterMarkup, ascii, elementAt, fail, failUnexpected, spells } from "./scanner.ts";

/** Ten times the longest argument list; a longer string is no property list of ours. */
export const longestString = 1024 * 1024;

const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** Reads up to the `<` of the next tag; undefined is a failure. NULs are dropped, as XML cannot hold them. */
export function readText(cursor: Cursor): string | undefined {
  const { bytes, at: start } = cursor;
  let at = start;
  let hash = 0;
  let plain = true;
  for (; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === ascii.less) break;
    if (byte === ascii.ampersand || byte >= 0x80 || byte === 0) plain = false;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  if (at - start > longestString) {
    failTooLong(cursor);
    return undefined;
  }
  if (!plain || bytes[at + 1] !== ascii.slash) return readPieces(cursor);
  cursor.at = at;
  return internAscii(bytes, start, at, hash);
}

/** The long way: entities, other scripts, CDATA, comments, and a `<` that a process has in its name. */
function readPieces(cursor: Cursor): string | undefined {
  const { bytes, at: start } = cursor;
  let text = "";
  let at = start;
  while (at - start <= longestString) {
    const less = bytes.indexOf(ascii.less, at);
    if (less < 0) {
      cursor.at = bytes.length;
      failUnexpected(cursor, "an end tag");
      return undefined;
    }
    text += decodeEntities(bytes.toString("utf8", at, less));
    cursor.at = less;
    if (isTag(bytes, less)) return text.replaceAll("\0", "");
    at = afterPiece(bytes, less);
    text += literally(bytes, less, at);
  }
  failTooLong(cursor);
  return undefined;
}

/** powermetrics may print process names without escaping them (src/parse/README.md, 1), so only what can be a tag ends the text. */
function isTag(bytes: Buffer, less: number): boolean {
  const closing = bytes[less + 1] === ascii.slash;
  return elementAt(bytes, closing ? less + 2 : less + 1) !== undefined;
}

function afterPiece(bytes: Buffer, less: number): number {
  const isMarkup = spells(bytes, less, "<!--") || spells(bytes, less, "<![CDATA[");
  return isMarkup ? afterMarkup(bytes, less) : less + 1;
}

function literally(bytes: Buffer, from: number, to: number): string {
  if (to === from + 1) return "<";
  if (!spells(bytes, from, "<![CDATA[")) return "";
  return bytes.toString("utf8", from + "<![CDATA[".length, Math.max(from, to - "]]>".length));
}

/** What is no entity stays as it is: a bare `&` is a character of a name. */
function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|(amp|lt|gt|quot|apos));/g,
    (entity, ...groups) => {
      const [decimal, hexadecimal, name] = groups as (string | undefined)[];
      if (name !== undefined) return named[name] ?? entity;
      const code = decimal === undefined ? parseInt(hexadecimal ?? "", 16) : parseInt(decimal, 10);
      return isCharacter(code) ? String.fromCodePoint(code) : entity;
    },
  );
}

/** Half a surrogate pair is no character, and no receiver takes it. */
function isCharacter(code: number): boolean {
  return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

function failTooLong(cursor: Cursor): void {
  fail(cursor, "limit", `string at byte ${cursor.at} must not exceed ${longestString} bytes`);
}

/**
 * Reuses the short strings that documents repeat: a document has a few dozen different keys, thousands of times, and
 * making a string of bytes costs more than everything else about it.
 *
 *     bytes ── hash ──► slot ── same bytes? ──► the string that is there
 *                                   └── no ──► a new string takes the slot
 */

const slotCount = 1024;
const longest = 48;

/** A memo, not state: what it holds changes no result. Bounded by its slots. */
const slots: (string | undefined)[] = new Array<string | undefined>(slotCount).fill(undefined);

/** The string of the ASCII bytes from `start` to `end`, whose `hash` the caller has computed on its way. */
function internAscii(bytes: Buffer, start: number, end: number, hash: number): string {
  if (end - start > longest) return bytes.toString("latin1", start, end);
  const slot = (hash ^ (hash >>> 10)) & (slotCount - 1);
  const held = slots[slot];
  if (held?.length === end - start && isSame(bytes, start, held)) return held;
  const text = bytes.toString("latin1", start, end);
  slots[slot] = text;
  return text;
}

function isSame(bytes: Buffer, start: number, text: string): boolean {
  for (let index = 0; index < text.length; index++)
    if (bytes[start + index] !== text.charCodeAt(index)) return false;
  return true;
}

/** Powers of ten that doubles hold exactly; with a mantissa below 10^15, one division or product rounds correctly. */
const exactPowers = Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`));
const exactDigits = 15;
const point = 0x2e;
const plus = 0x2b;

/** Reads a number up to the next tag; NaN where none is spelled, undefined for a failure of the markup. */
export function readNumber(cursor: Cursor): number | undefined {
  const { bytes } = cursor;
  const negative = bytes[cursor.at] === ascii.minus;
  const start = negative ? cursor.at + 1 : cursor.at;
  let at = start;
  let mantissa = 0;
  let scale = 0;
  let digit = digitAt(bytes, at);
  for (; digit >= 0; digit = digitAt(bytes, ++at)) mantissa = mantissa * 10 + digit;
  let digits = at - start;
  if (bytes[at] === point) {
    const fraction = ++at;
    for (digit = digitAt(bytes, at); digit >= 0; digit = digitAt(bytes, ++at))
      mantissa = mantissa * 10 + digit;
    scale = fraction - at;
    digits -= scale;
  }
  if (bytes[at] === 0x65) {
    const sign = bytes[++at];
    if (sign === ascii.minus || sign === plus) at++;
    const first = at;
    let exponent = 0;
    for (digit = digitAt(bytes, at); digit >= 0; digit = digitAt(bytes, ++at))
      exponent = exponent * 10 + digit;
    if (at === first) return readSpelled(cursor);
    scale += sign === ascii.minus ? -exponent : exponent;
  }
  const power = exactPowers[Math.abs(scale)];
  if (bytes[at] !== ascii.less || digits === 0 || digits > exactDigits || power === undefined)
    return readSpelled(cursor);
  cursor.at = at;
  const value = scale < 0 ? mantissa / power : mantissa * power;
  return negative ? -value : value;
}

function digitAt(bytes: Buffer, at: number): number {
  const digit = (bytes[at] ?? 0) - 0x30;
  return digit <= 9 ? digit : -1;
}

function readSpelled(cursor: Cursor): number | undefined {
  const text = readText(cursor);
  return text === undefined ? undefined : spelledNumber(text);
}

/** A number as C or XML spell it, blanks around it allowed; NaN for everything else, the empty text included. */
export function spelledNumber(text: string): number {
  const spelling = text.trim();
  if (spelling === "") return NaN;
  const infinite = /^([+-]?)inf(?:inity)?$/i.exec(spelling);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  return Number(spelling);
}
