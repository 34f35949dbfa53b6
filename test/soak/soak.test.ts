/**
 * A day of an agent in minutes: the simulator's documents through pipeline, journal and real sinks, to receivers that come
 * and go. Nothing may grow, and no sample may be missing. `npm test` runs a short day; all of it: SOAK_DOCUMENTS=27500.
 */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Metric } from "../../src/metric/metric.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import { createOwnMeter, type OwnMeter } from "../../src/meter/own-meter.ts";
import { ownMetrics } from "../../src/meter/own-metrics.ts";
import { seededRandom } from "../../src/runtime/random.ts";
import { sinkListener } from "../../src/telemetry.ts";
import { hang, page, reset, status, type Answer } from "../conformance/receiver.ts";
import { total } from "../fault/account.ts";
import { hour, pusher, type Pusher } from "../fault/pusher.ts";
import { startReceiver, type Receiver } from "../fault/receiver.ts";
import { createMachine } from "./machine.ts";
import { growth, takeReading, type Reading } from "./measure.ts";

const documents = Number(process.env["SOAK_DOCUMENTS"] ?? 1500);
const checks = 20;
const maxBytes = Math.max(2 ** 18, documents * 80);
/** Of JavaScript's memory; what the allocator keeps beside it is told, not judged (PERFORMANCE.md: 5 MB of RSS). */
const mostGrowth = 5 * 2 ** 20;
/** The receivers' sockets at both ends are all that may come and go. */
const mostDescriptors = 24;

type Mood = Answer | "away" | undefined;

const moods: readonly Mood[] = [
  undefined,
  undefined,
  undefined,
  "away",
  status(503),
  hang,
  reset,
  page,
  status(429, { "retry-after": "20" }),
];

interface Day {
  readonly it: Pusher;
  readonly own: OwnMeter;
  readonly steady: Receiver;
  readonly troubled: Receiver;
  readonly receivers: readonly Receiver[];
}

test(`${documents} documents in a day of receivers that come and go: nothing grows and nothing is missing`, async (context) => {
  const day = await begin(context);
  const { it, own, steady, troubled, receivers } = day;
  const machine = createMachine({
    clock: it.clock,
    own,
    publish: (snapshot) => assert.ok(it.take(snapshot)),
  });
  const stop = new AbortController();
  const running = machine.run(stop.signal);
  const readings: Reading[] = [];
  for (let check = 0; check < checks; check++) {
    await live(day, check, () => machine.documents >= ((check + 1) * documents) / checks);
    it.assertAccounted();
    assert.ok(it.journal().state().bytes <= maxBytes, `the journal has ${it.journal().state().bytes} bytes`);
    readings.push(takeReading());
  }
  stop.abort();
  await it.advance(1000);
  await running;
  for (const receiver of receivers) await change(receiver, undefined);
  await it.drained();
  it.assertAccounted();
  const { collected, sent } = it.accountOf(steady);
  assert.equal(sent, collected.samples);
  const { lost, dropped } = it.accountOf(troubled);
  assert.ok((lost["max_size"] ?? 0) > 0 && (dropped["rejected"] ?? 0) > 0, JSON.stringify({ lost, dropped }));
  await assertTold(day);
  assertSteady(context, readings, collected.samples);
});

async function begin(context: TestContext): Promise<Day> {
  const steady = await startReceiver("remote_write");
  const troubled = await startReceiver("otlp");
  const receivers = [steady, troubled, await startReceiver("pushgateway")];
  const own = createOwnMeter(0);
  const it = await pusher(context, {
    receivers,
    journal: { maxBytes, metricOf: (name) => catalogue.get(name) },
    listen: (sink) => sinkListener(own, sink),
  });
  return { it, own, steady, troubled, receivers };
}

const random = seededRandom(7);

/** A part of the day: moods change by and by, one receiver is away for half of it, and at times the machine sleeps. */
async function live({ it, troubled, receivers }: Day, check: number, over: () => boolean): Promise<void> {
  for (const receiver of receivers) await change(receiver, moodOf(check, receiver === troubled));
  if (check === 1) await change(troubled, status(400, {}, "bad"));
  if (check % 5 === 4) {
    it.clock.step(4 * hour);
    it.deliveries().woke();
  }
  await it.until(over);
}

/** Well at least every other time, but for the troubled one, which is away long enough to lose what the journal can't hold. */
function moodOf(check: number, isTroubled: boolean): Mood {
  if (isTroubled && check >= checks / 4 && check < (checks * 3) / 4) return "away";
  return check % 2 === 1 ? undefined : moods[Math.floor(random() * moods.length)];
}

async function change(receiver: Receiver, mood: Mood): Promise<void> {
  await receiver.stop();
  receiver.mood = mood === "away" ? undefined : mood;
  if (mood !== "away") await receiver.start();
}

/** What the agent says of itself is what became of its samples. */
async function assertTold({ it, own, receivers }: Day): Promise<void> {
  const { set, values } = await own.snapshot(it.clock.now());
  const sum = ({ name: wanted }: Metric, sink: string): number =>
    set.series
      .map(({ name, labels }, at) => {
        const fits = name === wanted && labels.some(([label, text]) => label === "sink" && text === sink);
        return fits ? (values[at] ?? NaN) : 0;
      })
      .reduce((all, one) => all + one, 0);
  for (const receiver of receivers) {
    const { sent, dropped } = it.accountOf(receiver);
    const sink = it.sinkOf(receiver);
    assert.equal(sum(ownMetrics.sinkSent, sink), sent);
    assert.equal(sum(ownMetrics.sinkDropped, sink), total(dropped));
  }
}

/** The first quarter warms up. */
function assertSteady(context: TestContext, all: readonly Reading[], samples: number): void {
  const readings = all.slice(checks / 4);
  const heap = growth(readings.map((one) => one.heap));
  const rss = growth(readings.map((one) => one.rss));
  const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  context.diagnostic(
    `${samples} samples; growth of the heap ${megabytes(heap)} MB, of RSS ${megabytes(rss)} MB to ${megabytes(all.at(-1)?.rss ?? 0)} MB`,
  );
  assert.ok(
    heap < mostGrowth,
    `the heap grew by ${megabytes(heap)} MB: ${all.map((one) => megabytes(one.heap)).join(" ")}`,
  );
  const open = readings.flatMap(({ descriptors }) => descriptors ?? []);
  const least = Math.min(...open);
  assert.ok(
    open.every((count) => count - least <= mostDescriptors),
    `descriptors: ${open.join(" ")}`,
  );
}
