import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { createBackoff, parseRetryAfter } from "../../src/runtime/backoff.ts";
import { parseHttpDate } from "../../src/runtime/http/date.ts";
import { seededRandom } from "../support/seeded-random.ts";

test("intervals double from 100 ms to 30 s and stay there", () => {
  const backoff = createBackoff(() => 0.5);
  const intervals = Array.from({ length: 11 }, () => backoff.next());
  assert.deepEqual(intervals, [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
});

test("with any luck each interval is within a tenth of its base and at least 0.8 of the one before", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const backoff = createBackoff(seededRandom(seed));
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

const now = Date.UTC(2026, 0, 1, 12, 0, 0);

for (const [value, wait] of [
  [undefined, undefined],
  ["5", 5000],
  [" 120 ", 120_000],
  ["0", undefined],
  ["-1", undefined],
  ["1.5", undefined],
  ["1e3", undefined],
  ["soon", undefined],
  ["tomorrow 5", undefined],
  ["", undefined],
  ["99999999999999999999", 3_600_000],
  ["7200", 3_600_000],
  ["Thu, 01 Jan 2026 12:00:30 GMT", 30_000],
  ["Thursday, 01-Jan-26 12:00:30 GMT", 30_000],
  ["Thu Jan  1 12:00:30 2026", 30_000],
  ["Thu, 01 Jan 2026 11:59:00 GMT", undefined],
  ["Thu, 01 Jan 2026 12:00:00 GMT", undefined],
  ["Fri, 01 Jan 2027 12:00:00 GMT", 3_600_000],
  ["Thu, 01 Jan 2026 99:00:00 GMT", undefined],
  ["2026-01-01T12:00:30Z", undefined],
] as const) {
  test(`Retry-After ${JSON.stringify(value ?? "absent")} means ${wait === undefined ? "nothing" : `${wait} ms`}`, () => {
    assert.equal(parseRetryAfter(value, now), wait);
  });
}

test("a date counts from the answer's own Date, whatever our clock says", () => {
  const wait = (asked: string, answeredAt: string): number | undefined =>
    parseRetryAfter(asked, now, parseHttpDate(answeredAt));
  const ahead = "Thu, 01 Jan 2026 12:20:00 GMT";
  assert.equal(wait("Thu, 01 Jan 2026 12:20:03 GMT", ahead), 3000);
  assert.equal(wait("Thu, 01 Jan 2026 12:19:00 GMT", ahead), undefined, "past");
  assert.equal(wait("Mon, 01 Jan 2001 00:00:05 GMT", "Mon, 01 Jan 2001 00:00:00 GMT"), 5000);
  assert.equal(wait("Thu, 01 Jan 2026 12:00:30 GMT", "soon"), 30_000, "garbage as Date: our own clock");
  assert.equal(wait("Thu, 01 Jan 2026 12:00:30 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"), 30_000, "never set");
  assert.equal(wait("Thu, 01 Jan 2026 18:00:00 GMT", ahead), 3_600_000, "an hour at most");
  assert.equal(wait("5", ahead), 5000);
});

test("what a server writes as its date is read back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (seconds) => {
      assert.equal(parseHttpDate(new Date(seconds * 1000).toUTCString()), seconds * 1000);
    }),
  );
});
