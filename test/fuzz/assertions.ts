/** Asserts what must be true of a parser's result, whatever it was given. */
import assert from "node:assert/strict";
import type { ParseResult } from "../../src/parse/result.ts";

/** An error is one printable sentence of the house grammar; a value holds no number that JSON could not. */
export function assertResult(result: ParseResult<unknown>): void {
  if (result.ok) {
    assertFinite(result.value, "sample");
    return;
  }
  const { message } = result.error;
  assert.match(message, /^\S.*[^.\n\s]$/);
  assert.ok(message.length < 1000, `a message of ${message.length} characters`);
}

function assertFinite(value: unknown, path: string): void {
  if (typeof value === "number") assert.ok(Number.isFinite(value), `${path} is ${value}`);
  if (typeof value !== "object" || value === null) return;
  const entries = value instanceof Map ? [...(value as Map<unknown, unknown>)] : Object.entries(value);
  for (const [key, inner] of entries) assertFinite(inner, `${path}.${String(key)}`);
}
