import assert from "node:assert/strict";
import test from "node:test";
import { fakeClock } from "../support/fake-clock.ts";
import { fakeTool, isAlive, printDocument, sleepyClock } from "./events.ts";
import { hang, help, runPowermetrics, silentSpawn } from "./run-powermetrics.ts";

test("a stalled tool is ended after three intervals of silence and started again", async (t) => {
  const clock = fakeClock();
  const { events, log } = runPowermetrics(t, fakeTool(`${help}${printDocument("x")}${hang}`), { clock });
  await events.until("frame");
  await clock.advance(5000);
  await events.until("failed stalled");
  assert.match(log.texts.at(-1) ?? "", /must write a document every 1000 ms, got none for 5 s/);
  assert.equal(isAlive(events.pids[0] ?? 0), false);
  await clock.advance(1);
  await events.until("frame", 2);
});

test("a tool that never writes gets an allowance for its start", async (t) => {
  const clock = fakeClock();
  const { events } = runPowermetrics(t, fakeTool(`${help}${hang}`), { clock });
  await events.until("started");
  await clock.advance(10_000);
  assert.deepEqual(events.names, ["started"]);
  await clock.advance(5000);
  await events.until("failed stalled");
});

test("sleep is not silence: a woken tool has its time to write again", async (t) => {
  const fake = fakeClock();
  const clock = sleepyClock(fake);
  const { events } = runPowermetrics(t, ["/powermetrics"], {
    clock,
    intervalMs: 4000,
    spawn: silentSpawn("signalled"),
  });
  await fake.advance(5000);
  clock.fallAsleep(8 * 3_600_000);
  await fake.advance(25_000);
  assert.deepEqual(events.names, ["started"]);
  await fake.advance(5000);
  assert.deepEqual(events.names, ["started", "down", "failed stalled"]);
});

test("a silent tool that can't be ended is not joined by more of its kind", async (t) => {
  const clock = fakeClock();
  const { events } = runPowermetrics(t, ["/powermetrics"], { clock, spawn: silentSpawn("abandoned") });
  await clock.advance(30_000);
  assert.deepEqual(events.names, ["started", "down", "failed stalled"]);
  await clock.advance(9 * 60_000);
  assert.equal(events.pids.length, 1);
});
