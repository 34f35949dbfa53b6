/** Owns passing over an array or dict that nobody wants, without making anything of it. */
import { after, afterMarkup, ascii, atEndTag, elementAt, failUnexpected, type Cursor } from "./cursor.ts";

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
    at = after(bytes, ">", name);
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
