/** Starts each peer of the comparison the way its documentation does, one function a peer. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findReceiver } from "../support/receivers.ts";
import { scraping } from "./agent.ts";
import { startAgent, untilAnswer, type Program } from "./agent-process.ts";
import { startProcess } from "./process.ts";
import { pushOnce } from "./pushgateway.ts";
import type { CountingReceiver } from "./receiver.ts";
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

interface World {
  /** Ends everything that was started. */
  readonly running: AsyncDisposableStack;
  readonly counting: CountingReceiver;
  readonly folder: string;
}

export async function startPeers(
  running: AsyncDisposableStack,
  program: Program,
  counting: CountingReceiver,
): Promise<{ readonly subjects: readonly Subject[]; readonly skipped: readonly Skipped[] }> {
  const { path: folder } = running.use(disposableFolder());
  const world: World = { running, counting, folder };
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

function startOurs(world: World, program: Program): Promise<Subject> {
  return startPushing(world, program, { name: names.ours, path: "ours" });
}

/** Its own metrics, vm_stat and pmset are few samples of many series, which cost more a sample: peers are not given them. */
function startSameSeries(world: World, program: Program): Promise<Subject> {
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
  { running, counting }: World,
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

async function startScraped({ running }: World, program: Program): Promise<Subject> {
  const agent = running.use(await startAgent({ program, intervalSeconds: 1, chip: largeChip }));
  await untilAnswer(`${agent.origin}/metrics`, "powermetrics_info", agent);
  running.use(scraping(`${agent.origin}/metrics`));
  return { name: names.scraped, process: agent };
}

function startStock({ running, counting }: World): Promise<Subject> {
  const script = fileURLToPath(new URL("./stock-otel-process.ts", import.meta.url));
  const target = `${counting.url("stock")}/v1/metrics`;
  const stock = running.use(startProcess(process.execPath, [script, "push", target, "200"]));
  return Promise.resolve({ name: names.stock, process: stock, received: () => counting.received("stock") });
}

interface Peer {
  readonly name: string;
  readonly needs: string;
  readonly start: (world: World, path: string, name: string) => Promise<Subject>;
}

const installed: readonly Peer[] = [
  {
    name: names.vmagent,
    needs: "vmagent",
    start: (world, path, name) => startVmagent(world, path, name, 15),
  },
  {
    name: names.vmagentLive,
    needs: "vmagent",
    start: (world, path, name) => startVmagent(world, path, name, 1),
  },
  {
    name: names.prometheus,
    needs: "prometheus",
    start: (world, path, name) => startPrometheus(world, path, name, "prometheus.WriteRequest"),
  },
  {
    name: names.prometheus2,
    needs: "prometheus",
    start: (world, path, name) => startPrometheus(world, path, name, "io.prometheus.write.v2.Request"),
  },
  { name: names.pushgateway, needs: "prometheus-pushgateway", start: startPushgateway },
  { name: names.nodeExporter, needs: "prometheus-node-exporter", start: startNodeExporter },
];

/** The same scrape for everyone who scrapes; JSON is YAML. */
function scrapeConfig({ counting }: World): Record<string, unknown> {
  const targets = [new URL(counting.origin).host];
  return {
    global: { scrape_interval: "1s" },
    scrape_configs: [
      { job_name: "mac-powermetrics", static_configs: [{ targets, labels: { instance: "bench" } }] },
    ],
  };
}

async function startVmagent(
  world: World,
  path: string,
  name: string,
  flushSeconds: number,
): Promise<Subject> {
  const key = `vmagent${flushSeconds}`;
  const config = join(world.folder, `${key}.yml`);
  writeFileSync(config, JSON.stringify(scrapeConfig(world)));
  const address = `127.0.0.1:${await freePort()}`;
  const started = world.running.use(
    startProcess(path, [
      `-promscrape.config=${config}`,
      `-remoteWrite.url=${world.counting.url(key)}/api/v1/write`,
      "-remoteWrite.forcePromProto",
      `-remoteWrite.flushInterval=${flushSeconds}s`,
      `-remoteWrite.tmpDataPath=${join(world.folder, key)}`,
      `-httpListenAddr=${address}`,
      "-loggerLevel=ERROR",
    ]),
  );
  await untilAnswer(`http://${address}/health`, "OK", started);
  return { name, process: started, received: () => world.counting.received(key) };
}

async function startPrometheus(world: World, path: string, name: string, message: string): Promise<Subject> {
  const key = `prometheus-${message.includes("v2") ? 2 : 1}`;
  const config = join(world.folder, `${key}.yml`);
  const remote_write = [{ url: `${world.counting.url(key)}/api/v1/write`, protobuf_message: message }];
  writeFileSync(config, JSON.stringify({ ...scrapeConfig(world), remote_write }));
  const address = `127.0.0.1:${await freePort()}`;
  const started = world.running.use(
    startProcess(path, [
      "--agent",
      `--config.file=${config}`,
      `--storage.agent.path=${join(world.folder, key)}`,
      `--web.listen-address=${address}`,
      "--log.level=error",
    ]),
  );
  await untilAnswer(`http://${address}/-/ready`, "", started);
  return { name, process: started, received: () => world.counting.received(key) };
}

async function startPushgateway({ running }: World, path: string, name: string): Promise<Subject> {
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

async function startNodeExporter({ running }: World, path: string, name: string): Promise<Subject> {
  const address = `127.0.0.1:${await freePort()}`;
  const started = running.use(startProcess(path, [`--web.listen-address=${address}`]));
  await untilAnswer(`http://${address}/metrics`, "node_", started);
  running.use(scraping(`http://${address}/metrics`));
  return { name, process: started };
}
