import assert from "node:assert/strict";
import test from "node:test";
import { formatEntry, runItems, summarize, type Item, type Result } from "../../src/diagnosis/items.ts";
import { fakeClock } from "../support/fake-clock.ts";

const item = (name: string, run: Item["run"], limitMs = 1000): Item => ({
  name,
  expected: "a result",
  limitMs,
  run,
});
const well = (got: string): Promise<Result> => Promise.resolve({ status: "ok", got });
const never = new AbortController().signal;

test("an item that hangs is told to stop, given up after its grace, and the next one runs", async () => {
  const clock = fakeClock();
  const told: string[] = [];
  const started: string[] = [];
  const deaf = (signal: AbortSignal): Promise<Result> => {
    signal.addEventListener("abort", () => told.push("stop"));
    return new Promise(() => undefined);
  };
  const running = runItems([item("deaf", deaf), item("next", () => well("here"))], {
    clock,
    signal: never,
    onStart: (name, position) => void started.push(`${position} ${name}`),
  });
  await clock.advance(999);
  assert.deepEqual([told, started], [[], ["1 deaf"]]);
  await clock.advance(1);
  assert.deepEqual(told, ["stop"]);
  await clock.advance(30_000);
  const [first, second] = await running;
  assert.equal(first?.status, "fail");
  assert.equal(first.got, "took longer than 1 s; did not end when told to");
  assert.equal(first.durationMs, 31_000);
  assert.deepEqual([second?.status, second?.got], ["ok", "here"]);
  assert.deepEqual(started, ["1 deaf", "2 next"]);
  assert.equal(clock.pending, 0);
});

test("an item that stops when its time is over keeps what it has found", async () => {
  const clock = fakeClock();
  const obedient = (signal: AbortSignal): Promise<Result> =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve({ status: "ok", got: "half", details: { count: 3 } }));
    });
  const running = runItems([item("slow", obedient)], { clock, signal: never, onStart: () => undefined });
  await clock.advance(1000);
  const [entry] = await running;
  assert.deepEqual(
    [entry?.status, entry?.got, entry?.details],
    ["fail", "took longer than 1 s; half", { count: 3 }],
  );
});

test("an item that throws fails with its cause, and the next one runs", async () => {
  const items = [
    item("broken", () => Promise.reject(new Error("no such thing"))),
    item("next", () => well("here")),
  ];
  const entries = await runItems(items, { clock: fakeClock(), signal: never, onStart: () => undefined });
  assert.deepEqual(
    entries.map(({ status, got }) => [status, got]),
    [
      ["fail", "cannot look: no such thing"],
      ["ok", "here"],
    ],
  );
});

test("an interrupt waits for the item's cleaning up and skips the rest", async () => {
  const stop = new AbortController();
  let cleaned = false;
  const working = (signal: AbortSignal): Promise<Result> =>
    new Promise((resolve) => {
      signal.addEventListener("abort", () => {
        cleaned = true;
        resolve({ status: "fail", got: "half" });
      });
    });
  const items = [item("working", working), item("next", () => well("here"))];
  const running = runItems(items, { clock: fakeClock(), signal: stop.signal, onStart: () => undefined });
  stop.abort();
  const entries = await running;
  assert.equal(cleaned, true);
  assert.deepEqual(
    entries.map(({ name, status, got }) => [name, status, got]),
    [
      ["working", "skipped", "skipped: interrupted"],
      ["next", "skipped", "skipped: interrupted"],
    ],
  );
});

test("an entry in words says what was expected only where that is not what came", () => {
  const entry = { name: "stream", expected: "documents", got: "none", durationMs: 5 };
  assert.equal(formatEntry({ ...entry, status: "ok" }), "ok      stream: none\n");
  assert.equal(formatEntry({ ...entry, status: "fail" }), "FAILURE stream: none; expected documents\n");
  assert.equal(
    formatEntry({ ...entry, status: "skipped", got: "skipped: needs macOS" }),
    "skipped stream: needs macOS\n",
  );
  assert.equal(summarize([{ ...entry, status: "warn" }]), "0 ok, 1 warning, 0 failures, 0 skipped");
});
