/** What was made of series is kept while it is used, and does not pile up. */
import assert from "node:assert/strict";
import test from "node:test";
import { createKnownSeries } from "../../src/sink/known-series.ts";

test("what is in use is made once, whatever its number", () => {
  const known = createKnownSeries<number>();
  const names = Array.from({ length: 3000 }, (_, at) => String(at));
  known.inUse(names.length);
  let made = 0;
  for (let round = 0; round < 3; round++) for (const name of names) known.get(name, () => ++made);
  assert.equal(made, names.length);
});

test("ever new series are forgotten before they are many", () => {
  const known = createKnownSeries<string | undefined>();
  known.inUse(100);
  const kept = new Set<string>();
  for (let at = 0; at < 10_000; at++) known.get(String(at), () => undefined);
  for (let at = 0; at < 10_000; at++)
    known.get(String(at), () => {
      kept.add(String(at));
      return undefined;
    });
  assert.ok(kept.size >= 9500, String(kept.size));
});
