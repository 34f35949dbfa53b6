/**
 * Owns the short strings that documents repeat: a document has a few dozen different keys, thousands of times, and
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
export function internAscii(bytes: Buffer, start: number, end: number, hash: number): string {
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
