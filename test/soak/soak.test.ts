/**
 * A day of an agent in minutes: the simulator's documents through pipeline, journal and real sinks, to receivers that come
 * and go. Nothing may grow, and no sample may be missing. `npm test` runs a short day; all of it: SOAK_DOCUMENTS=27500.
 */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import type { Metric } from "../../src/metric/metric.ts";
import { seriesSet } from "../../src/metric/series.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import { createOwnMeter, type OwnMeter } from "../../src/meter/own-meter.ts";
import { ownMetrics } from "../../src/meter/catalogue.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { sinkListener } from "../../src/telemetry.ts";
import { hang, page, reset, status, type Answer } from "../conformance/receiver.ts";
import { total } from "../fault/account.ts";
import { hour, pusher, type Pusher } from "../fault/pusher.ts";
import { startReceiver, type Receiver } from "../fault/receiver.ts";
import { statsOf } from "../journal/fixtures.ts";
import { createMachine } from "./machine.ts";
import {
  documentsWanted,
  figures,
  heldHere,
  megabytes,
  shift,
  slope,
  wholeDay,
  type Reading,
} from "./measure.ts";

const documents = documentsWanted(1500);
/** Of the day, each with moods of its own and every fourth after a sleep. */
const parts = Math.min(200, Math.max(20, Math.floor(documents / 30)));
const partsPerSleep = 4;
const sleepMs = Math.round((16 * hour) / Math.floor(parts / partsPerSleep));
const maxBytes = Math.max(2 ** 18, documents * 80);
/** Less than 1 MB may not be configured: a transaction weighs more then than what the journal keeps free for it. */
const mostBytes = maxBytes + (maxBytes < 2 ** 20 ? 2 ** 16 : 0);
/** What JavaScript's memory may grow in a day; what the allocator keeps beside it is reported, not judged. */
const mostGrowth = 5 * 2 ** 20;
/** What goes on warming up after the first third, however long that was. */
const warmth = 1.5 * 2 ** 20;
/** Nobody is connected when they are counted. */
const mostDescriptors = 3;
/** Fewer do not fill the journal, and all of them are warming up. */
const isDay = documents >= 1000;

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
  /** Well now and then, so that they get everything. */
  readonly steady: readonly Receiver[];
  /** Away for hours, and refuses at times. */
  readonly troubled: Receiver;
  /** Is owed only what is current, and refuses at times. */
  readonly gateway: Receiver;
  readonly receivers: readonly Receiver[];
}

test(`${documents} documents in a day of receivers that come and go: nothing grows and nothing is missing`, async (context) => {
  const day = await begin(context);
  const { it, own, steady, receivers } = day;
  const machine = createMachine({
    clock: it.clock,
    own,
    publish: (snapshot) => assert.ok(it.take(snapshot)),
  });
  const stop = new AbortController();
  const running = machine.run(stop.signal);
  const readings: Reading[] = [];
  for (let part = 1; part <= parts; part++) {
    await live(day, part, () => machine.documents >= (part * documents) / parts);
    it.assertAccounted();
    const journal = it.journal().state().bytes;
    assert.ok(journal <= mostBytes, `the journal has ${journal} bytes`);
    await rest(day);
    // The first third warms up.
    if (part > parts / 3 && part % 2 === 0)
      readings.push({ documents: machine.documents, journal, ...heldHere() });
  }
  stop.abort();
  await it.advance(1000);
  await running;
  for (const receiver of receivers) await change(receiver, undefined);
  await it.drained();
  it.assertAccounted();
  for (const receiver of steady) {
    const { collected, sent } = it.accountOf(receiver);
    assert.equal(sent, collected.samples);
  }
  if (isDay) assertTroubled(day);
  await assertTold(day);
  assertSets(it);
  const { samples } = it.accountOf(receivers[0] ?? assert.fail()).collected;
  context.diagnostic(figures({ documents: machine.documents, samples }, readings));
  assertSteady(readings);
});

async function begin(context: TestContext): Promise<Day> {
  const steady = [await startReceiver("remote_write"), await startReceiver("otlp")];
  const troubled = await startReceiver("otlp");
  const gateway = await startReceiver("pushgateway");
  const receivers = [...steady, troubled, gateway];
  const own = createOwnMeter(0);
  const it = await pusher(context, {
    receivers,
    journal: { maxBytes, metricOf: (name) => catalogue.get(name) },
    listen: (sink) => sinkListener(own, sink),
  });
  return { it, own, steady, troubled, gateway, receivers };
}

const random = seededRandom(7);

/** A part of the day: moods change by and by, one receiver is away for hours, and at times the machine sleeps. */
async function live(day: Day, part: number, over: () => boolean): Promise<void> {
  const { it, receivers } = day;
  for (const receiver of receivers) await change(receiver, moodOf(part, receiver, day));
  if (part % partsPerSleep === 0) {
    it.clock.step(sleepMs);
    it.deliveries().woke();
  }
  await it.until(over);
}

/** Well at least every other time, but for the troubled one; all are away at first, so that batches are never larger later. */
function moodOf(part: number, receiver: Receiver, { troubled, gateway }: Day): Mood {
  if (part <= 3) return "away";
  if (receiver === troubled && isAway(part / parts)) return "away";
  if ((receiver === troubled || receiver === gateway) && part % 10 === 4) return status(400, {}, "bad");
  return part % 2 === 0 ? undefined : moods[Math.floor(random() * moods.length)];
}

/** Twice, so long that the journal can't hold it all: while all warms up, and later when what that took must be enough. */
function isAway(share: number): boolean {
  return (share > 1 / 12 && share <= 1 / 4) || (share > 1 / 2 && share <= 3 / 4);
}

async function change(receiver: Receiver, mood: Mood): Promise<void> {
  await receiver.stop();
  receiver.mood = mood === "away" ? undefined : mood;
  if (mood !== "away") await receiver.start();
}

/** Until no connection is left: what is held then is held for good. */
async function rest({ it, receivers }: Day): Promise<void> {
  for (const receiver of receivers) await receiver.stop();
  await it.advance(1);
}

/** It was a day on which things go wrong. */
function assertTroubled({ it, troubled, gateway }: Day): void {
  const { lost, dropped } = it.accountOf(troubled);
  assert.ok((lost["max_size"] ?? 0) > 0 && (dropped["rejected"] ?? 0) > 0, JSON.stringify({ lost, dropped }));
  assert.ok((it.accountOf(gateway).dropped["rejected"] ?? 0) > 0, "the Pushgateway never refused");
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

/** Series that no stored snapshot has are not stored either. */
function assertSets(it: Pusher): void {
  const keys = new Set<string>();
  for (const { set, ended } of it.journal().history({ fromMs: 0, toMs: Infinity })) {
    keys.add(set.key);
    if (ended.length > 0) keys.add(`ended ${seriesSet(ended).key}`);
  }
  it.journal().commit();
  const { seriesSets, sources } = statsOf(it.path);
  assert.ok(seriesSets <= keys.size + sources.length, `${seriesSets} sets of series, ${keys.size} in use`);
}

function assertSteady(readings: readonly Reading[]): void {
  const heap = slope(readings, (one) => one.heap) * documents;
  const most = Math.min(mostGrowth, warmth + (mostGrowth * documents) / wholeDay);
  assert.ok(
    !isDay || heap < most,
    `the heap grew by ${megabytes(heap)} MB, at most ${megabytes(most)} MB: ${readings.map((one) => megabytes(one.heap)).join(" ")}`,
  );
  const descriptors = readings.map((one) => one.descriptors);
  assert.ok(shift(descriptors) <= mostDescriptors, `descriptors: ${descriptors.join(" ")}`);
}
