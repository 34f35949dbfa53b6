/** Owns the receiver of a fleet: one that runs somewhere, or a program of this machine, started fresh and measured by /proc. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { readProcess, startProcess, type Reading, type Started } from "../bench/process.ts";
import { findReceiver } from "../support/receivers.ts";
import { freePort } from "../support/free-port.ts";

export interface FleetReceiver extends AsyncDisposable {
  /** Where remote write goes. */
  readonly url: string;
  /** Of its process; absent when it is none of ours. */
  read(): Reading | undefined;
  /** Samples that it counts as stored; absent when it does not tell. */
  stored(): Promise<number | undefined>;
}

const programs: Readonly<Record<string, Program>> = {
  "victoria-metrics": {
    path: "/api/v1/write",
    counter: /^vm_rows_inserted_total\{type="promremotewrite"\} (\S+)/m,
    flags: (address, folder) => [
      `-httpListenAddr=${address}`,
      `-storageDataPath=${folder}`,
      "-loggerLevel=ERROR",
    ],
  },
  prometheus: {
    path: "/api/v1/write",
    counter: /^prometheus_tsdb_head_samples_appended_total\{type="float"\} (\S+)/m,
    flags(address, folder) {
      const config = join(folder, "prometheus.yml");
      writeFileSync(config, "storage: { tsdb: { out_of_order_time_window: 7d } }\n");
      return [
        `--config.file=${config}`,
        `--storage.tsdb.path=${folder}`,
        `--web.listen-address=${address}`,
        "--web.enable-remote-write-receiver",
        // Each Mac keeps a connection open; Prometheus lets 512 in unless told, and the others wait unanswered.
        "--web.max-connections=100000",
        "--log.level=error",
      ];
    },
  },
};

interface Program {
  readonly path: string;
  /** Its own count of stored samples, on /metrics. */
  readonly counter: RegExp;
  readonly flags: (address: string, folder: string) => readonly string[];
}

/** @param wanted the URL of a remote write receiver, or the name of a program: victoria-metrics, prometheus */
export async function openReceiver(wanted: string): Promise<FleetReceiver> {
  const program = programs[wanted];
  if (program === undefined) return elsewhere(wanted);
  const path = findReceiver(wanted);
  if (path === undefined)
    throw new Error(`cannot start ${wanted}: it is neither on PATH nor in RECEIVERS_DIR`);
  const folder = mkdtempSync(join(tmpdir(), "fleet-"));
  const address = `127.0.0.1:${await freePort()}`;
  const started = startProcess(path, program.flags(address, folder));
  const origin = `http://${address}`;
  await untilReady(origin, started);
  return {
    url: origin + program.path,
    read: () => readProcess(started.pid),
    stored: () => storedSamples(origin, program.counter),
    async [Symbol.asyncDispose]() {
      await started[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function elsewhere(url: string): FleetReceiver {
  if (URL.parse(url)?.protocol.startsWith("http") !== true)
    throw new Error(`receiver must be an http URL or one of ${Object.keys(programs).join(", ")}, got ${url}`);
  return {
    url,
    read: () => undefined,
    stored: () => Promise.resolve(undefined),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function untilReady(origin: string, { complaint, child }: Started): Promise<void> {
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
    const answer = await fetch(`${origin}/health`).catch(() => undefined);
    const other = answer?.ok === true ? answer : await fetch(`${origin}/-/ready`).catch(() => undefined);
    if (other?.ok === true) return;
    await wait(50);
  }
  throw new Error(`cannot start a receiver: not ready at ${origin}; ${complaint()}`);
}

/** Several lines may hold it, one for each kind. */
async function storedSamples(origin: string, counter: RegExp): Promise<number | undefined> {
  const answer = await fetch(`${origin}/metrics`).catch(() => undefined);
  const count = counter.exec((await answer?.text()) ?? "")?.[1];
  return count === undefined ? undefined : Number(count);
}
