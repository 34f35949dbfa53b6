/** Starts the programs that scrape and push by remote write as their documentation does: vmagent and Prometheus' agent. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../support/free-port.ts";
import { untilAnswer } from "./agent-process.ts";
import { startProcess, type Started } from "./process.ts";
import type { CountingReceiver } from "./receiver.ts";
import type { Subject } from "./windows.ts";

export interface BenchWorld {
  /** Ends everything that was started. */
  readonly running: AsyncDisposableStack;
  readonly counting: CountingReceiver;
  /** For configurations and queues. */
  readonly folder: string;
}

export interface ScraperWish {
  /** The program. */
  readonly path: string;
  readonly name: string;
  /** Under which the receiver counts. */
  readonly key: string;
  /** `scrape_configs`, and `global` where it is wanted. */
  readonly config: Readonly<Record<string, unknown>>;
}

export async function startVmagent(
  world: BenchWorld,
  wish: ScraperWish,
  flushSeconds: number,
): Promise<Subject> {
  const address = `127.0.0.1:${await freePort()}`;
  const started = world.running.use(
    startProcess(wish.path, [
      `-promscrape.config=${configFile(world, wish.key, wish.config)}`,
      `-remoteWrite.url=${receiverOf(world, wish)}`,
      "-remoteWrite.forcePromProto",
      `-remoteWrite.flushInterval=${flushSeconds}s`,
      `-remoteWrite.tmpDataPath=${join(world.folder, wish.key)}`,
      `-httpListenAddr=${address}`,
      "-loggerLevel=ERROR",
    ]),
  );
  return ready(world, wish, started, `http://${address}/health`);
}

/** @param message the version of remote write, as Prometheus names it */
export async function startPrometheusAgent(
  world: BenchWorld,
  wish: ScraperWish,
  message: "prometheus.WriteRequest" | "io.prometheus.write.v2.Request",
): Promise<Subject> {
  const remote_write = [{ url: receiverOf(world, wish), protobuf_message: message }];
  const address = `127.0.0.1:${await freePort()}`;
  const started = world.running.use(
    startProcess(wish.path, [
      "--agent",
      `--config.file=${configFile(world, wish.key, { ...wish.config, remote_write })}`,
      `--storage.agent.path=${join(world.folder, wish.key)}`,
      `--web.listen-address=${address}`,
      "--log.level=error",
    ]),
  );
  return ready(world, wish, started, `http://${address}/-/ready`);
}

function receiverOf({ counting }: BenchWorld, { key }: ScraperWish): string {
  return `${counting.url(key)}/api/v1/write`;
}

/** JSON is YAML. */
function configFile({ folder }: BenchWorld, key: string, config: object): string {
  const path = join(folder, `${key}.yml`);
  writeFileSync(path, JSON.stringify(config));
  return path;
}

async function ready(
  { counting }: BenchWorld,
  { name, key }: ScraperWish,
  process: Started,
  url: string,
): Promise<Subject> {
  await untilAnswer(url, "", process);
  return { name, process, received: () => counting.received(key) };
}
