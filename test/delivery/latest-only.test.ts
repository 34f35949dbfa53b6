/** The loop for a sink without history, on a clock that only the test moves. */
import assert from "node:assert/strict";
import test from "node:test";
import { createLatestOnly } from "../../src/delivery/latest-only.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { silentLogger, type Logger } from "../../src/runtime/log.ts";
import type { Outcome, SendResult, Sink } from "../../src/sink/sink.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { power, series, snapshot } from "../sink/remote-write/batches.ts";
import { recordingLogger } from "../support/log.ts";

const delivered: Outcome = { status: "delivered", code: "200", rejected: 0 };
const failed: Outcome = { status: "retry", code: "connect", reason: "cannot connect" };
const intervalMs = 15_000;

/** A sink whose answers the test sets, in a loop that the test stops. */
function rig({ retires = true, log = silentLogger }: { retires?: boolean; log?: Logger } = {}) {
  const clock = fakeClock();
  const pushed: { readonly at: number; readonly value: number }[] = [];
  const counts = { sent: 0, dropped: 0, retired: 0, renewed: 0 };
  const world: { outcome: Outcome; current: readonly Snapshot[] } = { outcome: delivered, current: [] };
  const result = (outcome: Outcome): Promise<SendResult> => Promise.resolve({ outcome, durationMs: 1 });
  const sink: Sink = {
    id: "pushgateway/test",
    type: "pushgateway",
    target: "receiver",
    maxSamples: Infinity,
    maxBodies: 1,
    maxBytes: Infinity,
    protocols: ["text"],
    encode({ snapshots }) {
      const body = { bytes: Buffer.from(String(snapshots[0]?.values[0])), samples: snapshots.length };
      return { bodies: snapshots.length === 0 ? [] : [body], dropped: {} };
    },
    send({ bytes }) {
      pushed.push({ at: clock.monotonic(), value: Number(Buffer.from(bytes).toString()) });
      return result(world.outcome);
    },
    probe: () => result(delivered),
    renew() {
      counts.renewed++;
    },
    ...(retires && {
      retire() {
        counts.retired++;
        return result(world.outcome);
      },
    }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  const delivery = createLatestOnly({
    sink,
    intervalMs,
    latest: () => world.current,
    listener: {
      requested: () => undefined,
      sent: (samples) => void (counts.sent += samples),
      dropped: (samples) => void (counts.dropped += samples),
    },
    clock,
    random: () => 0.5,
    log,
  });
  const stop = new AbortController();
  const running = delivery.run(stop.signal);
  return {
    clock,
    pushed,
    counts,
    world,
    delivery,
    report: (value: number): void => {
      world.current = [snapshot(0, [[series(power), value]], { time: clock.now() })];
      delivery.notify();
    },
    finish: async (): Promise<void> => {
      delivery.finish();
      await running;
    },
    abort: async (): Promise<void> => {
      stop.abort();
      await running;
    },
  };
}

test("nothing is pushed before there is something to push, and then once the other sources had a moment", async () => {
  const { clock, pushed, report, delivery, abort } = rig();
  await clock.advance(60_000);
  assert.deepEqual(pushed, []);
  assert.equal(delivery.state().status, "starting");
  report(1);
  await clock.advance(4999);
  assert.deepEqual(pushed, []);
  await clock.advance(1);
  assert.deepEqual(pushed, [{ at: 65_000, value: 1 }]);
  assert.equal(delivery.state().status, "ok");
  await abort();
  assert.equal(delivery.state().status, "stopped");
});

test("each interval pushes what is current by then, and what came in between is not made up for", async () => {
  const { clock, pushed, counts, report, abort } = rig();
  report(1);
  await clock.advance(5000);
  for (const value of [2, 3, 4]) report(value);
  await clock.advance(2 * intervalMs);
  assert.deepEqual(
    pushed.map(({ at, value }) => [at, value]),
    [
      [5000, 1],
      [20_000, 4],
      [35_000, 4],
    ],
  );
  assert.equal(counts.sent, 3);
  await abort();
});

test("an offline hour ends in exactly one push, of the newest samples", async () => {
  const { clock, pushed, world, report, delivery, abort } = rig();
  report(1);
  await clock.advance(5000);
  world.outcome = failed;
  for (let minute = 1; minute <= 60; minute++) {
    report(minute);
    await clock.advance(60_000);
  }
  assert.equal(delivery.state().status, "retrying");
  assert.equal(delivery.state().lastFailure?.code, "connect");
  world.outcome = delivered;
  report(99);
  const before = pushed.length;
  // The longest backoff, its jitter included, is over, the interval after a success is not.
  for (let ms = 0; pushed.length === before && ms < 67_000; ms += 1000) await clock.advance(1000);
  await clock.advance(intervalMs - 2000);
  assert.deepEqual(
    pushed.slice(before).map(({ value }) => value),
    [99],
  );
  assert.equal(delivery.state().status, "ok");
  await abort();
});

test("failures are met with growing patience, and each try has newer samples", async () => {
  const { clock, pushed, world, report, abort } = rig();
  world.outcome = failed;
  report(0);
  for (let second = 1; second <= 130; second++) {
    await clock.advance(1000);
    report(second);
  }
  const gaps = pushed.slice(1).map(({ at }, index) => at - (pushed[index]?.at ?? 0));
  assert.deepEqual(gaps, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000]);
  const values = pushed.map(({ value }) => value);
  assert.deepEqual(
    values,
    values.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(values).size, values.length);
  await abort();
});

test("a receiver that says when is left alone until then", async () => {
  const { clock, pushed, world, report, delivery, abort } = rig();
  world.outcome = { status: "retry", code: "429", reason: "slow down", afterMs: 120_000 };
  report(1);
  await clock.advance(5000 + 119_999);
  assert.equal(pushed.length, 1);
  assert.equal(delivery.state().nextAttemptMs, clock.now() + 1);
  await clock.advance(1);
  assert.equal(pushed.length, 2);
  await abort();
});

test("a receiver that does not let us in is tried after 1, 2, 4, 8 and 15 minutes", async () => {
  const { clock, pushed, world, report, delivery, abort } = rig();
  world.outcome = { status: "refused", code: "401", reason: "who are you" };
  report(1);
  await clock.advance(5000 + 45 * 60_000);
  const gaps = pushed.slice(1).map(({ at }, index) => (at - (pushed[index]?.at ?? 0)) / 60_000);
  assert.deepEqual(gaps, [1, 2, 4, 8, 15, 15]);
  assert.equal(delivery.state().status, "refused");
  assert.equal(delivery.state().nextAttemptMs, clock.now() + 15 * 60_000);
  world.outcome = delivered;
  await clock.advance(15 * 60_000);
  assert.equal(delivery.state().status, "ok");
  await abort();
});

test("a rejected push is counted, logged once, and followed by the next interval's", async () => {
  const log = recordingLogger();
  const { clock, pushed, counts, world, report, delivery, abort } = rig({ log });
  world.outcome = { status: "rejected", code: "400", reason: "text format parsing error" };
  report(1);
  await clock.advance(5000 + 2 * intervalMs);
  assert.equal(pushed.length, 3);
  assert.deepEqual([counts.sent, counts.dropped], [0, 3]);
  assert.deepEqual(delivery.state().dropped, { rejected: 3 });
  const errors = log.lines.filter(({ level }) => level === "error").map(({ message }) => message);
  assert.deepEqual(errors, ["pushgateway/test rejected 1 samples: text format parsing error"]);
  await abort();
});

test("a rejection ends an outage: the receiver is there and judges", async () => {
  const { clock, pushed, world, report, delivery, abort } = rig();
  world.outcome = { status: "refused", code: "401", reason: "who are you" };
  report(1);
  await clock.advance(5000 + 3 * 60_000);
  world.outcome = { status: "rejected", code: "400", reason: "text format parsing error" };
  await clock.advance(4 * 60_000);
  assert.equal(delivery.state().status, "retrying");
  world.outcome = { status: "refused", code: "401", reason: "who are you" };
  await clock.advance(intervalMs);
  const before = pushed.length;
  await clock.advance(60_000);
  assert.equal(pushed.length, before + 1, "a minute after the first refusal");
  await abort();
});

test("once nothing is current any more nothing is pushed, until something is again", async () => {
  const { clock, pushed, world, report, abort } = rig();
  report(1);
  await clock.advance(5000);
  world.current = [];
  await clock.advance(3_600_000);
  assert.equal(pushed.length, 1);
  report(2);
  await clock.advance(5000);
  assert.deepEqual(
    pushed.map(({ value }) => value),
    [1, 2],
  );
  await abort();
});

test("after wake the connection is new and the push waits for its share of the herd's delay", async () => {
  const { clock, pushed, counts, report, delivery, abort } = rig();
  report(1);
  await clock.advance(5000);
  delivery.woke();
  assert.equal(counts.renewed, 1);
  await clock.advance(14_999);
  assert.equal(pushed.length, 1);
  await clock.advance(1);
  assert.equal(pushed.length, 2, "half of 30 s");
  await abort();
});

test("an orderly end deletes the group and pushes nothing more, whatever the receiver says", async () => {
  for (const outcome of [delivered, failed]) {
    const { clock, pushed, counts, world, report, finish, delivery } = rig();
    report(1);
    await clock.advance(5000);
    world.outcome = outcome;
    await finish();
    assert.equal(counts.retired, 1);
    assert.equal(pushed.length, 1);
    assert.equal(delivery.state().status, "stopped");
    assert.equal(clock.pending, 0);
  }
});

test("where the group is to stay, the end leaves the last values in it", async () => {
  const { clock, pushed, report, finish } = rig({ retires: false });
  report(1);
  await clock.advance(5000);
  report(2);
  await finish();
  assert.deepEqual(
    pushed.map(({ value }) => value),
    [1, 2],
  );
});

test("an abort ends the loop at once, without a goodbye", async () => {
  const { clock, counts, report, abort } = rig();
  report(1);
  await clock.advance(5000);
  await abort();
  assert.equal(counts.retired, 0);
  assert.equal(clock.pending, 0);
});
