/** The agent's own process, killed again and again while it delivers: what its journal has against what receivers took, refused or still lack. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { openJournalReader } from "../../src/journal/reader.ts";
import { bundled } from "../bench/agent-process.ts";
import { fetchText, startAgent, temporaryFolder, until, type Agent } from "../cli/agent.ts";
import { hang, status, type Answer } from "../conformance/receiver.ts";
import { metricOf } from "../journal/fixtures.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { total } from "./account.ts";
import { countOtlp, countRemoteWrite, countSnapshot, nothing, plus, type Counted } from "./counting.ts";
import { startReceiver, type Kind, type Receiver } from "./receiver.ts";

const kills = 30;
const random = seededRandom(11);
/** Of a body as it comes, bytes: a snapshot has several times as much. */
const limit = 1500;

type Verdict = "taken" | "refused" | "too large";

/** A receiver, and all that it was asked. */
interface Watched {
  /** Its sink. */
  readonly id: string;
  readonly receiver: Receiver;
  /** Every body with samples, by its hash: one that comes again gets the same verdict, and counts once. */
  readonly bodies: Map<string, Judged>;
  /** How many came again after they were taken or refused. */
  repeats: number;
  life: Life;
}

interface Judged {
  readonly verdict: Verdict;
  readonly counted: Counted;
}

/** From a start of the agent to its death: requests with samples, and samples by what became of them. */
interface Life {
  requests: number;
  taken: number;
  refused: number;
  readonly death?: Death;
}

/** It comes with this request of a life, which was only read, or decided on, or answered too. */
interface Death {
  readonly request: number;
  readonly phase: "read" | "decided" | "answered";
  readonly due: () => void;
}

test(`${kills} times kill -9 amid requests, refusals and parts of snapshots: collected = delivered + dropped + waiting, and what comes twice is the same bytes`, async (context) => {
  // Before its first success a sink takes a refusal for a wrong address, keeps the samples, and asks again after a minute.
  let areWell = true;
  const watch = (id: string, kind: Kind, judge: (body: Buffer) => Verdict): Promise<Watched> =>
    watchReceiver(context, id, kind, (body) => (areWell ? "taken" : judge(body)));
  const steady = await watch("remote_write-1", "remote_write", () => "taken");
  const small = await watch("remote_write-2", "remote_write", (body) =>
    body.length > limit ? "too large" : "taken",
  );
  const strict = await watch("otlp-1", "otlp", () => (random() < 0.3 ? "refused" : "taken"));
  const all = [steady, small, strict];
  const bundle = await bundled();
  context.after(() => bundle[Symbol.dispose]());
  const folder = temporaryFolder(context);

  async function start(sources: string, mortal?: Watched, death?: Death): Promise<Agent> {
    for (const one of all)
      one.life = { requests: 0, taken: 0, refused: 0, ...(one === mortal && death && { death }) };
    return startAgent(context, {
      configuration: `${sources}${deliveringTo(all)}`,
      environment: { STATE_DIRECTORY: folder },
      program: bundle.program.slice(1),
    });
  }
  async function live(mortal: Watched, request: number, phase: Death["phase"]): Promise<void> {
    const { promise: death, resolve } = Promise.withResolvers<undefined>();
    const agent = await start(collecting, mortal, { request, phase, due: () => resolve(undefined) });
    await death;
    await agent.kill("SIGKILL");
  }

  for (const one of all) await live(one, 3, "answered");
  areWell = false;
  let { rows } = storedIn(folder);
  for (let kill = 0; kill < kills; kill++) {
    const mortal = all[kill % all.length] ?? steady;
    const phase = (["read", "decided", "answered"] as const)[Math.floor(random() * 3)] ?? "read";
    await live(mortal, 1 + Math.floor(random() * (mortal === small ? 24 : 8)), phase);
    const before = rows;
    ({ rows } = storedIn(folder));
    for (const row of before.keys()) assert.ok(rows.has(row), `${row} is gone after death ${kill}`);
  }
  await drain(await start(draining), all, strict);
  const stored = storedIn(folder);
  for (const one of all) assertAccounted(stored, one);
  for (const { id, bodies, repeats } of all) {
    context.diagnostic(
      `${id}: ${rows.size} snapshots in ${bodies.size} bodies, of which ${repeats} came twice`,
    );
    assert.ok(repeats > 0, `nothing came twice at ${id}`);
  }
});

const collecting = `
sources:
  powermetrics: { interval: 100ms }
  vm_stat: { interval: 1s }
  sysctl: { enabled: false }
  pmset: { enabled: false }
`;
/** So little that nothing waits for seconds. */
const draining = `
sources:
  powermetrics: { enabled: false }
  vm_stat: { interval: 3s }
  sysctl: { enabled: false }
  pmset: { enabled: false }
`;

/** What sysctl says of the machine is in every OTLP request; on a busy one it may not say it in time, and the bytes would differ. */
const machine = { "os.version": "15.5", "os.build_id": "24F84", "device.model.identifier": "Mac16,8" };

/** In every protocol once. */
function deliveringTo(all: readonly Watched[]): string {
  const [steady = "", small = "", strict = ""] = all.map(({ receiver }) => receiver.origin);
  const queue = "queue_config: { batch_send_deadline: 100ms, min_backoff: 20ms, max_backoff: 500ms }";
  return `
journal: { commit_interval: 1s }
remote_write:
  - { url: "${steady}/write", protobuf_message: prometheus.WriteRequest, ${queue} }
  - { url: "${small}/write", protobuf_message: io.prometheus.write.v2.Request, ${queue} }
otlp:
  - { endpoint: "${strict}", resource_attributes: ${JSON.stringify(machine)}, ${queue} }
`;
}

const answers: Readonly<Record<Verdict, Answer | undefined>> = {
  taken: undefined,
  refused: status(400, {}, "bad"),
  "too large": status(413),
};

/** @param judge a body that is new */
async function watchReceiver(
  context: TestContext,
  id: string,
  kind: Kind,
  judge: (body: Buffer) => Verdict,
): Promise<Watched> {
  const receiver = await startReceiver(kind);
  context.after(() => receiver[Symbol.asyncDispose]());
  const it: Watched = {
    id,
    receiver,
    bodies: new Map(),
    repeats: 0,
    life: { requests: 0, taken: 0, refused: 0 },
  };
  receiver.judge = (_, body) => {
    const counted = countIn(kind, body);
    // A probe, or nothing but marks that series ended.
    if (counted.samples === 0) return undefined;
    const { life } = it;
    const { request, phase, due } = life.death ?? {};
    const isLast = ++life.requests === request;
    if (isLast && due !== undefined) setImmediate(due);
    if (isLast && phase === "read") return hang;
    const verdict = decide(it, body, () => ({ verdict: judge(body), counted }));
    return isLast && phase === "decided" ? hang : answers[verdict];
  };
  return it;
}

function countIn(kind: Kind, body: Buffer): Counted {
  if (body.length === 0) return nothing;
  return kind === "otlp" ? countOtlp(gunzipSync(body)) : countRemoteWrite(body);
}

function decide(it: Watched, body: Buffer, judge: () => Judged): Verdict {
  const hash = createHash("sha256").update(body).digest("hex");
  const known = it.bodies.get(hash);
  const { verdict, counted } = known ?? judge();
  it.bodies.set(hash, { verdict, counted });
  if (verdict === "too large") return verdict;
  it.life[verdict] += counted.samples;
  if (known !== undefined) it.repeats++;
  return verdict;
}

const statusSchema = z.object({
  sinks: z.array(
    z.object({
      id: z.string(),
      sent: z.number(),
      dropped: z.record(z.string(), z.number()),
      backlog: z.object({ snapshots: z.number() }),
    }),
  ),
});

/** All that waits goes, but for what comes once one receiver is away; the agent counts what receivers counted in its last life. */
async function drain(agent: Agent, all: readonly Watched[], away: Watched): Promise<void> {
  async function balances(waiting: readonly Watched[]): Promise<void> {
    let text = "";
    await until(
      async () => {
        text = (await fetchText(`${agent.origin}/api/v1/status`)) ?? "";
        const { sinks } = statusSchema.parse(JSON.parse(text));
        return all.every((one) => {
          const sink = sinks.find(({ id }) => id === one.id);
          const isCounted = sink?.sent === one.life.taken && total(sink.dropped) === one.life.refused;
          return isCounted && sink.backlog.snapshots > 0 === waiting.includes(one);
        });
      },
      () => `not accounted for: ${JSON.stringify(all.map(({ id, life }) => [id, life]))}, ${text}`,
    );
  }
  await balances([]);
  await away.receiver.stop();
  await balances([away]);
  assert.equal((await agent.kill("SIGTERM")).code, 0);
}

/** What the journal has while nobody writes it. */
interface Stored {
  /** By source, time and values. */
  readonly rows: ReadonlyMap<string, { readonly seq: number; readonly counted: Counted }>;
  readonly isWaiting: (sink: string, seq: number) => boolean;
}

function storedIn(folder: string): Stored {
  const opened = openJournalReader(join(folder, "journal.db"), metricOf);
  assert.ok(opened.status === "open");
  using reader = opened.reader;
  const rows = Array.from(reader.history({ fromMs: 0, toMs: Infinity }), (one) => {
    const counted = countSnapshot(one);
    return [`${one.source} ${one.time} ${counted.print}`, { seq: one.seq, counted }] as const;
  });
  const ranges = new Map(reader.stats().sinks.map((one) => [one.sink, one.ranges]));
  return {
    rows: new Map(rows),
    isWaiting: (sink, seq) =>
      (ranges.get(sink) ?? []).some(({ firstSeq, lastSeq }) => firstSeq <= seq && seq <= lastSeq),
  };
}

/** Exact in samples, and in the sum over their times and values. */
function assertAccounted({ rows, isWaiting }: Stored, { id, bodies }: Watched): void {
  const sum = (all: readonly { readonly counted: Counted }[]): Counted =>
    all.map(({ counted }) => ({ ...counted, marks: 0 })).reduce(plus, nothing);
  const judged = (wanted: Verdict): Counted =>
    sum([...bodies.values()].filter(({ verdict }) => verdict === wanted));
  const collected = sum([...rows.values()]);
  const waiting = sum([...rows.values()].filter(({ seq }) => isWaiting(id, seq)));
  const [taken, refused] = [judged("taken"), judged("refused")];
  const account = JSON.stringify({ id, collected, taken, refused, waiting });
  assert.deepEqual([taken, refused, waiting].reduce(plus), collected, account);
}
