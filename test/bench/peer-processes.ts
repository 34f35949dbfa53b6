/** Starts each peer of the comparison the way its documentation does, one function a peer. */
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findReceiver } from "../support/receivers.ts";
import { scraping } from "./agent.ts";
import { startAgent, untilAnswer, type Program } from "./agent-process.ts";
import { startProcess } from "./process.ts";
import { pushOnce } from "./pushgateway.ts";
import type { CountingReceiver } from "./receiver.ts";
import { startPrometheusAgent, startVmagent, type BenchWorld } from "./scraper-processes.ts";
import type { Subject } from "./windows.ts";
import { expositions, largeChip } from "./workload.ts";
import { freePort } from "../support/free-port.ts";
import { disposableFolder } from "../support/folder.ts";

export const names = {
  ours: "ours, push each 15 s",
  sameSeries: "ours, push each 15 s, the series that the peers have and no others",
  scraped: "ours, scraped each second, no push",
  vmagent: "vmagent, 15 s flush",
  vmagentLive: "vmagent, 1 s flush",
  prometheus: "Prometheus agent, remote write 1",
  prometheus2: "Prometheus agent, remote write 2",
  stock: "OpenTelemetry JS, OTLP/JSON each second",
  pushgateway: "Pushgateway, pushed to each second",
  nodeExporter: "node_exporter, scraped each second",
} as const;

export interface Skipped {
  readonly name: string;
  readonly reason: string;
}

export async function startPeers(
  running: AsyncDisposableStack,
  program: Program,
  counting: CountingReceiver,
): Promise<{ readonly subjects: readonly Subject[]; readonly skipped: readonly Skipped[] }> {
  const { path: folder } = running.use(disposableFolder());
  const world: BenchWorld = { running, counting, folder };
  const subjects = [
    await startOurs(world, program),
    await startSameSeries(world, program),
    await startScraped(world, program),
    await startStock(world),
  ];
  const skipped: Skipped[] = [];
  for (const { name, needs, start } of installed) {
    const path = findReceiver(needs);
    if (path === undefined)
      skipped.push({ name, reason: `${needs} is neither on PATH nor in RECEIVERS_DIR` });
    else subjects.push(await start(world, path, name));
  }
  return { subjects, skipped };
}

function startOurs(world: BenchWorld, program: Program): Promise<Subject> {
  return startPushing(world, program, { name: names.ours, path: "ours" });
}

/** Its own metrics, vm_stat and pmset are few samples of many series, which cost more a sample: peers are not given them. */
function startSameSeries(world: BenchWorld, program: Program): Promise<Subject> {
  return startPushing(world, program, {
    name: names.sameSeries,
    path: "same-series",
    keep: "powermetrics_.*",
  });
}

interface Pushing {
  readonly name: string;
  readonly path: string;
  readonly keep?: string;
}

async function startPushing(
  { running, counting }: BenchWorld,
  program: Program,
  { name, path, ...rest }: Pushing,
): Promise<Subject> {
  const pushTo = `${counting.url(path)}/api/v1/write`;
  const agent = running.use(
    await startAgent({
      program,
      intervalSeconds: 1,
      chip: largeChip,
      pushTo,
      pushEverySeconds: 15,
      ...rest,
    }),
  );
  await untilAnswer(`${agent.origin}/metrics`, "powermetrics_info", agent);
  return { name, process: agent, received: () => counting.received(path) };
}

async function startScraped({ running }: BenchWorld, program: Program): Promise<Subject> {
  const agent = running.use(await startAgent({ program, intervalSeconds: 1, chip: largeChip }));
  await untilAnswer(`${agent.origin}/metrics`, "powermetrics_info", agent);
  running.use(scraping(`${agent.origin}/metrics`));
  return { name: names.scraped, process: agent };
}

function startStock({ running, counting }: BenchWorld): Promise<Subject> {
  const script = fileURLToPath(new URL("./stock-otel-process.ts", import.meta.url));
  const target = `${counting.url("stock")}/v1/metrics`;
  const stock = running.use(startProcess(process.execPath, [script, "push", target, "200"]));
  return Promise.resolve({ name: names.stock, process: stock, received: () => counting.received("stock") });
}

interface Peer {
  readonly name: string;
  readonly needs: string;
  readonly start: (world: BenchWorld, path: string, name: string) => Promise<Subject>;
}

const installed: readonly Peer[] = [
  vmagent(names.vmagent, 15),
  vmagent(names.vmagentLive, 1),
  prometheus(names.prometheus, "prometheus.WriteRequest"),
  prometheus(names.prometheus2, "io.prometheus.write.v2.Request"),
  { name: names.pushgateway, needs: "prometheus-pushgateway", start: startPushgateway },
  { name: names.nodeExporter, needs: "prometheus-node-exporter", start: startNodeExporter },
];

function vmagent(name: string, flushSeconds: number): Peer {
  const key = `vmagent${flushSeconds}`;
  const start: Peer["start"] = (world, path) =>
    startVmagent(world, { path, name, key, config: scrapeConfig(world) }, flushSeconds);
  return { name, needs: "vmagent", start };
}

function prometheus(name: string, message: Parameters<typeof startPrometheusAgent>[2]): Peer {
  const key = `prometheus-${message.includes("v2") ? 2 : 1}`;
  const start: Peer["start"] = (world, path) =>
    startPrometheusAgent(world, { path, name, key, config: scrapeConfig(world) }, message);
  return { name, needs: "prometheus", start };
}

/** The same scrape for everyone who scrapes. */
function scrapeConfig({ counting }: BenchWorld): Record<string, unknown> {
  const targets = [new URL(counting.origin).host];
  return {
    global: { scrape_interval: "1s" },
    scrape_configs: [
      { job_name: "mac-powermetrics", static_configs: [{ targets, labels: { instance: "bench" } }] },
    ],
  };
}

async function startPushgateway({ running }: BenchWorld, path: string, name: string): Promise<Subject> {
  const address = `127.0.0.1:${await freePort()}`;
  const started = running.use(startProcess(path, [`--web.listen-address=${address}`]));
  await untilAnswer(`http://${address}/-/ready`, "", started);
  running.use(pushing(`http://${address}`));
  return { name, process: started };
}

/** Pushes another second's values each second until disposed of. */
function pushing(origin: string): AsyncDisposable {
  const stop = new AbortController();
  const texts = expositions(60);
  const done = (async () => {
    for (let second = 0; !stop.signal.aborted; second++) {
      await pushOnce(origin, texts[second % texts.length] ?? "");
      await wait(1000, undefined, { signal: stop.signal }).catch(() => undefined);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await done;
    },
  };
}

async function startNodeExporter({ running }: BenchWorld, path: string, name: string): Promise<Subject> {
  const address = `127.0.0.1:${await freePort()}`;
  const started = running.use(startProcess(path, [`--web.listen-address=${address}`]));
  await untilAnswer(`http://${address}/metrics`, "node_", started);
  running.use(scraping(`http://${address}/metrics`));
  return { name, process: started };
}
