/** A laptop's day, shortened: scraped while the receiver is out of reach, killed twice, and online again: no scrape is lost or repeated. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { openJournalReader } from "../../src/journal/reader.ts";
import { status } from "../conformance/receiver.ts";
import { startAgent, temporaryFolder, until, type Agent } from "../cli/agent.ts";
import { decodeV2, staleBits } from "../sink/remote-write/messages.ts";
import { startReceiver, type Receiver } from "./receiver.ts";

/** Each is scraped ten times a second, so that half a minute has as many scrapes as eight hours of a minute each. */
const jobs = ["first", "second", "third", "fourth", "fifth"];

/** One scrape, by the value that the target gave it. */
type Scrape = readonly [job: string, value: number, time: number];

interface Targets {
  readonly address: string;
  /** When each value was handed out. */
  readonly served: ReadonlyMap<string, readonly number[]>;
  /** Of all targets together. */
  readonly count: () => number;
}

/** A target a job, at /JOB: a counter that rises by one with each scrape, from 0, and some company. */
async function startTargets(t: TestContext): Promise<Targets> {
  const served = new Map(jobs.map((job): [string, number[]] => [job, []]));
  const company = Array.from({ length: 20 }, (_, at) => `company{number="${at}"} ${at}\n`).join("");
  const server = createServer((asked, answer) => {
    const times = served.get(asked.url?.slice(1) ?? "") ?? [];
    times.push(Date.now());
    answer.setHeader("content-type", "text/plain; version=0.0.4");
    answer.end(`# TYPE scrapes_total counter\nscrapes_total ${times.length - 1}\n${company}`);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const count = (): number => [...served.values()].reduce((sum, times) => sum + times.length, 0);
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, served, count };
}

function start(t: TestContext, folder: string, targets: Targets, receiver: Receiver): Promise<Agent> {
  const off = { enabled: false };
  const configuration = JSON.stringify({
    sources: { powermetrics: off, vm_stat: off, sysctl: off, pmset: off, ioreg: off },
    journal: { commit_interval: "500ms" },
    scrape_configs: jobs.map((job) => ({
      job_name: job,
      metrics_path: `/${job}`,
      scrape_interval: "100ms",
      static_configs: [{ targets: [targets.address] }],
    })),
    remote_write: [
      {
        url: `${receiver.origin}/write`,
        queue_config: { batch_send_deadline: "200ms", max_backoff: "300ms" },
      },
    ],
  });
  return startAgent(t, { configuration, simulate: false, environment: { STATE_DIRECTORY: folder } });
}

/** The scrapes of all requests that were answered well, as they came. */
function recordArrivals(receiver: Receiver): readonly Scrape[] {
  const arrived: Scrape[] = [];
  receiver.witness = (body, answered) => {
    if (answered !== 200 || body.length === 0) return;
    for (const { labels, samples } of decodeV2(body)) {
      const { __name__: name, job = "" } = Object.fromEntries(labels);
      if (name !== "scrapes_total") continue;
      for (const { value, timestamp } of samples)
        if (value !== staleBits) arrived.push([job, doubleOf(value), timestamp]);
    }
  };
  return arrived;
}

function doubleOf(bits: bigint): number {
  return new Float64Array(BigUint64Array.of(bits).buffer)[0] ?? NaN;
}

/** All scrapes that the journal in `folder` holds. */
function committedIn(folder: string): readonly Scrape[] {
  const opened = openJournalReader(join(folder, "journal.db"), () => undefined);
  assert.ok(opened.status === "open");
  using reader = opened.reader;
  return [...reader.history({ fromMs: 0, toMs: Infinity })].flatMap(({ set, values, time }): Scrape[] => {
    const at = set.series.findIndex(({ name }) => name === "scrapes_total");
    const job = set.series[at]?.labels.find(([name]) => name === "job")?.[1] ?? "";
    return at < 0 ? [] : [[job, values[at] ?? NaN, time]];
  });
}

function ofJob(scrapes: readonly Scrape[], job: string): readonly Scrape[] {
  return scrapes.filter(([of]) => of === job);
}

function lastOf(scrapes: readonly Scrape[], job: string): number {
  return ofJob(scrapes, job).at(-1)?.[1] ?? -1;
}

test("scrapes of a day offline with kill -9 twice arrive once they can: all that were committed, each once, in order, with its own time", async (t) => {
  await using receiver = await startReceiver("remote_write");
  const targets = await startTargets(t);
  const folder = temporaryFolder(t);
  const arrived = recordArrivals(receiver);
  let agent = await start(t, folder, targets, receiver);
  await until(() => jobs.every((job) => ofJob(arrived, job).length >= 3));

  await receiver.stop();
  const committed: (readonly Scrape[])[] = [];
  for (let kill = 0; kill < 2; kill++) {
    const before = targets.count();
    await until(() => targets.count() >= before + 250);
    await agent.kill("SIGKILL");
    committed.push(committedIn(folder));
    agent = await start(t, folder, targets, receiver);
  }
  const before = targets.count();
  await until(() => targets.count() >= before + 125);
  // Back in the train the portal answers first.
  receiver.mood = status(503);
  await receiver.start();
  await until(() => targets.count() >= before + 250);
  const offline = ofJob(arrived, "first").length;
  receiver.mood = undefined;
  const served = new Map(jobs.map((job) => [job, targets.served.get(job)?.length ?? 0]));
  await until(() => jobs.every((job) => lastOf(arrived, job) >= (served.get(job) ?? Infinity)));
  assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });

  assert.ok(arrived.length > 500, `${arrived.length} scrapes arrived, ${offline} of each target before`);
  const held = committedIn(folder);
  for (const job of jobs) {
    const times = targets.served.get(job) ?? [];
    const mine = ofJob(arrived, job);
    assert.deepEqual(mine, ofJob(held, job), "what is in the journal arrives, in its order");
    for (const [at, [, value, time]] of mine.entries()) {
      const before = mine[at - 1]?.[1] ?? -1;
      assert.ok(value > before, `${job}: ${value} comes once and in order`);
      const [earliest = 0, latest = 0] = [times[before], times[value]];
      assert.ok(earliest <= time && time <= latest, `${job} ${value}: ${earliest} ≤ ${time} ≤ ${latest}`);
    }
    // What a kill cost lies behind all that was committed.
    for (const atKill of committed)
      assert.deepEqual(mine.slice(0, ofJob(atKill, job).length), ofJob(atKill, job));
  }
  t.diagnostic(`${arrived.length} scrapes of ${targets.count()} arrived`);
});
