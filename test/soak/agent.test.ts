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
import { total } from "../fault/account.ts";
import { startReceiver, type Receiver } from "../fault/receiver.ts";
import { startSoaked, type Reading, type SoakedAgent, type Told } from "./agent.ts";
import { watchArrivals, type Arrivals } from "./arrivals.ts";
import { growth } from "./measure.ts";

const documents = Number(process.env["SOAK_DOCUMENTS"] ?? 200);
/** A quarter of a minute and more each in a whole day, some documents in seconds of it. */
const parts = documents >= 10_000 ? 60 : 12;
const windowMs = 20;
/** The least that may be configured: a day's documents fill it several times. */
const maxBytes = 2 ** 20;
/** Of RSS over a day (PERFORMANCE.md). Less than a third of one is all warming up: told, not judged. */
const mostGrowth = 5 * 2 ** 20;
const isJudged = documents >= 10_000;
/** Of open descriptors: pipes of three tools that come and go, sockets, the pull endpoint's clients; and of their median. */
const mostDifference = 24;
const mostMore = 3;

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

interface End {
  readonly receiver: Receiver;
  readonly arrived: Arrivals;
}

test(
  `${documents} documents through the agent's own process: nothing that it holds grows, and nothing is missing`,
  { skip: noProc },
  async (context) => {
    const [steady, troubled] = [await startEnd(context), await startEnd(context)];
    const agent = await startSoaked(context, {
      documents,
      windowMs,
      maxBytes,
      pushTo: [steady, troubled].map(({ receiver }) => `${receiver.origin}/api/v1/write`),
    });
    const readings: Reading[] = [];
    for (let part = 1; part <= parts; part++) {
      await change(troubled.receiver, part);
      const wanted = Math.floor((part * documents) / parts);
      await agent.until(
        () => (steady.arrived.documents >= wanted ? true : undefined),
        () => `${steady.arrived.documents} documents of ${wanted}`,
      );
      readings.push(agent.read(steady.arrived.documents));
      await assertTold(agent, steady, troubled);
    }
    await change(troubled.receiver, 0);
    context.diagnostic(await accounted(agent, steady, troubled));
    assert.equal(await agent.stop(), 0);
    assert.equal(steady.arrived.documents, documents);
    assertSteady(context, readings);
  },
);

async function startEnd(context: TestContext): Promise<End> {
  const receiver = await startReceiver("remote_write");
  context.after(() => receiver[Symbol.asyncDispose]());
  return { receiver, arrived: watchArrivals(receiver) };
}

/**
 * Away twice, each time so long that the journal can't hold it all: while the agent warms up, and later when what that took must be
 * enough. Refusing once; well at the end.
 */
async function change(receiver: Receiver, part: number): Promise<void> {
  await receiver.stop();
  receiver.mood = part === 2 ? status(400, {}, "bad") : moods[part % moods.length];
  if (part === 0) receiver.mood = undefined;
  const isAway = Math.floor((part * 6) / (parts + 1)) % 3 === 1;
  if (part === 0 || !isAway) await receiver.start();
}

/** The agent's own metrics: what they call sent is what had arrived after some request. */
async function assertTold(agent: SoakedAgent, ...ends: readonly End[]): Promise<void> {
  const text = await agent.metrics();
  for (const { receiver, arrived } of ends) {
    const sink = sinkIn(text, receiver);
    const sent = sink === undefined ? 0 : (valueOf(text, sink) ?? 0);
    assert.ok(
      arrived.totals.has(sent),
      `got ${sent} as sent, want one of ${[...arrived.totals].slice(-50).join(" ")}`,
    );
  }
}

function sinkIn(text: string, { origin }: Receiver): string | undefined {
  const host = new URL(origin).host;
  const series = /^(mac_agent_sink_samples_sent_total\{[^}]*\}) /gm;
  return [...text.matchAll(series)].map(([, name]) => name).find((name) => name?.includes(host));
}

/**
 * At a moment when nothing is under way: collected = arrived + refused + lost by the journal + waiting, in snapshots, for both alike; and
 * what the agent calls sent and rejected, in samples, is what arrived and what was refused.
 */
async function accounted(agent: SoakedAgent, steady: End, troubled: End): Promise<string> {
  let told = "";
  return agent.until(
    async () => {
      const now = await agent.status();
      const [ruler, other] = [sinkOf(now, steady), sinkOf(now, troubled)];
      const missing = [...steady.arrived.taken].filter((one) => !troubled.arrived.taken.has(one));
      const refused = missing.filter((one) => troubled.arrived.refused.has(one));
      const account = {
        collected: steady.arrived.taken.size,
        arrived: troubled.arrived.taken.size,
        refused: refused.length,
        lost: now.journal.dropped,
        sent: [ruler.sent, other.sent],
        taken: [steady.receiver.taken.samples, troubled.receiver.taken.samples],
        dropped: other.dropped,
        refusedSamples: troubled.arrived.refusedSamples,
        waiting: [ruler.backlog.snapshots, other.backlog.snapshots],
      };
      told = JSON.stringify(account);
      const { max_size: _lost, ...byReceiver } = other.dropped;
      assert.deepEqual(unexpected(byReceiver, ["rejected", "rejected_resend"]), [], told);
      assert.deepEqual(unexpected(now.journal.dropped, ["max_size"]), [], told);
      const fits =
        account.waiting.every((snapshots) => snapshots === 0) &&
        account.sent.every((samples, at) => samples === account.taken[at]) &&
        total(byReceiver) === troubled.arrived.refusedSamples &&
        missing.length === refused.length + total(now.journal.dropped) &&
        steady.arrived.documents === documents;
      return fits ? told : undefined;
    },
    () => `not accounted for: ${told}`,
  );
}

function unexpected(counts: Readonly<Record<string, number>>, reasons: readonly string[]): readonly string[] {
  return Object.keys(counts).filter((reason) => !reasons.includes(reason));
}

function sinkOf(told: Told, { receiver }: End): Told["sinks"][number] {
  return (
    told.sinks.find(({ target }) => target.startsWith(receiver.origin)) ??
    assert.fail(JSON.stringify(told.sinks))
  );
}

/** The first third warms up; of what follows the last third against the first, by their medians, so that no garbage counts. */
function assertSteady(context: TestContext, readings: readonly Reading[]): void {
  const later = readings.slice(Math.ceil(readings.length / 3));
  const grown = (of: (one: Reading) => number): number => growth(later.map(of), "thirds");
  const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
  const all = (of: (one: Reading) => number): string => readings.map((one) => megabytes(of(one))).join(" ");
  const rss = grown((one) => one.rss);
  const own = grown((one) => one.private);
  const descriptors = later.map((one) => one.descriptors);
  context.diagnostic(
    `growth of RSS ${megabytes(rss)} MB (${all((one) => one.rss)}), of private memory ${megabytes(own)} MB (${all((one) => one.private)}); descriptors ${descriptors.join(" ")}; journal ${all((one) => one.journal)} MB`,
  );
  if (isJudged) {
    assert.ok(rss <= mostGrowth, `RSS grew by ${megabytes(rss)} MB: ${all((one) => one.rss)}`);
    assert.ok(own <= mostGrowth, `private memory grew by ${megabytes(own)} MB: ${all((one) => one.private)}`);
    assert.ok(grown((one) => one.descriptors) <= mostMore, `descriptors: ${descriptors.join(" ")}`);
  }
  const difference = Math.max(...descriptors) - Math.min(...descriptors);
  assert.ok(difference <= mostDifference, `descriptors: ${descriptors.join(" ")}`);
  assert.ok(
    readings.every(({ journal }) => journal <= maxBytes),
    `journal: ${all((one) => one.journal)} MB`,
  );
}
