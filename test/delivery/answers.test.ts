/** Every answer of a receiver in turn, over real HTTP: each means what src/sink/README.md says, and the other sinks never notice. */
import assert from "node:assert/strict";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createDeliveries } from "../../src/delivery/deliveries.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { receiversOf } from "../../src/sink/index.ts";
import { otlpSchema } from "../../src/sink/otlp/schema.ts";
import { pushgatewaySchema } from "../../src/sink/pushgateway/schema.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import {
  half,
  hang,
  million,
  page,
  reset,
  startReceiver,
  status,
  type Answer,
} from "../conformance/receiver.ts";
import { otlpProtobuf, pushgateway, remoteWrite2 } from "../conformance/subjects.ts";
import { basicOptions } from "../journal/fixtures.ts";
import { written } from "../sink/remote-write/clients.ts";
import { power, series, snapshot } from "../sink/remote-write/batches.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { minute, second } from "./rig.ts";
import { sinkContext } from "../support/sink-context.ts";
import { disposableFolder, fastParent } from "../support/folder.ts";

/** Finer than the shortest backoff. */
const stepMs = 50;
const backoffMs = 100;
const timeoutMs = 30 * second;

async function setUp(context: TestContext) {
  const clock = fakeClock();
  const now = (): number => clock.monotonic();
  const remote = await startReceiver(remoteWrite2, now);
  const collector = await startReceiver(otlpProtobuf, now);
  const gateway = await startReceiver(pushgateway, now);
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder({ parent: fastParent });
  const path = join(folder, "journal.db");
  const journal = openJournal({ ...basicOptions(path, clock), metricOf: () => power });
  const dropped: Record<string, number> = {};
  let latest: readonly Snapshot[] = [];
  let underWay = 0;
  const world = { hanging: 0 };
  const deliveries = createDeliveries({
    journal,
    sinkContext: sinkContext((settings) => {
      const client = createHttpClient(settings, { clock, env: {} });
      return {
        ...client,
        async send(request) {
          underWay++;
          try {
            return await client.send(request);
          } finally {
            underWay--;
          }
        },
      };
    }),
    latest: () => latest,
    listenerOf: () => ({
      requested: () => undefined,
      sent: () => undefined,
      dropped(samples, reason) {
        dropped[reason] = (dropped[reason] ?? 0) + samples;
      },
    }),
    clock,
    random: () => 0.5,
    log: silentLogger,
  });
  await deliveries.apply(
    receiversOf({
      remote_write: [
        remoteWriteSchema.parse({
          url: `${remote.origin}/api/v1/write`,
          protobuf_message: "io.prometheus.write.v2.Request",
        }),
      ],
      otlp: [otlpSchema.parse({ endpoint: collector.origin })],
      pushgateway: [pushgatewaySchema.parse({ url: gateway.origin, interval: "1s" })],
    }),
  );
  context.after(async () => {
    await deliveries.finish(0);
    journal[Symbol.dispose]();
    removeFolder();
    for (const receiver of [remote, collector, gateway]) await receiver[Symbol.asyncDispose]();
  });

  async function advance(ms: number): Promise<void> {
    for (let rest = ms; rest > 0; rest -= stepMs) {
      await clock.advance(Math.min(rest, stepMs));
      while (underWay > world.hanging) await nextTurn();
    }
  }

  return {
    remote,
    collector,
    gateway,
    dropped,
    world,
    advance,
    state: () => deliveries.reports()[0]?.state,
    now,
    append(value: number) {
      latest = [snapshot(0, [[series(power), value]], { time: clock.now() })];
      for (const one of latest) journal.append(one);
      deliveries.notify();
    },
  };
}

type Rig = Awaited<ReturnType<typeof setUp>>;

interface Turn {
  readonly what: string;
  readonly answer: (it: Rig) => Answer;
  /** The client itself tries once more where a connection that it kept was reset. */
  readonly twice?: true;
  /** Until the same samples come again; absent where they do not. */
  readonly againMs?: number;
  readonly dropped?: string;
  readonly status?: string;
}

const hanging =
  ({ world }: Rig): Answer =>
  (answer) => {
    world.hanging++;
    answer.on("close", () => world.hanging--);
    hang(answer, answer.req);
  };

const turns: readonly Turn[] = [
  { what: "200", answer: () => status(200, written(1)) },
  { what: "204", answer: () => status(204, written(1)) },
  { what: "400", answer: () => status(400, {}, "bad"), dropped: "rejected" },
  { what: "401", answer: () => status(401), againMs: minute, status: "refused" },
  { what: "413", answer: () => status(413), dropped: "too_large" },
  { what: "415", answer: () => status(415), againMs: minute, status: "refused" },
  { what: "429", answer: () => status(429, { "retry-after": "7" }), againMs: 7 * second },
  { what: "500", answer: () => status(500), againMs: backoffMs },
  { what: "503", answer: () => status(503), againMs: backoffMs },
  { what: "999", answer: () => status(999), againMs: backoffMs },
  { what: "timeout", answer: hanging, againMs: timeoutMs + backoffMs },
  { what: "reset", answer: () => reset, twice: true, againMs: backoffMs },
  { what: "protocol", answer: () => half, againMs: backoffMs },
  { what: "500", answer: () => status(500, {}, million), againMs: backoffMs },
  { what: "200", answer: () => page, againMs: backoffMs },
];

test("each answer in turn does what it has to, to the batch that got it and to no other", async (context) => {
  const it = await setUp(context);
  await it.advance(second);
  for (const [index, turn] of turns.entries()) {
    const { what, answer, againMs, dropped, status: expected } = turn;
    const before = it.remote.seen.length;
    it.remote.script.push(...Array.from({ length: turn.twice ? 2 : 1 }, () => answer(it)));
    it.append(index);
    await it.advance(5 * second + stepMs);
    const said = `${what} (turn ${index})`;
    const failed = dropped !== undefined || againMs !== undefined;
    if (failed && what !== "timeout") assert.equal(it.state()?.lastFailure?.code, what, said);
    if ((againMs ?? 0) > second && what !== "timeout")
      assert.equal(it.state()?.status, expected ?? "retrying", said);
    await it.advance(againMs ?? 0);
    const seen = it.remote.seen.slice(before + (turn.twice ? 1 : 0));
    assert.deepEqual(
      seen.map(({ values }) => values),
      againMs === undefined ? [[index]] : [[index], [index]],
      said,
    );
    const [first, second_] = seen;
    if (againMs !== undefined) {
      const gap = (second_?.at ?? NaN) - (first?.at ?? NaN);
      assert.ok(Math.abs(gap - againMs) <= stepMs, `${said}: again after ${gap} ms`);
      assert.deepEqual(second_?.body, first?.body, said);
    }
    if (what === "timeout") assert.equal(it.state()?.lastFailure?.code, what, said);
    assert.ok(it.remote.stored.includes(index) || dropped !== undefined || againMs === undefined, said);
  }
  assert.deepEqual(it.dropped, { rejected: 1, too_large: 1 });
  const all = turns.map((_, index) => index);
  assert.deepEqual(it.collector.stored, all, "the other sink with a history");
  assert.deepEqual([...new Set(it.gateway.stored)], all, "and the one without");
});

test("of a poisoned batch among others nothing but that batch is lost", async (context) => {
  const it = await setUp(context);
  await it.advance(second);
  it.remote.script.push(status(200, written(1)), status(400, {}, "poison"), status(200, written(1)));
  for (const value of [1, 2, 3, 4]) {
    it.append(value);
    await it.advance(10 * second);
  }
  assert.deepEqual(
    it.remote.seen.map(({ values }) => values),
    [[1], [2], [3], [4]],
  );
  assert.deepEqual(it.dropped, { rejected: 1 });
  assert.deepEqual(it.collector.stored, [1, 2, 3, 4]);
});
