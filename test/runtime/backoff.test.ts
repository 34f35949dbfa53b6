import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { createBackoff } from "../../src/runtime/backoff.ts";
import { seededRandom } from "../support/seeded-random.ts";

const settings = { minMs: 100, maxMs: 30_000 };

test("intervals double from 100 ms to 30 s and stay there", () => {
  const backoff = createBackoff(() => 0.5, settings);
  const intervals = Array.from({ length: 11 }, () => backoff.next());
  assert.deepEqual(intervals, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
});

test("with any luck each interval is within a tenth of its base and at least 0.8 of the one before", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const backoff = createBackoff(seededRandom(seed), settings);
      let previous = 0;
      for (let base = 100, i = 0; i < 40; base = Math.min(base * 2, 30_000), i++) {
        const interval = backoff.next();
        assert.ok(interval >= base * 0.9 - 1e-6 && interval <= base * 1.1 + 1e-6, `${interval} of ${base}`);
        assert.ok(interval >= previous * 0.8);
        previous = interval;
      }
    }),
  );
});

test("a reset begins at the shortest interval again", () => {
  const backoff = createBackoff(() => 0.5, { minMs: 10, maxMs: 1000 });
  backoff.next();
  backoff.next();
  backoff.reset();
  assert.equal(backoff.next(), 10);
});
