/** All deliveries together: none notices another, a reload changes no more than it has to, and all end in time. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { createDeliveries } from "../../src/delivery/deliveries.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import type { Pacing, Receiver } from "../../src/sink/index.ts";
import type { Outcome, Sink } from "../../src/sink/sink.ts";
import { bench, snapshot } from "../journal/fixtures.ts";
import { badRequest, defaultPacing, delivered, minute, perSnapshot, second, unavailable } from "./rig.ts";
import { sinkContext } from "../support/sink-context.ts";
import { recordingLogger, type LogLine } from "../support/log.ts";

interface Endpoint {
  answer: () => Outcome | undefined | Error;
  readonly times: number[];
  opened: number;
  closed: number;
}

const latestPacing: Pacing = { kind: "latest", intervalMs: 10 * second };

function setUp(context: TestContext) {
  const { clock, open } = bench(context);
  const journal = open();
  const lines: LogLine[] = [];
  const sent: Record<string, number> = {};
  const endpoints = new Map<string, Endpoint>();
  const latest: Snapshot[] = [];

  function endpointOf(name: string): Endpoint {
    const known = endpoints.get(name);
    if (known !== undefined) return known;
    const fresh: Endpoint = { answer: () => delivered, times: [], opened: 0, closed: 0 };
    endpoints.set(name, fresh);
    return fresh;
  }

  function sinkOf(name: string, type: Sink["type"], id: string): Sink {
    const endpoint = endpointOf(name);
    async function request(times: readonly number[], signal: AbortSignal) {
      const answer = endpoint.answer();
      if (answer instanceof Error) throw answer;
      if (answer === undefined && !signal.aborted)
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      const outcome = answer ?? { ...unavailable, code: "aborted" };
      if (outcome.status === "delivered") endpoint.times.push(...times);
      return { outcome, durationMs: 1 };
    }
    return {
      id,
      target: name,
      type,
      maxSamples: 2000,
      maxBodies: 1,
      maxBytes: Infinity,
      protocols: ["only"],
      encode: ({ snapshots }) => ({
        bodies: [
          {
            bytes: Buffer.from(JSON.stringify(snapshots.map(({ time }) => time))),
            samples: snapshots.reduce((sum, { values }) => sum + values.length, 0),
          },
        ],
        dropped: {},
      }),
      send: ({ bytes }, _protocol, signal) =>
        request(JSON.parse(Buffer.from(bytes).toString()) as number[], signal),
      probe: (_protocol, signal) => request([], signal),
      renew: () => undefined,
      [Symbol.asyncDispose]() {
        endpoint.closed++;
        return Promise.resolve();
      },
    };
  }

  function receiver(name: string, settings: unknown = name, pacing: Pacing = defaultPacing): Receiver {
    const type = pacing.kind === "history" ? "remote_write" : "pushgateway";
    return {
      path: name,
      type,
      name,
      address: `http://${name}`,
      destination: `http://${name}/`,
      settings,
      pacing,
      open({ id = name }) {
        endpointOf(name).opened++;
        return Promise.resolve(sinkOf(name, type, id));
      },
    };
  }

  const deliveries = createDeliveries({
    journal,
    sinkContext: sinkContext(
      () => {
        throw new Error("no client is needed here");
      },
      { job: "test", instance: "test" },
    ),
    latest: () => latest,
    listenerOf: (sink) => ({
      requested: () => undefined,
      sent: (samples) => void (sent[sink] = (sent[sink] ?? 0) + samples),
      dropped: () => undefined,
    }),
    clock,
    random: () => 0.5,
    log: recordingLogger(lines),
  });

  function append(): number {
    const one = snapshot(clock.now());
    latest.splice(0, 1, one);
    journal.append(one);
    deliveries.notify();
    return one.time;
  }

  async function collect(count: number): Promise<readonly number[]> {
    const times: number[] = [];
    for (let taken = 0; taken < count; taken++) {
      times.push(append());
      await clock.advance(10 * second);
    }
    return times;
  }

  async function close(): Promise<void> {
    const finished = deliveries.finish(0);
    await clock.advance(0);
    await finished;
  }

  return { clock, journal, lines, sent, endpointOf, receiver, deliveries, collect, append, close };
}

test("a receiver that hangs, fails, rejects or makes us stumble is not noticed by the others", async (context) => {
  const { endpointOf, receiver, deliveries, collect, sent, clock, close } = setUp(context);
  endpointOf("hangs").answer = () => undefined;
  endpointOf("fails").answer = () => unavailable;
  const judged = endpointOf("rejects");
  judged.answer = () => (judged.times.length === 0 ? delivered : badRequest);
  endpointOf("stumbles").answer = () => new Error("a bug");
  await deliveries.apply([
    ...["hangs", "fails", "rejects", "stumbles", "works"].map((name) => receiver(name)),
    receiver("latest", "latest", latestPacing),
  ]);
  await clock.advance(0);
  const times = await collect(30);
  assert.deepEqual(endpointOf("works").times, times);
  assert.equal(sent["remote_write/works"], 30 * perSnapshot);
  assert.ok(endpointOf("latest").times.length >= 29);
  assert.deepEqual(
    deliveries.reports().map(({ sink, state: { status } }) => [sink, status]),
    [
      ["remote_write/hangs", "starting"],
      ["remote_write/fails", "retrying"],
      ["remote_write/rejects", "ok"],
      ["remote_write/stumbles", "starting"],
      ["remote_write/works", "ok"],
      ["pushgateway/latest", "ok"],
    ],
  );
  await close();
});

test("a delivery that a bug stopped is logged, starts again after a minute, and has lost nothing", async (context) => {
  const { endpointOf, receiver, deliveries, collect, lines, clock, close } = setUp(context);
  await deliveries.apply([receiver("a")]);
  await clock.advance(0);
  const before = await collect(2);
  endpointOf("a").answer = () => new Error("a bug");
  const during = await collect(2);
  assert.ok(lines.some(({ level, message }) => level === "error" && message.includes("bug")));
  endpointOf("a").answer = () => delivered;
  await clock.advance(minute);
  assert.deepEqual(endpointOf("a").times, [...before, ...during]);
  await close();
});

test("a reload leaves alone what is unchanged, and a changed sink goes on where it was", async (context) => {
  const { endpointOf, receiver, deliveries, collect, journal, clock, close } = setUp(context);
  const known = (): readonly string[] =>
    journal
      .sinks()
      .map(({ sink }) => sink)
      .toSorted();
  await deliveries.apply([receiver("same"), receiver("changed", 1), receiver("gone")]);
  await clock.advance(0);
  endpointOf("changed").answer = () => unavailable;
  const missed = await collect(3);
  assert.deepEqual(known(), ["remote_write/changed", "remote_write/gone", "remote_write/same"]);
  endpointOf("changed").answer = () => delivered;
  await deliveries.apply([receiver("new"), receiver("changed", 2), receiver("same")]);
  const times = await collect(3);
  assert.deepEqual(endpointOf("changed").times, [...missed, ...times]);
  assert.deepEqual(endpointOf("same").times, [...missed, ...times]);
  assert.deepEqual(endpointOf("new").times, times);
  assert.deepEqual(
    ["same", "changed", "gone"].map((name) => [endpointOf(name).opened, endpointOf(name).closed]),
    [
      [1, 0],
      [2, 1],
      [1, 1],
    ],
  );
  assert.deepEqual(known(), ["remote_write/changed", "remote_write/new", "remote_write/same"]);
  await close();
  assert.equal(endpointOf("same").closed, 1);
});

test("a reload waits for a hanging sink no longer than two seconds, while the others go on", async (context) => {
  const { endpointOf, receiver, deliveries, append, clock, close } = setUp(context);
  await deliveries.apply([receiver("hangs", 1), receiver("works")]);
  await clock.advance(0);
  endpointOf("hangs").answer = () => undefined;
  const time = append();
  await clock.advance(4 * second);
  const applied = deliveries.apply([receiver("hangs", 2), receiver("works")]);
  await clock.advance(second);
  assert.deepEqual(endpointOf("works").times, [time]);
  assert.equal(endpointOf("hangs").closed, 0);
  endpointOf("hangs").answer = () => delivered;
  await clock.advance(second);
  await applied;
  await clock.advance(0);
  assert.deepEqual(endpointOf("hangs").times, [time]);
  await close();
});

test("the end takes the time it is given where a receiver hangs", async (context) => {
  const { endpointOf, receiver, deliveries, append, clock } = setUp(context);
  await deliveries.apply([receiver("hangs"), receiver("works"), receiver("latest", 1, latestPacing)]);
  await clock.advance(0);
  endpointOf("hangs").answer = () => undefined;
  const time = append();
  let ended = false;
  const finished = deliveries.finish(1500).then(() => (ended = true));
  await clock.advance(1499);
  assert.deepEqual([ended, endpointOf("works").times], [false, [time]]);
  await clock.advance(1);
  await finished;
  assert.deepEqual(deliveries.reports(), []);
  assert.equal(endpointOf("hangs").closed, 1);
});

test("the end in the middle of a change takes no more than its own time, and nothing starts or sends after it", async (context) => {
  const { endpointOf, receiver, deliveries, append, clock } = setUp(context);
  await deliveries.apply([receiver("hangs", 1), receiver("kept")]);
  await clock.advance(0);
  endpointOf("hangs").answer = () => undefined;
  append();
  await clock.advance(5 * second);
  const changed = deliveries.apply([receiver("hangs", 2), receiver("kept"), receiver("new")]);
  await clock.advance(100);
  let ended = false;
  const finished = deliveries.finish(1500).then(() => (ended = true));
  const late = deliveries.apply([receiver("late")]);
  await clock.advance(1499);
  assert.equal(ended, false);
  await clock.advance(1);
  await Promise.all([finished, changed, late]);
  assert.deepEqual(deliveries.reports(), []);
  await deliveries.apply([receiver("later")]);
  let requests = 0;
  const names = ["hangs", "kept", "new", "late", "later"];
  for (const name of names) endpointOf(name).answer = () => (requests++, unavailable);
  append();
  await clock.advance(10 * minute);
  assert.equal(requests, 0);
  for (const { opened, closed } of names.map(endpointOf)) assert.equal(opened, closed);
  assert.deepEqual([endpointOf("late").opened, endpointOf("later").opened], [0, 0]);
});

test("two changes at once come one after the other: what the first one starts, the second one ends", async (context) => {
  const { endpointOf, receiver, deliveries } = setUp(context);
  const first = deliveries.apply([receiver("a"), receiver("b")]);
  const second_ = deliveries.apply([receiver("b"), receiver("c")]);
  await Promise.all([first, second_]);
  assert.deepEqual(
    deliveries.reports().map(({ sink }) => sink),
    ["remote_write/b", "remote_write/c"],
  );
  const uses = ["a", "b", "c"].map(endpointOf).map(({ opened, closed }) => `${opened} - ${closed}`);
  assert.deepEqual(uses, ["1 - 1", "1 - 0", "1 - 0"]);
  // No time passes, since nothing waits.
  await deliveries.finish(1500);
});

test("a change of which a sink can't be opened changes nothing: the loops go on, and no sink is left open", async (context) => {
  const { endpointOf, receiver, deliveries, collect, close, clock } = setUp(context);
  await deliveries.apply([receiver("same"), receiver("changed", 1)]);
  await clock.advance(0);
  const broken: Receiver = { ...receiver("broken"), open: () => Promise.reject(new Error("no such rules")) };
  await assert.rejects(
    deliveries.apply([receiver("new"), receiver("changed", 2), broken, receiver("same")]),
    /no such rules/,
  );
  const times = await collect(2);
  for (const name of ["same", "changed"]) assert.deepEqual(endpointOf(name).times, times, name);
  const uses = ["same", "changed", "new"].map(endpointOf);
  assert.deepEqual(
    uses.map(({ opened, closed }) => opened - closed),
    [1, 1, 0],
  );
  await close();
});
