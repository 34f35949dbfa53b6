/** A clock that is an hour ahead for a moment, and an outage after it, at a Prometheus that takes samples in order only. */
import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { until } from "../../cli/agent.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { snapshot } from "../../journal/fixtures.ts";
import { skipWithout } from "../../support/receivers.ts";
import { deliverer } from "./deliverer.ts";
import { prometheus } from "./prometheus.ts";
import { samplesOf, timesOf } from "./stored.ts";

test(
  "a Prometheus without a window refuses nothing after a glitch of the clock and an outage",
  { skip: skipWithout("prometheus") },
  async (t) => {
    const database = await prometheus(t, "0s");
    let shiftMs = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + shiftMs };
    const queue = {
      max_samples_per_send: 20,
      batch_send_deadline: "50ms",
      min_backoff: "20ms",
      max_backoff: "200ms",
      drain_rate: 40,
    };
    const it = await deliverer(t, database.url, queue, clock);
    const right: number[] = [];
    async function take(count: number): Promise<void> {
      for (let taken = 0; taken < count; taken++) {
        const time = clock.now();
        if (shiftMs === 0) right.push(time);
        it.publish(snapshot(time));
        await wait(50);
      }
    }
    await take(10);
    await until(
      () => (it.state().sent >= 40 ? true : undefined),
      () => JSON.stringify(it.state()),
    );
    shiftMs = 3_600_000;
    await take(9);
    shiftMs = 0;
    await database.stop();
    await take(40);
    await database.start();
    await take(60);
    await until(
      () => (it.state().backlog.snapshots === 9 ? true : undefined),
      () => `still waiting: ${JSON.stringify(it.state())}`,
    );
    assert.deepEqual(it.state().dropped, {});
    const stored = await samplesOf(database, '{job="mac-powermetrics"}', Date.now());
    assert.equal(stored.size, 4);
    for (const [series, samples] of stored)
      assert.deepEqual(timesOf(new Map([[series, samples]])), right, series);
  },
);
