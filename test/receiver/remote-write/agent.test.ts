/** A running agent and a real Prometheus: what the journal and /metrics say is what is stored, and what ends is gone at once. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { openJournalReader } from "../../../src/journal/reader.ts";
import {
  fetchText,
  shortIntervals,
  startAgent,
  temporaryFolder,
  until,
  type Agent,
} from "../../cli/agent.ts";
import { skipWithout } from "../../support/receivers.ts";
import { assertSame, identified, journalled } from "./journalled.ts";
import { prometheus, type Database } from "./prometheus.ts";
import { proxyTo, type Proxy } from "./proxy.ts";
import { countOf, samplesOf, valuesOf, type Sample, type Stored } from "./stored.ts";

const all = '{job="macs"}';

function configurationFor(url: string): string {
  return `${shortIntervals}
global: { job: macs, instance: mac.test, external_labels: { team: platform } }
journal: { commit_interval: 200ms }
remote_write: [{ url: "${url}", queue_config: { batch_send_deadline: 200ms, max_backoff: 500ms } }]
`;
}

async function sentFor(agent: Agent, seriesCount: number): Promise<void> {
  await agent.metrics(
    (text) => text.split("\n").filter((line) => line.startsWith("powermetrics_")).length > seriesCount,
  );
}

/** Every series of a scrape had its value in the database at that time, or came to it while the scrape was under way. */
function assertScraped(text: string, [from, to]: readonly [number, number], stored: Stored): void {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  assert.ok(lines.length > 100, `only ${lines.length} series`);
  for (const line of lines) {
    const [, series = "", value = ""] = /^(.*) (\S+)$/s.exec(line) ?? [];
    const samples = stored.get(identified(series)) ?? [];
    const before = samples.filter(([time]) => time <= from).slice(-2);
    const during = samples.filter(([time]) => time > from && time <= to);
    const wanted = Number(value.replace("Inf", "Infinity"));
    const isStored = [...before, ...during].some(([, one]) => Object.is(one, wanted));
    const after = samples.find(([time]) => time > to);
    assert.ok(
      isStored || isOwnBetween(series, wanted, before.at(-1), after),
      `${line} is none of ${[...before, ...during].join(" ")}, then ${String(after)}`,
    );
  }
}

/**
 * The agent's own metrics are taken anew for a scrape that comes five seconds after the last ones, and not kept. What counts lies between two
 * that are kept, since the agent tells once more what they are before it ends.
 */
function isOwnBetween(series: string, value: number, before?: Sample, after?: Sample): boolean {
  if (!series.startsWith("mac_agent_") || after === undefined) return false;
  const counts = /^\w+_(?:total|bucket|count|sum)\b/.test(series);
  return !counts || ((before?.[1] ?? 0) <= value && value <= after[1]);
}

const counters = [
  ["vmstat_faults_total", "boot"],
  ["mac_agent_sink_samples_sent_total", "agent"],
] as const;

function passedSeries({ passed }: Proxy, name: string) {
  return passed.flatMap(({ series }) =>
    series.filter(({ labels }) => labels.some(([label, value]) => label === "__name__" && value === name)),
  );
}

/** An end mark has no start, nor has what was sampled before the boot time was known. */
function startedSamples(proxy: Proxy, name: string) {
  return passedSeries(proxy, name).flatMap(({ samples }) => samples.filter(({ start }) => start > 0));
}

/** Prometheus 3.5 does not read start times, so they are looked for on the way. */
function assertStarts(proxy: Proxy, startedAt: number): void {
  for (const [name, since] of counters) {
    assert.ok(passedSeries(proxy, name).every(({ metadata }) => metadata?.type === 1));
    const started = startedSamples(proxy, name);
    assert.ok(started.length > 0, name);
    for (const { start, timestamp } of started)
      assert.ok(
        since === "boot" ? start < startedAt : start >= startedAt && start <= timestamp,
        `${name} starts at ${start}`,
      );
  }
}

async function ended(database: Database): Promise<void> {
  assert.deepEqual([...(await valuesOf(database, all, Date.now()))], []);
}

test(
  "what a running agent told its journal and /metrics is in Prometheus, sample by sample; its end ends every series",
  { skip: skipWithout("prometheus") },
  async (t) => {
    const database = await prometheus(t);
    const proxy = await proxyTo(t, database.url);
    const folder = temporaryFolder(t);
    const startedAt = Date.now();
    const agent = await startAgent(t, {
      configuration: configurationFor(proxy.url),
      simulator: "--chip m4",
      environment: { STATE_DIRECTORY: folder },
    });
    await sentFor(agent, 60);
    await until(
      () => {
        const told = counters.every(([name]) => startedSamples(proxy, name).length > 0);
        return told && proxy.passed.length > 8 ? true : undefined;
      },
      () => "too few batches, or counters without a start",
    );
    const from = Date.now();
    const text = (await fetchText(`${agent.origin}/metrics`)) ?? "";
    const to = Date.now();
    const stopping = performance.now();
    assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });
    t.diagnostic(`stopped in ${Math.round(performance.now() - stopping)} ms`);
    await ended(database);

    const stored = await samplesOf(database, all, Date.now());
    assertSame(stored, journalled(join(folder, "journal.db")));
    assert.ok(countOf(stored) > 500, `${countOf(stored)} samples`);
    assert.equal(proxy.samplesTaken(2), countOf(stored), "none was sent twice");
    assertScraped(text, [from, to], stored);
    assertStarts(proxy, startedAt);
  },
);

test(
  "a core that vanishes is gone from an instant query at once, and the others are not",
  { skip: skipWithout("prometheus") },
  async (t) => {
    const database = await prometheus(t);
    const agent = await startAgent(t, {
      configuration: configurationFor(database.url),
      simulator: "--chip m1 --fault powermetrics:parked-core@10",
    });
    const cores = async (): Promise<number> =>
      (await valuesOf(database, 'powermetrics_cpu_frequency_hertz{job="macs"}', Date.now())).size;
    const before = await until(
      async () => (await cores()) || undefined,
      () => "no core came",
    );
    await until(
      async () => ((await cores()) === before - 1 ? true : undefined),
      () => "no core went",
    );
    assert.ok(agent.pid > 0);
  },
);

test("with a receiver that hangs, SIGTERM ends the agent in time, and what waits stays in the journal", async (t) => {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const folder = temporaryFolder(t);
  const agent = await startAgent(t, {
    configuration: configurationFor(`http://127.0.0.1:${port}/api/v1/write`),
    environment: { STATE_DIRECTORY: folder },
  });
  await sentFor(agent, 20);
  const stopping = performance.now();
  assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });
  // By itself and with the code of an orderly end: within its 2 s, which a busy machine stretches, so that nothing is judged by them.
  t.diagnostic(`stopped in ${Math.round(performance.now() - stopping)} ms`);
  const opened = openJournalReader(join(folder, "journal.db"), () => undefined);
  assert.equal(opened.status, "open");
  using reader = opened.reader;
  const { snapshots, sinks } = reader.stats();
  assert.ok(snapshots > 0);
  assert.equal(sinks[0]?.waiting, snapshots);
});
