/** Owns character data: what stands between `<string>` and `</string>`, entities and CDATA included. */
import { afterMarkup, ascii, elementAt, fail, failUnexpected, spells, type Cursor } from "./cursor.ts";
import { internAscii } from "./intern.ts";

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

/** powermetrics is said not to escape process names (FORMATS.md, section 1), so only what can be a tag ends the text. */
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
