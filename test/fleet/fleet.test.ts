/** The imitated fleet behaves like Macs: counters rise, a backlog comes before what is live, and the receiver has it all. */
import assert from "node:assert/strict";
import test from "node:test";
import { seededRandom } from "../support/seeded-random.ts";
import { skipWithout } from "../support/receivers.ts";
import { createFleetCursor } from "./cursor.ts";
import { runPhase, type Phase } from "./phase.ts";
import { openReceiver } from "./receiver.ts";
import { recordings } from "./recording.ts";
import { faultsOf } from "./verdict.ts";

const intervalMs = 1000;
const kinds = recordings(intervalMs);

test("values move, and counters never fall, round after round", () => {
  for (const recording of new Set(kinds)) {
    const { set } = recording;
    let before = recording.valuesAt(0);
    for (let step = 1; step < 200; step++) {
      const values = recording.valuesAt(step);
      assert.notDeepEqual(values, before);
      set.series.forEach(({ metric, name }, at) => {
        if (metric.type === "counter")
          assert.ok((values[at] ?? 0) >= (before[at] ?? 0), `${name} at ${step}`);
      });
      before = values;
    }
  }
});

test("what waits is read oldest first or newest, gaps of sleep included, and each snapshot once", () => {
  const [recording] = kinds;
  assert.ok(recording !== undefined);
  const told: number[] = [];
  const life = {
    recording,
    phase: 0,
    intervalMs,
    bootMs: 0,
    onDelivered: (time: number) => void told.push(time),
  };
  const cursor = createFleetCursor("a", life, { since: 1000, count: 5 });
  cursor.append(6000);
  cursor.append(60_000);
  const all = { firstSeq: 1, lastSeq: 100 };
  const times = (newest: boolean): number[] =>
    cursor
      .read(all, { maxSamples: 2 * recording.set.series.length, maxSnapshots: 99, newest })
      .map(({ time }) => time);
  assert.deepEqual(times(false), [1000, 2000]);
  assert.deepEqual(times(true), [6000, 60_000]);
  assert.equal(cursor.acknowledge({ firstSeq: 2, lastSeq: 3 }).snapshots, 2);
  assert.deepEqual(cursor.ranges(), [
    { firstSeq: 1, lastSeq: 1 },
    { firstSeq: 4, lastSeq: 7 },
  ]);
  assert.equal(cursor.backlogSamples(), 3 * recording.set.series.length);
  assert.equal(cursor.acknowledge(all).snapshots, 5);
  assert.equal(cursor.acknowledge(all).snapshots, 0);
  assert.deepEqual(told, [2000, 3000, 1000, 4000, 5000, 6000, 60_000]);
  assert.equal(cursor.backlogSamples(), 0);
});

/** A herd of one of each kind, without jitter and drain rate. */
const herd: Phase = {
  title: "test",
  job: "test",
  hosts: 6,
  intervalMs,
  durationMs: 20_000,
  churn: 0,
  backlogMs: 120_000,
  drainRate: 0,
  jitter: false,
  protocol: "v1",
};

test(
  "a herd that is cut off is told the answer to every request that was on its way",
  { skip: skipWithout("victoria-metrics") },
  async () => {
    await using receiver = await openReceiver("victoria-metrics");
    const cut = { ...herd, backlogMs: 5 * 86_400_000, durationMs: 300 };
    const { backlog, tallies, receiver: seen } = await runPhase(cut, kinds, receiver, seededRandom(1));
    assert.ok(backlog.left > 0);
    assert.deepEqual([...tallies.errors], []);
    assert.equal(tallies.uncertain, 0);
    assert.equal(seen.stored, tallies.answered);
  },
);

for (const [program, protocol] of [
  ["victoria-metrics", "v1"],
  ["prometheus", "v2"],
] as const)
  test(
    `a small herd's backlog is all in ${program}, by remote write ${protocol}`,
    { skip: skipWithout(program) },
    async () => {
      await using receiver = await openReceiver(program);
      const result = await runPhase({ ...herd, protocol }, kinds, receiver, seededRandom(1));
      const { backlog, tallies, receiver: seen } = result;
      assert.deepEqual([...tallies.errors, ...tallies.dropped], []);
      const series = kinds.reduce((sum, { set }) => sum + set.series.length, 0);
      assert.equal(result.series, series);
      assert.deepEqual(backlog, {
        all: 120 * series,
        most: 120 * 182,
        left: 0,
        limits: { maxSamples: 2000, maxBodies: 8 },
      });
      assert.ok(tallies.sent >= backlog.all);
      assert.equal(seen.stored, tallies.sent);
      assert.equal(tallies.answered, tallies.sent);
      assert.deepEqual(faultsOf(result), []);
    },
  );
