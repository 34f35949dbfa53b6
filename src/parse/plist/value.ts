/** Owns what a property list holds once it is read. */

/**
 * `<integer>` and `<real>` are both numbers: an integer beyond 2^53 is the nearest double, and what is spelled as no
 * number reads as NaN, so that one bad figure does not cost the document. `<date>` is a Date (invalid where the text is
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
