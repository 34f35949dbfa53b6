/** A receiver that was away for three hours: every sample arrives, none twice, and live ones are not kept waiting. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { until } from "../../cli/agent.ts";
import { snapshot } from "../../journal/fixtures.ts";
import { skipWithout } from "../../support/receivers.ts";
import { deliverer } from "./deliverer.ts";
import { prometheus, victoria, type Database } from "./prometheus.ts";
import { proxyTo, type Passed } from "./proxy.ts";
import { exportOf, samplesOf, timesOf, type Stored } from "./stored.ts";

const everyMs = 10_000;
const outageMs = 3 * 3_600_000;
const perSnapshot = 4;
const job = '{job="mac-powermetrics"}';
const liveCount = 15;

/** Batches of 50 snapshots, of which the backlog may send some five a second. */
const queue = {
  max_samples_per_send: 50 * perSnapshot,
  batch_send_deadline: "50ms",
  min_backoff: "20ms",
  max_backoff: "200ms",
  drain_rate: 1000,
};

/** Three hours of snapshots while the receiver is away, then it comes back and live ones go on. */
async function outage(t: TestContext, database: Database) {
  await database.stop();
  const proxy = await proxyTo(t, database.url);
  const it = await deliverer(t, proxy.url, queue);
  const start = Math.floor((Date.now() - outageMs) / everyMs) * everyMs;
  const missed = Array.from({ length: outageMs / everyMs }, (_, index) => start + index * everyMs);
  for (const time of missed) it.publish(snapshot(time));
  await until(
    () => (it.state().status === "retrying" ? true : undefined),
    () => "the outage was not noticed",
  );
  await database.start();
  await until(
    () => (proxy.passed.length > 0 ? true : undefined),
    () => "nothing was sent",
  );
  const live: { readonly time: number; readonly at: number }[] = [];
  while (live.length < liveCount) {
    const time = Date.now();
    live.push({ time, at: performance.now() });
    it.publish(snapshot(time));
    await wait(100);
  }
  await it.drained();
  const expected = [...missed, ...live.map(({ time }) => time)];
  return { proxy, it, missed, live, expected };
}

function assertComplete(stored: Stored, expected: readonly number[]): void {
  assert.equal(stored.size, perSnapshot);
  for (const [series, samples] of stored)
    assert.deepEqual(timesOf(new Map([[series, samples]])), expected, series);
}

type Course = Awaited<ReturnType<typeof outage>>;

/** The requests of a batch have its times in common: one of them stands for it. */
function batchesOf(passed: readonly Passed[]): readonly Passed[] {
  return passed.filter(({ times }, at) => passed[at - 1]?.times.join() !== times.join());
}

/** Between a live snapshot's time and its request at most one batch of the backlog passes, besides the one it came behind. */
function assertLiveFirst({ proxy, live, missed }: Course): void {
  const taken = batchesOf(proxy.passed.filter(({ status }) => status < 300));
  for (const { time, at } of live) {
    const own = taken.findIndex(({ times }) => times.includes(time));
    const between = taken.slice(0, own).filter((batch) => batch.at > at + 50 && !batch.times.some(isLive));
    assert.ok(between.length <= 2, `${between.length} batches of the backlog went before a live one`);
  }
  function isLive(time: number): boolean {
    return time > (missed.at(-1) ?? 0);
  }
}

test(
  "after three hours away Prometheus has every sample once, the backlog oldest first and live ones in between",
  { skip: skipWithout("prometheus") },
  async (t) => {
    const database = await prometheus(t);
    const course = await outage(t, database);
    const { proxy, it, missed, expected } = course;
    assertComplete(await samplesOf(database, job, Date.now(), 4), expected);
    assert.equal(proxy.samplesTaken(2), expected.length * perSnapshot, "none was sent twice");
    assert.deepEqual([it.state().sent, it.state().dropped], [expected.length * perSnapshot, {}]);
    assertLiveFirst(course);
    const taken = batchesOf(proxy.passed.filter(({ status }) => status < 300));
    const newest = taken.findIndex(({ times }) => times.includes(missed.at(-1) ?? 0));
    const backlog = taken.filter(
      ({ times }, index) => index !== newest && times.some((time) => missed.includes(time)),
    );
    const times = backlog.flatMap((batch) => batch.times);
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    );
  },
);

test(
  "VictoriaMetrics, which stores nothing of version 2 and keeps what comes twice twice, has every sample once",
  { skip: skipWithout("victoria-metrics") },
  async (t) => {
    const database = await victoria(t);
    const course = await outage(t, database);
    const { proxy, it, expected } = course;
    assert.equal(it.state().protocol, "prometheus.WriteRequest");
    assert.equal(proxy.samplesTaken(1), expected.length * perSnapshot);
    assertComplete(
      await until(
        async () => {
          const stored = await exportOf(database, job);
          return timesOf(stored).length >= expected.length * perSnapshot ? stored : undefined;
        },
        () => "VictoriaMetrics does not show all",
      ),
      expected,
    );
    assertLiveFirst(course);
  },
);

test(
  "a receiver that becomes a VictoriaMetrics while we run gets what was under way at the switch",
  { skip: skipWithout("victoria-metrics") || skipWithout("prometheus") },
  async (t) => {
    const [first, second] = [await prometheus(t), await victoria(t)];
    let target = first;
    const proxy = await proxyTo(t, () => target.url);
    const it = await deliverer(t, proxy.url, queue);
    const start = Date.now() - 60_000;
    const times = Array.from({ length: 20 }, (_, index) => start + index * 1000);
    for (const time of times.slice(0, 10)) it.publish(snapshot(time));
    await it.drained();
    assert.equal(it.state().protocol, "io.prometheus.write.v2.Request");
    target = second;
    for (const time of times.slice(10)) it.publish(snapshot(time));
    await it.drained();
    assertComplete(await samplesOf(first, job, Date.now()), times.slice(0, 10));
    assertComplete(
      await until(
        async () => {
          const stored = await exportOf(second, job);
          return timesOf(stored).length >= 10 * perSnapshot ? stored : undefined;
        },
        () => "VictoriaMetrics does not show all",
      ),
      times.slice(10),
    );
    assert.equal(it.state().sent, 20 * perSnapshot);
  },
);
