/** Prometheus and VictoriaMetrics as receivers of remote write in tests, on a port that stays theirs through a stop and a start. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fetchText, until } from "../../cli/agent.ts";
import { findReceiver } from "../../support/receivers.ts";
import { freePort } from "../../support/free-port.ts";
import { disposableFolder } from "../../support/folder.ts";

export interface Database {
  /** Where samples are written. */
  readonly url: string;
  readonly ask: (path: string) => Promise<string>;
  readonly start: () => Promise<void>;
  /** As a power cut would. */
  readonly stop: () => Promise<void>;
}

type Flags = (address: string, folder: string) => readonly string[];

/** Takes samples of the last three days in any order. */
export function prometheus(t: TestContext, outOfOrder: "72h" | "0s" = "72h"): Promise<Database> {
  return database(t, "prometheus", "/-/ready", (address, folder) => {
    const config = join(folder, "prometheus.yml");
    writeFileSync(config, `storage: { tsdb: { out_of_order_time_window: ${outOfOrder} } }\n`);
    return [
      `--config.file=${config}`,
      "--web.enable-remote-write-receiver",
      `--web.listen-address=${address}`,
      `--storage.tsdb.path=${join(folder, "tsdb")}`,
      "--log.level=error",
    ];
  });
}

/** Keeps a sample that is sent twice twice. */
export function victoria(t: TestContext): Promise<Database> {
  return database(t, "victoria-metrics", "/health", (address, folder) => [
    `-httpListenAddr=${address}`,
    `-storageDataPath=${folder}`,
    "-retentionPeriod=100y",
    "-search.latencyOffset=0s",
  ]);
}

async function database(t: TestContext, name: string, ready: string, flags: Flags): Promise<Database> {
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder();
  const address = `127.0.0.1:${await freePort()}`;
  const origin = `http://${address}`;
  let child: ChildProcess | undefined;

  async function stop(): Promise<void> {
    if (child === undefined) return;
    const ended = once(child, "exit");
    if (child.kill("SIGKILL")) await ended;
    child = undefined;
  }
  t.after(async () => {
    await stop();
    removeFolder();
  });
  const it: Database = {
    url: `${origin}/api/v1/write`,
    ask: async (path) => (await fetchText(origin + path)) ?? "",
    async start() {
      child = spawn(findReceiver(name) ?? name, flags(address, folder), { stdio: "ignore" });
      await until(
        () => fetchText(origin + ready),
        () => `cannot start ${name} at ${address}`,
      );
    },
    stop,
  };
  await it.start();
  return it;
}
