/** Reads a document in tests by the npm package `plist`, the oracle for our own reader. */
import assert from "node:assert/strict";
import { parse, type PlistValue } from "plist";

export type Dictionary = Readonly<Record<string, unknown>>;

export function parseDocument(text: string): Dictionary {
  const value: PlistValue = parse(text);
  return dictionary(value);
}

export function dictionary(value: unknown): Dictionary {
  assert.ok(
    typeof value === "object" && value !== null && !Array.isArray(value),
    `not a dictionary: ${String(value)}`,
  );
  return Object.fromEntries(Object.entries(value));
}

export function list(value: unknown): readonly Dictionary[] {
  assert.ok(Array.isArray(value), `not a list: ${String(value)}`);
  return value.map(dictionary);
}

export function number(value: unknown): number {
  assert.ok(typeof value === "number", `not a number: ${String(value)}`);
  return value;
}

export function clustersOf(document: Dictionary): readonly Dictionary[] {
  return list(dictionary(document["processor"])["clusters"]);
}

export function coresOf(document: Dictionary): readonly Dictionary[] {
  return clustersOf(document).flatMap((cluster) => list(cluster["cpus"]));
}

/** Equal as far as six significant digits can tell. */
export function assertClose(actual: number, expected: number, what: string): void {
  const tolerance = Math.max(Math.abs(expected) * 1e-5, 1e-9);
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what}: got ${actual}, want ${expected}`);
}
