import assert from "node:assert/strict";
import test from "node:test";
import type { LogFields } from "../../src/runtime/log.ts";
import { createThrottle, type Throttle } from "../../src/runtime/throttle.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";

function throttled(): { throttle: Throttle; clock: FakeClock; lines: [string, LogFields | undefined][] } {
  const lines: [string, LogFields | undefined][] = [];
  const clock = fakeClock();
  const tell = (message: string, fields?: LogFields): void => void lines.push([message, fields]);
  return { throttle: createThrottle({ warn: tell, info: tell }, clock, 60_000), clock, lines };
}

test("the same failure is told first, then once an interval with a count", async () => {
  const { throttle, clock, lines } = throttled();
  for (let i = 0; i < 12; i++) {
    throttle.failed("sink", "refused", { n: i });
    await clock.advance(10_000);
  }
  assert.deepEqual(lines, [
    ["refused", { n: 0 }],
    ["refused", { n: 6, repeated: 6 }],
  ]);
});

test("another message under the same key is told at once", () => {
  const { throttle, lines } = throttled();
  for (const message of ["refused", "timed out", "refused", "timed out"]) throttle.failed("sink", message);
  assert.deepEqual(
    lines.map(([message]) => message),
    ["refused", "timed out"],
  );
});

test("the end is told with the number of failures and their time, and the next failure is a first one again", async () => {
  const { throttle, clock, lines } = throttled();
  throttle.failed("sink", "refused");
  throttle.failed("sink", "timed out");
  await clock.advance(5000);
  throttle.failed("sink", "refused");
  throttle.recovered("sink", "delivers again", { sink: "a" });
  throttle.failed("sink", "refused");
  assert.deepEqual(lines.slice(2), [
    ["delivers again", { sink: "a", failures: 3, seconds: 5 }],
    ["refused", undefined],
  ]);
});

test("a recovery of what never failed says nothing", () => {
  const { throttle, lines } = throttled();
  throttle.failed("other", "refused");
  throttle.recovered("sink", "delivers again");
  assert.equal(lines.length, 1);
});

test("messages without end are remembered only up to a bound", () => {
  const { throttle, lines } = throttled();
  for (let i = 0; i < 1000; i++) throttle.failed("sink", `refused ${i}`);
  throttle.recovered("sink", "delivers again");
  assert.deepEqual(lines.at(-1), ["delivers again", { failures: 256, seconds: 0 }]);
});
