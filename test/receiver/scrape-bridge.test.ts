/**
 * The scrape bridge beside Prometheus' agent: both scrape one node_exporter into one Prometheus.
 * More scrapes, one a second: SCRAPE_BRIDGE_SCRAPES=200.
 */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { z } from "zod";
import { startAgent, temporaryFolder, until } from "../cli/agent.ts";
import { skipWithout, startReceiver, type Receiver } from "../support/receivers.ts";
import { assertSameSeries, inPrometheus, inVictoria, otlpAddress, startVictoria } from "./otlp/stored.ts";
import { startPrometheus, type Stored as ByLabels } from "./otlp/stored.ts";
import { prometheus, type Database } from "./remote-write/prometheus.ts";
import { proxyTo, type Proxy } from "./remote-write/proxy.ts";
import { samplesOf, valuesOf, type Sample, type Stored } from "./remote-write/stored.ts";

const scrapesWanted = Number(process.env["SCRAPE_BRIDGE_SCRAPES"] ?? 8);
const [ours, theirs] = ["ours", "prometheus"] as const;

/** As is in both configurations; JSON is YAML. The time limit is the interval, on which `assertBetween` counts. */
function blockOf(job: string, { origin }: Receiver): object {
  const targets = [origin.replace("http://", "")];
  return { job_name: job, scrape_interval: "1s", scrape_timeout: "1s", static_configs: [{ targets }] };
}

const noSources = {
  powermetrics: { enabled: false },
  vm_stat: { enabled: false },
  sysctl: { enabled: false },
  pmset: { enabled: false },
  ioreg: { enabled: false },
};

function startOurs(t: TestContext, blocks: readonly object[], sinks: object) {
  const configuration = JSON.stringify({
    global: { external_labels: { by: ours } },
    sources: noSources,
    journal: { commit_interval: "200ms" },
    scrape_configs: blocks,
    ...sinks,
  });
  return startAgent(t, { configuration, simulate: false });
}

function startTheirs(t: TestContext, block: object, url: string): Promise<Receiver> {
  const folder = temporaryFolder(t);
  const config = join(folder, "prometheus.yml");
  const queue_config = { batch_send_deadline: "200ms" };
  const protobuf_message = "io.prometheus.write.v2.Request";
  writeFileSync(
    config,
    JSON.stringify({
      global: { external_labels: { by: theirs } },
      scrape_configs: [block],
      remote_write: [{ url, protobuf_message, queue_config }],
    }),
  );
  return startReceiver(
    "prometheus",
    (address) => [
      "--agent",
      `--config.file=${config}`,
      `--storage.agent.path=${join(folder, "agent")}`,
      `--web.listen-address=${address}`,
    ],
    "/-/ready",
  );
}

/** Every series of one of the two, by its text without the label that tells them apart. */
async function storedBy(database: Database, who: string): Promise<Stored> {
  const stored = await samplesOf(database, `{job="node",by="${who}"}`, Date.now());
  return new Map([...stored].map(([series, samples]) => [series.replace(`by="${who}",`, ""), samples]));
}

/** The series that were there for a while: devices come and go. */
function lasting(stored: Stored): Stored {
  return new Map([...stored].filter(([, samples]) => samples.length >= 3));
}

interface Declared {
  readonly type: number;
  readonly help: string;
  readonly unit: string;
}

/** Type, help and unit of each series' family, as they went over the wire. */
function sentIn({ passed }: Proxy): ReadonlyMap<string, Declared | undefined> {
  const all = passed.flatMap(({ series }) => series);
  return new Map(
    all.map(({ labels, metadata }) => [labels.find(([name]) => name === "__name__")?.[1] ?? "", metadata]),
  );
}

const metadata = z.object({
  data: z.array(z.object({ metric: z.string(), type: z.string(), help: z.string(), unit: z.string() })),
});

/** As remote write 2 numbers them. */
const types = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];
const countedType = types.indexOf("counter");

/** What the peer read of each family; its agent sends none of it. */
async function declaredAt(peer: Receiver): Promise<ReadonlyMap<string, Declared>> {
  const { data } = metadata.parse(JSON.parse(await peer.ask("/api/v1/targets/metadata")));
  return new Map(data.map(({ metric, type, ...rest }) => [metric, { type: types.indexOf(type), ...rest }]));
}

/** Of the family of that name, or of which that name is a part. */
function declarationOf(name: string, families: ReadonlyMap<string, Declared>): Declared | undefined {
  return families.get(name) ?? families.get(name.replace(/_(bucket|sum|count)$/, ""));
}

function nameOf(series: string): string {
  return series.slice(0, series.indexOf("{"));
}

/** Neither value below what the other saw an interval before, nor above what it saw an interval later. */
function assertBetween(series: string, samples: readonly Sample[], others: readonly Sample[]): void {
  for (const [time, value] of samples) {
    const before = others.findLast(([other]) => other <= time - 1000)?.[1] ?? -Infinity;
    const after = others.find(([other]) => other >= time + 1000)?.[1] ?? Infinity;
    assert.ok(before <= value && value <= after, `${series}: ${before} ≤ ${value} ≤ ${after} at ${time}`);
  }
}

function isStill([first, ...others]: readonly Sample[]): boolean {
  return others.every(([, value]) => Object.is(value, first?.[1]));
}

const aboutTheScrape = [
  "up",
  "scrape_duration_seconds",
  "scrape_samples_scraped",
  "scrape_samples_post_metric_relabeling",
  "scrape_series_added",
];
const differing = /^(scrape_duration_seconds|scrape_series_added)\{/;

/** Returns what was compared, for the record. */
function assertSameValues(mine: Stored, peers: Stored, declared: ReadonlyMap<string, Declared>) {
  let [still, counters, moving] = [0, 0, 0];
  for (const [series, samples] of mine) {
    const others = peers.get(series) ?? [];
    if (differing.test(series)) continue;
    if (isStill(samples) && isStill(others) && ++still)
      assert.equal(samples[0]?.[1], others[0]?.[1], `${series} stands still`);
    if (declarationOf(nameOf(series), declared)?.type !== countedType) continue;
    counters++;
    for (const [at, [, value]] of samples.entries())
      assert.ok(value >= (samples[at - 1]?.[1] ?? -Infinity), `${series} falls to ${value}`);
    if (!isStill(samples)) moving++;
    assertBetween(series, samples, others);
    assertBetween(series, others, samples);
  }
  return { still, counters, moving };
}

test(
  "beside Prometheus' agent on one node_exporter: the same series, labels, types and values, and the same end of them",
  { skip: skipWithout("prometheus") || skipWithout("prometheus-node-exporter") },
  async (t) => {
    const database = await prometheus(t);
    await using exporter = await startReceiver(
      "prometheus-node-exporter",
      (address) => [`--web.listen-address=${address}`],
      "/metrics",
    );
    const block = blockOf("node", exporter);
    const toOurs = await proxyTo(t, database.url);
    await using peer = await startTheirs(t, block, database.url);
    const queue_config = { batch_send_deadline: "200ms" };
    await startOurs(t, [block], { remote_write: [{ url: toOurs.url, queue_config }] });

    const scrapes = async (who: string): Promise<number> => {
      const stored = await samplesOf(database, `up{job="node",by="${who}"}`, Date.now());
      return [...stored.values()][0]?.length ?? 0;
    };
    for (let count = 1; count <= scrapesWanted; count++)
      for (const who of [ours, theirs]) await until(async () => (await scrapes(who)) >= count);
    const mine = lasting(await storedBy(database, ours));
    const peers = lasting(await storedBy(database, theirs));
    assert.deepEqual([...mine.keys()].toSorted(), [...peers.keys()].toSorted());
    assert.ok(mine.size > 400, `only ${mine.size} series`);
    const [sent, declared] = [sentIn(toOurs), await declaredAt(peer)];
    const names = new Set([...mine.keys()].map(nameOf));
    for (const name of names)
      if (!aboutTheScrape.includes(name))
        assert.deepEqual(sent.get(name), declarationOf(name, declared), name);
    for (const name of aboutTheScrape) assert.ok(names.has(name), name);
    const compared = assertSameValues(mine, peers, declared);
    assert.ok(compared.still > 100 && compared.moving > 10, JSON.stringify(compared));
    for (const all of [mine, peers])
      assert.ok([...all].filter(([series]) => series.startsWith("up{")).every(([, [one]]) => one?.[1] === 1));
    t.diagnostic(
      JSON.stringify({ series: mine.size, names: names.size, scrapes: await scrapes(ours), ...compared }),
    );

    await exporter[Symbol.asyncDispose]();
    for (const who of [ours, theirs]) {
      const now = (expression: string) => valuesOf(database, expression, Date.now());
      await until(async () => [...(await now(`up{job="node",by="${who}"}`)).values()][0] === 0);
      const left = await now(`{job="node",by="${who}"}`);
      assert.deepEqual([...left.keys()].map(nameOf).toSorted(), aboutTheScrape.toSorted(), who);
    }
  },
);

/** Of what was scraped, numbers spelled alike: VictoriaMetrics writes bounds its own way, and keeps no NaN. */
function scrapedOf(stored: ByLabels): ByLabels {
  const all = Object.entries(stored).map(([labels, points]) => {
    const pairs = (JSON.parse(labels) as [string, string][]).map(([name, value]) =>
      name === "le" || name === "quantile" ? [name, String(Number(value))] : [name, value],
    );
    return [JSON.stringify(pairs), points.filter(([, value]) => !Number.isNaN(value))] as const;
  });
  return Object.fromEntries(
    all.filter(([labels, points]) => /"job","(node|database)"/.test(labels) && points.length > 0),
  );
}

test(
  "by OTLP the same arrives as by remote write, histograms and summaries whole, under the target's job and instance",
  {
    skip:
      skipWithout("prometheus") || skipWithout("victoria-metrics") || skipWithout("prometheus-node-exporter"),
  },
  async (t) => {
    await using victoria = await startVictoria();
    await using database = await startPrometheus();
    await using exporter = await startReceiver(
      "prometheus-node-exporter",
      (address) => [`--web.listen-address=${address}`],
      "/metrics",
    );
    const queue_config = { batch_send_deadline: "200ms" };
    // The database has histograms of its own.
    const agent = await startOurs(t, [blockOf("node", exporter), blockOf("database", database)], {
      remote_write: [{ url: `${database.origin}/api/v1/write`, queue_config }],
      otlp: [{ metrics_endpoint: otlpAddress(victoria), queue_config }],
    });
    const upIn = (stored: ByLabels, job: string): number =>
      Object.entries(stored).find(
        ([labels]) => labels.includes('"__name__","up"') && labels.includes(`"job","${job}"`),
      )?.[1].length ?? 0;
    await until(async () => {
      const stored = await inPrometheus(database, Date.now());
      return upIn(stored, "node") >= 3 && upIn(stored, "database") >= 3;
    });
    assert.deepEqual(await agent.kill("SIGTERM"), { code: 0, signal: null });

    const expected = scrapedOf(await inPrometheus(database, Date.now()));
    const samples = (stored: ByLabels): number => Object.values(stored).flat().length;
    const found = await until(async () => {
      const got = scrapedOf(await inVictoria(victoria));
      return samples(got) >= samples(expected) ? got : undefined;
    });
    assertSameSeries(found, expected);
    const labels = Object.keys(found).join("\n");
    for (const part of ["_bucket", "_sum", "_count"])
      assert.match(labels, new RegExp(`"__name__","prometheus_http_request_duration_seconds${part}"`));
    assert.match(labels, /"__name__","go_gc_duration_seconds".*"job","node".*"quantile","0.5"/);
    assert.match(labels, /"__name__","node_cpu_seconds_total"/);
  },
);
