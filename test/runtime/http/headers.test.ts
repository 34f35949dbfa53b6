import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { parseHttpDate, parseRetryAfter } from "../../../src/runtime/http/headers.ts";

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
