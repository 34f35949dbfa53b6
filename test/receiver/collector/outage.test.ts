/** A Collector that is away: everything reaches it once and in order, whatever the agent does meanwhile. */
import assert from "node:assert/strict";
import test from "node:test";
import { assertSamePoints, startCapture } from "./captured.ts";
import { skip, startCollector } from "./collector.ts";
import { startPushing } from "./pushing.ts";
import { createStory } from "./story.ts";

test(
  "a Collector that is away for twenty snapshots while the agent restarts gets all of them, once and in order",
  { skip },
  async (t) => {
    const [direct, through] = [await startCapture(t), await startCapture(t)];
    const collector = await startCollector(t, through.url);
    const witness = await startPushing(t, { metrics_endpoint: direct.url });
    const it = await startPushing(t, { endpoint: `http://${collector.address}` });
    const story = createStory();
    const publish = (count: number): void => {
      const snapshots = story.next(count);
      for (const one of [witness, it]) one.publish(...snapshots);
    };

    publish(10);
    await it.drained();
    await collector.stop();
    publish(10);
    await it.until(({ failedRequests }) => failedRequests > 2);
    await it.restart(0);
    publish(10);
    await it.until(({ failedRequests }) => failedRequests > 0);
    await collector.start();
    publish(10);
    const end = story.end();
    for (const one of [witness, it]) one.publish(end);
    await Promise.all([it.drained(), witness.drained()]);
    assert.deepEqual(it.state().dropped, {});
    assertSamePoints(through.points, direct.points);
  },
);

test(
  "a Collector that came back unnoticed gets everything at SIGTERM, end marks included",
  { skip },
  async (t) => {
    const [direct, through] = [await startCapture(t), await startCapture(t)];
    const collector = await startCollector(t, through.url);
    await collector.stop();
    const witness = await startPushing(t, { metrics_endpoint: direct.url });
    const hours = { min_backoff: "1h", max_backoff: "1h", batch_send_deadline: "20ms" };
    const it = await startPushing(t, { endpoint: `http://${collector.address}`, queue_config: hours });
    const story = createStory();
    for (const snapshots of [story.next(5), [...story.next(5), story.end()]]) {
      for (const one of [witness, it]) one.publish(...snapshots);
      await it.until(({ failedRequests }) => failedRequests > 0);
    }
    await collector.start();
    assert.equal(through.points.length, 0);
    await Promise.all([it.restart(60_000), witness.drained()]);
    assertSamePoints(through.points, direct.points);
  },
);
