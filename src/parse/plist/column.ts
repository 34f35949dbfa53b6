/**
 * Reads one number out of each dict of an array: a powermetrics document is mostly frequency states, of which one
 * share counts. As dicts they would take half of the time of a document and most of its garbage.
 *
 *     <array> ( <dict> ( <key>…</key> <integer>…</integer> | <real>…</real> )* </dict> )* </array>
 *
 * Only what is spelled like this is read here; for everything else the caller reads dicts, with all that they may hold.
 */
import { ascii, spells, type Cursor } from "./scanner.ts";
import { readNumber, longestString } from "./text.ts";

/** The numbers under `key`, a dict each, from behind `<array>`; undefined, with the cursor where it was, for another spelling or a dict without it. */
export function readColumn(cursor: Cursor, key: string): readonly number[] | undefined {
  const start = cursor.at;
  const numbers = readRows(cursor, key);
  if (numbers !== undefined) return numbers;
  cursor.at = start;
  cursor.failure = undefined;
  return undefined;
}

function readRows(cursor: Cursor, key: string): readonly number[] | undefined {
  const numbers: number[] = [];
  while (passes(cursor, "<dict>")) {
    const number = readRow(cursor, key);
    if (number === undefined) return undefined;
    numbers.push(number);
  }
  return passes(cursor, "</array>") ? numbers : undefined;
}

/** The last one counts where the key repeats, as in a dict. */
function readRow(cursor: Cursor, key: string): number | undefined {
  let found: number | undefined;
  while (passes(cursor, "<key>")) {
    const wanted =
      spells(cursor.bytes, cursor.at, key) && cursor.bytes[cursor.at + key.length] === ascii.less;
    toMarkup(cursor);
    if (!passes(cursor, "</key>")) return undefined;
    const end = passes(cursor, "<integer>") ? "</integer>" : passes(cursor, "<real>") ? "</real>" : undefined;
    if (end === undefined) return undefined;
    if (wanted) found = readNumber(cursor);
    else toMarkup(cursor);
    if (!passes(cursor, end)) return undefined;
  }
  return passes(cursor, "</dict>") ? found : undefined;
}

/** Moves behind `markup` where it comes next, blanks aside. */
function passes(cursor: Cursor, markup: string): boolean {
  const { bytes } = cursor;
  let { at } = cursor;
  while (isBlank(bytes[at])) at++;
  if (!spells(bytes, at, markup)) return false;
  cursor.at = at + markup.length;
  return true;
}

/** Over plain text to the next `<`; stops where no markup can follow, before what has to be decoded or is too long. */
function toMarkup(cursor: Cursor): void {
  const { bytes, at: start } = cursor;
  const end = Math.min(bytes.length, start + longestString);
  let at = start;
  while (at < end && isPlain(bytes[at] ?? 0)) at++;
  cursor.at = at;
}

function isPlain(byte: number): boolean {
  return byte !== ascii.less && byte !== ascii.ampersand && byte !== 0 && byte < 0x80;
}

function isBlank(byte: number | undefined): boolean {
  return byte === ascii.lineFeed || byte === ascii.space || byte === ascii.return || byte === ascii.tab;
}
