/** All sinks at once on one journal: a dead one costs the others nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import test from "node:test";
import { createDeliveries } from "../../src/delivery/deliveries.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { receiversOf } from "../../src/sink/index.ts";
import { otlpSchema } from "../../src/sink/otlp/schema.ts";
import { pushgatewaySchema } from "../../src/sink/pushgateway/schema.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { basicOptions } from "../journal/fixtures.ts";
import { power, series, snapshot } from "../sink/remote-write/batches.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { startReceiver } from "./receiver.ts";
import { otlpProtobuf, pushgateway, remoteWrite2 } from "./subjects.ts";
import { sinkContext } from "../support/sink-context.ts";
import { disposableFolder, fastParent } from "../support/folder.ts";

const intervalMs = 10_000;
const hourMs = 3_600_000;

test("with one receiver dead for an hour the others are neither late nor short, and it gets all afterwards", async () => {
  using folder = disposableFolder({ parent: fastParent });
  const clock = fakeClock();
  const now = (): number => clock.monotonic();
  await using remote = await startReceiver(remoteWrite2, now);
  await using collector = await startReceiver(otlpProtobuf, now);
  await using gateway = await startReceiver(pushgateway, now);
  const journal = openJournal({
    ...basicOptions(join(folder.path, "journal.db"), clock),
    metricOf: () => power,
  });
  let latest: readonly Snapshot[] = [];
  const deliveries = createDeliveries({
    journal,
    sinkContext: sinkContext((settings) => createHttpClient(settings, { clock, env: {} })),
    latest: () => latest,
    listenerOf: () => ({ requested: () => undefined, sent: () => undefined, dropped: () => undefined }),
    clock,
    random: seededRandom(1),
    log: silentLogger,
  });
  await deliveries.apply(
    receiversOf({
      remote_write: [remoteWriteSchema.parse({ url: `${remote.origin}/write` })],
      otlp: [otlpSchema.parse({ endpoint: collector.origin })],
      pushgateway: [pushgatewaySchema.parse({ url: gateway.origin })],
    }),
  );

  await collector.stop();
  const appendedAt: number[] = [];
  for (let value = 0; value < hourMs / intervalMs; value++) {
    latest = [snapshot(0, [[series(power), value]], { time: clock.now() })];
    appendedAt.push(now());
    for (const one of latest) journal.append(one);
    deliveries.notify();
    await clock.advance(intervalMs);
  }
  const all = appendedAt.map((_, value) => value);
  assert.deepEqual(remote.stored, all);
  for (const { values, at } of remote.seen)
    for (const value of values) assert.ok(at - (appendedAt[value] ?? 0) <= 6000, `${value} was late`);
  const pushes = gateway.seen.map(({ at }) => at);
  assert.ok(pushes.slice(1).every((at, index) => at - (pushes[index] ?? 0) <= 16_000));
  assert.deepEqual(collector.stored, []);

  await collector.start();
  for (let step = 0; collector.stored.length < all.length && step < 5000; step++) await clock.advance(100);
  assert.deepEqual(collector.stored, all);
  const finished = deliveries.finish(2000);
  await clock.advance(2000);
  await finished;
  assert.deepEqual(collector.stored, all);
  journal[Symbol.dispose]();
});
