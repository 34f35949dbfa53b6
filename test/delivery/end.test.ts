/** How a delivery ends, and what the next process makes of what it left. */
import assert from "node:assert/strict";
import { cpSync, existsSync } from "node:fs";
import test from "node:test";
import {
  badRequest,
  delivered,
  forbidden,
  hour,
  minute,
  perSnapshot,
  reset,
  rig,
  second,
  sentTimes,
  switchTo,
  unavailable,
  type Answer,
} from "./rig.ts";

test("an orderly end sends all that waits without waiting for deadlines, pace or herds", async (context) => {
  const it = rig(context, { pacing: { drainRate: 1 }, sink: { maxSamples: 10 * perSnapshot } });
  const old = await it.collect(100, minute);
  it.start();
  await it.clock.advance(second);
  it.delivery().woke();
  const live = it.append();
  await it.finish();
  assert.deepEqual(
    sentTimes(it.seen).toSorted((a, b) => a - b),
    [...old, live],
  );
  assert.equal(it.delivery().state().status, "stopped");
  assert.equal(it.delivery().state().backlog.snapshots, 0);
  await it.abort();
});

test("an end with nothing left asks the receiver nothing", async (context) => {
  const it = rig(context);
  it.start();
  await it.clock.advance(minute);
  await it.finish();
  assert.equal(it.seen.length, 0);
  assert.equal(it.probes.length, 1);
});

test("an end while the receiver fails comes at once, in whatever way it fails, and what waits stays", async (context) => {
  const answers: Answer[] = [
    () => unavailable,
    () => ({ ...unavailable, afterMs: hour }),
    () => forbidden,
    ({ protocol }) => switchTo(protocol === "two" ? "one" : "two"),
  ];
  for (const answer of answers)
    for (const from of ["start", "batch"] as const) {
      const it = rig(context);
      if (from === "start") it.answer = answer;
      await it.begin();
      it.answer = answer;
      it.append();
      await it.clock.advance(minute);
      const before = it.seen.length + it.probes.length;
      await it.finish();
      assert.ok(it.seen.length + it.probes.length <= before + 5);
      assert.equal(it.cursor().backlog().snapshots, 1);
      assert.deepEqual(it.counts.dropped, {});
    }
});

test("an end during any wait for the receiver takes one last try, and where that succeeds sends all that waits", async (context) => {
  const waits: Readonly<Record<string, Answer>> = {
    "for a backoff": () => unavailable,
    "for a Retry-After": () => ({ ...unavailable, afterMs: hour }),
    "for a circuit": () => forbidden,
    "for a common protocol": ({ protocol }) => switchTo(protocol === "two" ? "one" : "two"),
  };
  for (const [name, answer] of Object.entries(waits))
    for (const from of ["start", "batch"] as const) {
      const it = rig(context);
      if (from === "start") it.answer = answer;
      await it.begin();
      it.answer = answer;
      const first = it.append();
      await it.clock.advance(minute);
      // The end marks of all series.
      const last = it.append();
      it.answer = () => delivered;
      const before = it.seen.length;
      const at = it.clock.monotonic();
      await it.finish();
      assert.deepEqual(sentTimes(it.seen.slice(before)), [first, last], `${name} from ${from}`);
      assert.equal(it.clock.monotonic(), at);
      assert.equal(it.cursor().backlog().snapshots, 0);
    }
});

test("a request under way at the end may fail: the same bytes go once more", async (context) => {
  const it = rig(context);
  await it.begin();
  it.append();
  it.answer = () => {
    // The end comes while the request is under way.
    it.delivery().finish();
    return unavailable;
  };
  await it.clock.advance(6 * second);
  await it.finish();
  assert.equal(it.seen.length, 2);
  assert.equal(it.seen[1]?.text, it.seen[0]?.text);
  assert.equal(it.cursor().backlog().snapshots, 1);
});

test("an end with the receiver failing only now takes one try", async (context) => {
  const it = rig(context);
  await it.begin();
  it.append();
  it.answer = () => reset;
  await it.finish();
  assert.equal(it.seen.length, 1);
  assert.equal(it.cursor().backlog().snapshots, 1);
});

test("an end with the receiver hanging comes with the abort, and what waits stays", async (context) => {
  const it = rig(context);
  await it.begin();
  it.append();
  it.answer = () => undefined;
  const ended = it.finish();
  await it.clock.advance(minute);
  await it.abort();
  await ended;
  assert.equal(it.cursor().backlog().snapshots, 1);
  it.journal()[Symbol.dispose]();
  assert.equal(it.clock.pending, 0);
});

test("what is held does not hold up the end", async (context) => {
  const it = rig(context);
  it.skewMs = -hour;
  await it.begin();
  it.append();
  await it.clock.advance(minute);
  await it.finish();
  assert.equal(it.seen.length, 0);
  assert.equal(it.cursor().backlog().snapshots, 1);
});

test("after a restart the frozen batch goes first, with the same bytes", async (context) => {
  const it = rig(context);
  await it.begin();
  it.answer = () => unavailable;
  const times = await it.collect(4, 2 * second);
  const before = it.seen.length;
  it.answer = () => delivered;
  await it.restart();
  await it.clock.advance(0);
  assert.equal(it.seen[before]?.text, it.seen[0]?.text);
  assert.deepEqual(sentTimes(it.seen.slice(before)), times);
  await it.abort();
});

test("after the process died between answer and commit the same bytes go again, and a rejection is no loss", async (context) => {
  for (const second_ of [delivered, badRequest]) {
    const it = rig(context, { journal: { commitIntervalMs: hour } });
    await it.begin();
    const copy = `${it.journalPath}.copy`;
    it.answer = () => {
      for (const end of ["", "-wal", "-shm"])
        if (existsSync(it.journalPath + end)) cpSync(it.journalPath + end, copy + end);
      return delivered;
    };
    await it.collect(3, second);
    await it.clock.advance(2 * second);
    assert.equal(it.seen.length, 1);
    it.answer = ({ times }) => (times.length === 0 ? delivered : second_);
    await it.restart(copy);
    await it.clock.advance(0);
    assert.equal(it.seen.length, 2);
    assert.equal(it.seen[1]?.text, it.seen[0]?.text);
    assert.deepEqual(it.counts.dropped, second_ === badRequest ? { rejected_resend: 3 * perSnapshot } : {});
    assert.deepEqual(it.cursor().ranges(), []);
    await it.abort();
  }
});

test("a frozen batch in a protocol that the configuration no longer allows goes in the one that it does", async (context) => {
  const protocols: [string, ...string[]] = ["two", "one"];
  const it = rig(context, { sink: { protocols } });
  await it.begin();
  it.append();
  it.answer = () => unavailable;
  await it.clock.advance(6 * second);
  protocols.shift();
  it.answer = () => delivered;
  await it.restart();
  await it.clock.advance(0);
  assert.equal(it.seen.at(-1)?.protocol, "one");
  assert.equal(it.probes.at(-1)?.protocol, "one");
  assert.equal(it.counts.sent, perSnapshot);
  await it.abort();
});

test("a frozen batch whose protocol the receiver speaks no more goes anew in the other one", async (context) => {
  const it = rig(context);
  await it.begin();
  const time = it.append();
  it.answer = () => unavailable;
  await it.clock.advance(6 * second);
  it.answer = ({ protocol }) => (protocol === "two" ? switchTo("one") : delivered);
  await it.restart();
  await it.clock.advance(0);
  assert.deepEqual(it.seen.at(-1)?.times, [time]);
  assert.equal(it.seen.at(-1)?.protocol, "one");
  assert.equal(it.counts.sent, perSnapshot);
  await it.abort();
});
