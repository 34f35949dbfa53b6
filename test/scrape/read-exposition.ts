/** Reads one exposition, for tests. */
import assert from "node:assert/strict";
import {
  type Exposition,
  type ExpositionFormat,
  type ExpositionReader,
  createExpositionReader,
} from "../../src/scrape/exposition.ts";

export const reader = (maxSeries = 1000): ExpositionReader => createExpositionReader({ maxSeries });

function bodyOf(body: string | Buffer): Buffer {
  return typeof body === "string" ? Buffer.from(body) : body;
}

export function read(body: string | Buffer, format: ExpositionFormat = "text", by = reader()): Exposition {
  const result = by.read(bodyOf(body), format);
  assert.ok(result.ok, result.ok ? "" : result.error.message);
  return result.value;
}

/** Why it was not read. */
export function refused(body: string | Buffer, format: ExpositionFormat = "text"): string {
  const result = reader().read(bodyOf(body), format);
  assert.ok(!result.ok, "it was read");
  return `${result.error.reason}: ${result.error.message}`;
}
