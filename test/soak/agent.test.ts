/**
 * The installed agent itself, a day of documents in ten minutes, pushing to a receiver that is always there and to one that comes
 * and goes: nothing that the process holds may grow, and no sample may be missing. `npm test` runs seconds of it; all of it:
 * SOAK_DOCUMENTS=27500.
 */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { noProc } from "../bench/process.ts";
import { hang, page, reset, status, type Answer } from "../conformance/receiver.ts";
import { valueOf } from "../cli/agent.ts";
import { startReceiver, type Kind, type Receiver } from "../fault/receiver.ts";
import { startSoaked, type AgentReading, type AgentStatus, type SoakedAgent } from "./agent.ts";
import { watchArrivals } from "./arrivals.ts";
import { documentsWanted, figures, megabytes, shift, slope, wholeDay } from "./measure.ts";
import { mostCut, reckon, sinkOf, type End, type Ends } from "./reckoning.ts";

const documents = documentsWanted(200);
/** A quarter of a minute and more each in a whole day, some documents in seconds of it. */
const parts = documents >= 10_000 ? 60 : 15;
/**
 * V8 collects by itself in idle moments, which documents each 20 ms don't leave: growth is that of what is left after collections,
 * which are few, so that in between the process is left to itself.
 */
const partsPerCollection = documents >= 10_000 ? 2 : 1;
const windowMs = 20;
/** The least that may be configured: a day's documents fill it several times. */
const maxBytes = 2 ** 20;
/** Less than that is all warming up. */
const isLong = documents >= 10_000;
/** What may grow in a day, or in all of a shorter soak: of what is left after a collection. */
const bounds: readonly (readonly ["heap" | "rss" | "private", number])[] = isLong
  ? [
      ["heap", 5 * 2 ** 20],
      ["rss", 5 * 2 ** 20],
      ["private", 5 * 2 ** 20],
    ]
  : [
      ["heap", 3 * 2 ** 20],
      ["rss", 8 * 2 ** 20],
    ];
/** Resident at any reading, with the garbage that V8 had not come to. */
const mostResident = 160 * 2 ** 20;
const mostDescriptors = 3;

const moods: readonly (Answer | undefined)[] = [
  undefined,
  status(503),
  undefined,
  hang,
  undefined,
  reset,
  undefined,
  page,
  undefined,
  status(429, { "retry-after": "1" }),
];

test(
  `${documents} documents through the agent's own process: nothing that it holds grows, and nothing is missing`,
  { skip: noProc },
  async (context) => {
    const ends = {
      steady: await startEnd(context, "remote_write"),
      troubled: await startEnd(context, "remote_write"),
      moody: await startEnd(context, "otlp"),
      gateway: await startEnd(context, "pushgateway"),
    };
    const { steady } = ends;
    const receivers = Object.values(ends).map(({ receiver }) => receiver);
    const agent = await startSoaked(context, { documents, windowMs, maxBytes, receivers });
    await acquainted(agent, ends);
    const all: AgentReading[] = [];
    const collected: AgentReading[] = [];
    for (let part = 1; part <= parts; part++) {
      await change(ends, part);
      const descriptors = await passed(agent, steady, Math.floor((part * documents) / parts));
      all.push({ ...(await agent.read(steady.arrived.documents)), descriptors });
      if (part % partsPerCollection === 0) {
        await agent.collect();
        collected.push({ ...(await agent.read(steady.arrived.documents)), descriptors });
      }
      assertReported(await agent.metrics(), await agent.status(), ends);
      if (part % Math.ceil(parts / 4) === 0)
        context.diagnostic(`after ${steady.arrived.documents} documents, MB: ${agent.memory()}`);
    }
    await change(ends, 0);
    context.diagnostic(await reckon(agent, ends, documents));
    await agent.until(
      async () => assertReported(await agent.metrics(), await agent.status(), ends) || undefined,
      () => "a sink's metrics still say that nothing was sent",
    );
    assert.equal(await agent.stop(), 0);
    assert.equal(steady.arrived.documents, documents);
    const samples = steady.receiver.taken.samples;
    context.diagnostic(figures({ documents, samples }, secondHalf(collected)));
    for (const [name, readings] of Object.entries({ collected, all }))
      for (const key of ["rss", "private", "heap"] as const)
        context.diagnostic(`${name}, ${key}, MB: ${readings.map((one) => megabytes(one[key])).join(" ")}`);
    assertSteady(secondHalf(collected), secondHalf(all));
  },
);

async function startEnd(context: TestContext, kind: Kind): Promise<End> {
  const receiver = await startReceiver(kind);
  context.after(() => receiver[Symbol.asyncDispose]());
  return { receiver, arrived: watchArrivals(receiver) };
}

/**
 * Until every receiver has taken something. Before its first success a sink takes a refusal for a wrong address and keeps the
 * samples, so that what is refused then is not lost.
 */
async function acquainted(agent: SoakedAgent, ends: Ends): Promise<void> {
  const waiting = (): readonly string[] =>
    Object.entries<End>({ ...ends }).flatMap(([name, { receiver }]) =>
      receiver.taken.samples > 0 ? [] : name,
    );
  await agent.until(
    () => (waiting().length === 0 ? true : undefined),
    () => `nothing arrived at ${waiting().join(", ")}`,
  );
}

/** Until so many documents have arrived; the fewest descriptors meanwhile, when no tool's pipes were among them. */
async function passed(agent: SoakedAgent, { arrived }: End, wanted: number): Promise<number> {
  let fewest = Infinity;
  await agent.until(
    () => {
      fewest = Math.min(fewest, agent.descriptors());
      return arrived.documents >= wanted ? true : undefined;
    },
    () => `${arrived.documents} documents of ${wanted}`,
  );
  return fewest;
}

async function change({ troubled, moody, gateway }: Ends, part: number): Promise<void> {
  await changeTroubled(troubled.receiver, part);
  for (const [at, { receiver }] of [moody, gateway].entries()) {
    await receiver.stop();
    receiver.mood = part === 0 ? undefined : moods[(part + 3 * at + 1) % moods.length];
    await receiver.start();
  }
}

/**
 * Away twice, each time so long that the journal can't hold it all: while the agent warms up, and later when what that took must be
 * enough. Refusing once; well at the end.
 */
async function changeTroubled(receiver: Receiver, part: number): Promise<void> {
  await receiver.stop();
  receiver.mood = part === 2 ? status(400, {}, "bad") : moods[part % moods.length];
  if (part === 0) receiver.mood = undefined;
  const isAway = Math.floor((part * 6) / (parts + 1)) % 3 === 1;
  if (part === 0 || !isAway) await receiver.start();
}

/**
 * What the agent's own metrics call sent is what had arrived after some request, but for requests that came twice since the receiver
 * went away with the first answer, and for those of batches that were lost before all of them had been sent. They may be 5 s old:
 * true once every receiver was sent something by then.
 */
function assertReported(metrics: string, status: AgentStatus, ends: Ends): boolean {
  const reported = Object.values<End>({ ...ends }).map((end) => {
    const series = `mac_agent_sink_samples_sent_total{sink="${sinkOf(status, end).id}"}`;
    const sent = valueOf(metrics, series) ?? assert.fail(`${series} is missing in:\n${metrics}`);
    const { totals, againSamples } = end.arrived;
    const beyond = againSamples + (end === ends.troubled ? mostCut.samples : 0);
    assert.ok(
      [...totals].some((total) => total >= sent && total - sent <= beyond),
      `got ${series} ${sent}, want one of ${[...totals].slice(-50).join(" ")}, less ${beyond} at most`,
    );
    return sent;
  });
  return reported.every((sent) => sent > 0);
}

/** In the first half the process warms up: it compiles, and catches up with an absence. */
function secondHalf(readings: readonly AgentReading[]): readonly AgentReading[] {
  return readings.slice(Math.floor(readings.length / 2));
}

function assertSteady(collected: readonly AgentReading[], all: readonly AgentReading[]): void {
  for (const [key, most] of bounds) {
    const grown = slope(collected, (one) => one[key]) * (isLong ? wholeDay : documents);
    const values = collected.map((one) => megabytes(one[key])).join(" ");
    assert.ok(grown <= most, `${key} grew by ${megabytes(grown)} MB: ${values}`);
  }
  const highest = Math.max(...all.map(({ rss }) => rss));
  assert.ok(highest <= mostResident, `RSS was ${megabytes(highest)} MB before a collection`);
  const descriptors = all.map((one) => one.descriptors);
  assert.ok(shift(descriptors) <= mostDescriptors, `descriptors: ${descriptors.join(" ")}`);
  for (const { journal } of all) assert.ok(journal <= maxBytes, `the journal has ${megabytes(journal)} MB`);
}
