/** Which snapshots go first, live ones or a backlog, and how many of them. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { batchSamples, createBatchSize, selectBatch } from "../../src/delivery/batch-selection.ts";
import type { ReadLimits, SeqRange } from "../../src/journal/types.ts";
import { snapshot } from "../journal/fixtures.ts";
import fc from "../support/property.ts";
import {
  delivered,
  hour,
  minute,
  perSnapshot,
  rig,
  second,
  sentTimes,
  tooLarge,
  unavailable,
  type Rig,
  type RigOptions,
} from "./rig.ts";

const small = { maxSamples: 10 * perSnapshot };

/** A receiver that has been away for `ms` while a snapshot came every 10 s. */
async function outage(context: TestContext, ms: number, options: RigOptions = {}) {
  const it = rig(context, { sink: small, ...options });
  await it.begin();
  it.answer = () => unavailable;
  const missed = await it.collect(ms / (10 * second), 10 * second);
  const before = it.seen.length;
  it.answer = () => delivered;
  return { it, missed, resumed: () => it.seen.slice(before) };
}

async function until(it: Rig, done: () => boolean, each = second): Promise<void> {
  for (let turn = 0; !done(); turn++) {
    assert.ok(turn < 2000, "never came");
    await it.clock.advance(each);
  }
}

const ascending = (times: readonly number[]): readonly number[] => times.toSorted((a, b) => a - b);

test("a young backlog goes oldest first, and live snapshots follow in order", async (context) => {
  const { it, missed, resumed } = await outage(context, 30 * minute, { pacing: { drainRate: perSnapshot } });
  const live: number[] = [];
  for (let turn = 0; it.cursor().ranges().length > 0; turn++) {
    assert.ok(turn < 100);
    live.push(...(await it.collect(1, 10 * second)));
  }
  const times = sentTimes(resumed());
  assert.deepEqual(times, [...missed, ...live].slice(0, times.length));
  assert.ok(live.length > 3);
  await it.abort();
});

test("a backlog of more than an hour waits for live snapshots, which never wait for more than a batch of it", async (context) => {
  const { it, missed, resumed } = await outage(context, 3 * hour, { pacing: { drainRate: perSnapshot } });
  const live = await it.collect(200, 10 * second);
  await it.clock.advance(10 * second);
  const batches = resumed();
  assert.deepEqual(ascending(sentTimes(batches)), [...missed, ...live], "each once");
  const backlog = sentTimes(batches).filter((time) => missed.includes(time));
  const [tried = 0, ...others] = backlog;
  assert.equal(tried, missed[0], "what was tried all the time goes first");
  const overtaking = batches[1]?.times.filter((time) => missed.includes(time)) ?? [];
  assert.deepEqual(overtaking, missed.slice(-overtaking.length), "then the newest");
  assert.deepEqual(others.slice(overtaking.length), missed.slice(1, -overtaking.length), "then oldest first");
  const wallOffset = it.clock.now() - it.clock.monotonic();
  for (const time of live) {
    const cameAt = time - wallOffset;
    if (cameAt < (batches[0]?.at ?? 0)) continue;
    const sentAt = batches.find(({ times }) => times.includes(time))?.at ?? Infinity;
    assert.ok(sentAt - cameAt <= 5 * second, `${sentAt - cameAt} ms`);
  }
  await it.abort();
});

test("where nothing may overtake, a recording goes in its own order however old it is", async (context) => {
  const { it, missed, resumed } = await outage(context, 3 * hour, { pacing: { mayOvertake: false } });
  await it.clock.advance(minute);
  assert.deepEqual(sentTimes(resumed()), missed);
  await it.abort();
});

test("a backlog drains at its pace, and says so", async (context) => {
  const { it, resumed } = await outage(context, 20 * minute, { pacing: { drainRate: 2 * perSnapshot } });
  await until(it, () => resumed().length > 1);
  assert.equal(it.delivery().state().status, "draining");
  assert.ok(it.delivery().state().backlog.snapshots > 0);
  await until(it, () => it.cursor().ranges().length === 0);
  const batches = resumed().slice(1, -1);
  const [first, last] = [batches[0], batches.at(-1)];
  const samples = (sentTimes(batches).length - 10) * perSnapshot;
  assert.equal(samples / (((last?.at ?? 0) - (first?.at ?? 0)) / 1000), 2 * perSnapshot);
  await it.clock.advance(minute);
  assert.equal(it.delivery().state().status, "ok");
  await it.abort();
});

test("a batch of a backlog that is too large goes at once in halves, and the pace counts what was taken", async (context) => {
  const { it, resumed } = await outage(context, 20 * minute, { pacing: { drainRate: perSnapshot } });
  it.answer = ({ times }) => (times.length > 5 ? tooLarge : delivered);
  await until(it, () => resumed().length > 4);
  const [, whole, half, next] = resumed();
  assert.deepEqual([whole?.times.length, half?.times.length], [10, 5]);
  assert.equal(half?.at, whole?.at);
  assert.equal((next?.at ?? NaN) - (half?.at ?? NaN), 5 * second);
  await it.abort();
});

test("after a long outage the backlog waits for its share of the herd's delay, after a short one it does not", async (context) => {
  for (const [ms, delay] of [
    [20 * minute, 15 * second],
    [2 * minute, 0],
  ] as const) {
    const { it, resumed } = await outage(context, ms);
    await until(it, () => resumed().length > 0, 100);
    await it.clock.advance(16 * second);
    const [first, second_] = resumed();
    assert.equal((second_?.at ?? NaN) - (first?.at ?? NaN), delay);
    await it.abort();
  }
});

/** A cursor whose snapshots wait at these times; those that are absent are delivered. */
function waitingAt(times: readonly (number | undefined)[]) {
  const stored = times.map((time, seq) => (time === undefined ? [] : [{ ...snapshot(time), seq }]));
  const waiting = stored.flat();
  const ranges = waiting.reduce<SeqRange[]>((set, { seq }) => {
    const last = set.at(-1);
    if (last?.lastSeq === seq - 1) return [...set.slice(0, -1), { ...last, lastSeq: seq }];
    return [...set, { firstSeq: seq, lastSeq: seq }];
  }, []);
  const oldest = waiting[0]?.time;
  return {
    waiting,
    ranges: () => ranges,
    backlog: () => ({
      snapshots: waiting.length,
      bytes: 0,
      ...(oldest !== undefined && { oldestTimeMs: oldest }),
    }),
    read({ firstSeq, lastSeq }: SeqRange, { maxSnapshots, newest }: ReadLimits) {
      const within = waiting.filter(({ seq }) => seq >= firstSeq && seq <= lastSeq);
      return newest === true ? within.slice(-maxSnapshots) : within.slice(0, maxSnapshots);
    },
  };
}

test("whatever waits, a selection is a run without gaps, in order, none of it ahead of the receiver, and allowed now", () => {
  const now = 100 * hour;
  const time = fc.option(fc.integer({ min: now - 3 * hour, max: now + hour }), { nil: undefined });
  const terms = fc.record({
    maxSnapshots: fc.integer({ min: 1, max: 5 }),
    liveDue: fc.boolean(),
    drainAllowed: fc.boolean(),
    mayOvertake: fc.boolean(),
    deliveredSeq: fc.integer({ min: -1, max: 20 }),
    newestSent: fc.constantFrom({}, { powermetrics: now - hour }),
    newest: fc.constantFrom(now, now + 5 * minute, Infinity, now - 2 * hour),
  });
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(time, { maxLength: 20 }), terms, (times, { maxSnapshots, ...some }) => {
      const cursor = waitingAt(times);
      const limits = { maxSamples: Infinity, maxSnapshots };
      const selection = selectBatch(cursor, { now, limits, ...some });
      const sendable = cursor.waiting.filter((one) => one.time <= some.newest);
      seen.add(selection.status);
      if (cursor.waiting.length === 0) assert.equal(selection.status, "idle");
      if (selection.status === "held") assert.deepEqual(sendable, []);
      if (selection.status !== "live" && selection.status !== "backlog") {
        assert.ok(!some.liveDue || !some.drainAllowed || sendable.length === 0, "something could go");
        return;
      }
      const { status, snapshots } = selection;
      const [first = 0, last = 0] = [snapshots[0]?.seq, snapshots.at(-1)?.seq];
      assert.ok(status === "live" ? some.liveDue : some.drainAllowed);
      assert.ok(snapshots.length > 0 && snapshots.length <= maxSnapshots);
      assert.ok(snapshots.every((one) => sendable.includes(one)));
      assert.deepEqual(
        snapshots.map(({ seq }) => seq),
        cursor.waiting.flatMap(({ seq }) => (seq >= first && seq <= last ? [seq] : [])),
        "what is skipped would be acknowledged with it",
      );
      const ordered = snapshots.map((one) => one.time);
      assert.deepEqual(ordered, ascending([...new Set(ordered)]));
    }),
    { numRuns: 2000 },
  );
  assert.deepEqual([...seen].toSorted(), ["backlog", "held", "idle", "live", "paced"]);
});

test("a batch halves where it was too large, doubles back to that, and then grows by one", () => {
  const size = createBatchSize();
  assert.equal(size.snapshots, 1000);
  size.tooManySnapshots(400);
  const sizes = [size.snapshots];
  size.smallest();
  for (let turn = 0; turn < 10; turn++) {
    sizes.push(size.snapshots);
    size.delivered(false);
  }
  assert.deepEqual(sizes, [200, 1, 2, 4, 8, 16, 32, 64, 128, 200, 201]);
});

test("where a single snapshot is too large its samples are counted, which a restart remembers", () => {
  const size = createBatchSize();
  size.tooManySamples(1280);
  assert.deepEqual([size.snapshots, size.samples], [1, 640]);
  size.delivered(true);
  assert.deepEqual([size.snapshots, size.samples], [1, 650]);
  size.delivered(false);
  assert.equal(size.snapshots, 2);
  const later = createBatchSize(650);
  assert.deepEqual([later.snapshots, later.samples], [1, 650]);
});

test("a batch of a backlog has a second's samples, at least a body's and at most what all bodies take", () => {
  const bodies = { maxSamples: 2000, maxBodies: 4 };
  assert.deepEqual(
    [0, 10, 2000, 5000, 1e6].map((rate) => batchSamples(rate, bodies)),
    [8000, 2000, 2000, 4000, 8000],
  );
});
