import assert from "node:assert/strict";
import test from "node:test";
import { startInTurn, streamFirst } from "../../src/run-sources.ts";
import { fakeClock } from "../support/fake-clock.ts";

const signal = new AbortController().signal;

test("sources start one a turn of the event loop, in their order, and none waits for another", async () => {
  const clock = fakeClock();
  const began: string[] = [];
  const forever = new Promise<never>(() => undefined);
  const starts = ["a", "b"].map((name) => () => {
    began.push(name);
    // The next timer is set after this one has called.
    assert.equal(clock.pending, 0);
    return forever;
  });
  const all = startInTurn(starts, clock, signal);
  assert.deepEqual(began, []);
  await clock.advance(0);
  assert.deepEqual(await all, [forever, forever]);
  assert.deepEqual(began, ["a", "b"]);
});

test("a stop lets all of them start at once, to see it themselves", async () => {
  assert.deepEqual(await startInTurn([() => 1, () => 2], fakeClock(), AbortSignal.abort()), [1, 2]);
});

test("powermetrics starts first, as its first document takes longest, and the others keep their order", () => {
  const names = (...sources: string[]) =>
    streamFirst(sources.map((name) => ({ name }))).map(({ name }) => name);
  assert.deepEqual(names("sysctl", "vm_stat", "powermetrics", "pmset"), [
    "powermetrics",
    "sysctl",
    "vm_stat",
    "pmset",
  ]);
  assert.deepEqual(names("sysctl", "ioreg"), ["sysctl", "ioreg"]);
});
