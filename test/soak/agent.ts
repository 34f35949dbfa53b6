/** Owns the installed agent in a soak: the bundle with its flags as a process, a hurried powermetrics before it, and what Linux says of it. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { bundled } from "../bench/agent-process.ts";
import { readProcess, startProcess } from "../bench/process.ts";
import { fetchText, until } from "../cli/agent.ts";
import { freePort } from "../support/free-port.ts";

/** Bytes, files and folders of /proc. */
export interface Reading {
  readonly documents: number;
  readonly rss: number;
  readonly private: number;
  readonly descriptors: number;
  /** Of all its files. */
  readonly journal: number;
}

/** What the agent says of itself at this moment. */
const statusSchema = z.object({
  sinks: z.array(
    z.object({
      target: z.string(),
      sent: z.number(),
      dropped: z.record(z.string(), z.number()),
      backlog: z.object({ snapshots: z.number() }),
    }),
  ),
  sources: z.array(z.object({ name: z.string(), restarts: z.number(), parseErrors: z.number() })),
  journal: z.object({ durable: z.boolean(), dropped: z.record(z.string(), z.number()) }),
});
export type Told = z.output<typeof statusSchema>;

export interface SoakedAgent {
  read(documents: number): Reading;
  status(): Promise<Told>;
  /** The answer of /metrics. */
  metrics(): Promise<string>;
  /** Waits for a condition; fails when the agent ends meanwhile. */
  until<T>(ask: () => T | undefined | Promise<T | undefined>, complaint: () => string): Promise<T>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
}

export interface SoakWish {
  readonly documents: number;
  readonly windowMs: number;
  readonly maxBytes: number;
  /** Remote write goes to all of them. */
  readonly pushTo: readonly string[];
}

/** Ends with the test. */
export async function startSoaked(context: TestContext, wish: SoakWish): Promise<SoakedAgent> {
  const bundle = await bundled();
  const [command, ...args] = bundle.program;
  const folder = mkdtempSync(join(tmpdir(), "soak-agent-"));
  const address = `127.0.0.1:${await freePort()}`;
  const [file, journal] = [join(folder, "agent.yaml"), join(folder, "journal.db")];
  writeFileSync(file, configuration(wish, args.at(-1) ?? "", address, journal));
  const env = { MAC_POWERMETRICS_SIMULATE: "--chip m4pro", STATE_DIRECTORY: folder };
  const started = startProcess(command, [...args, "run", "--config", file], { env });
  // In this order: an agent that ends writes to its folder.
  context.after(async () => {
    await started[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
    bundle[Symbol.dispose]();
  });
  const { pid, child, complaint } = started;
  const ask = async (path: string): Promise<string> => (await fetchText(`http://${address}${path}`)) ?? "";

  const it: SoakedAgent = {
    read: (documents) => ({ documents, ...readingOf(pid), journal: sizeOf(journal) }),
    status: async () => statusSchema.parse(JSON.parse(await ask("/api/v1/status"))),
    metrics: () => ask("/metrics"),
    until: (so, told) =>
      until(
        () => {
          assert.equal(child.exitCode ?? child.signalCode, null, `the agent ended: ${complaint()}`);
          return so();
        },
        () => `${told()}\n${complaint()}`,
      ),
    async stop() {
      await started[Symbol.asyncDispose]();
      return child.exitCode;
    },
  };
  await it.until(
    async () => ((await it.metrics()).includes("mac_agent_build_info") ? true : undefined),
    () => "no answer",
  );
  return it;
}

/** JSON is YAML. powermetrics falls silent in the end, which is no outage with an interval this long. */
function configuration(wish: SoakWish, script: string, address: string, journal: string): string {
  const hurried = fileURLToPath(new URL("powermetrics.ts", import.meta.url));
  const polled = (tool: string, interval: string) => ({
    interval,
    command: [process.execPath, script, "simulate", tool],
  });
  return JSON.stringify({
    global: { instance: "soak" },
    sources: {
      powermetrics: {
        interval: "1h",
        command: [process.execPath, hurried, String(wish.windowMs), String(wish.documents)],
      },
      vm_stat: polled("vm_stat", "2s"),
      sysctl: polled("sysctl", "5s"),
      pmset: polled("pmset", "10s"),
    },
    journal: { path: journal, max_size: `${wish.maxBytes}B`, commit_interval: "1s", min_free: "0B" },
    web: { listen_addresses: [address] },
    log: { level: "error" },
    remote_write: wish.pushTo.map((url) => ({
      url,
      protobuf_message: "io.prometheus.write.v2.Request",
      queue_config: {
        batch_send_deadline: "300ms",
        min_backoff: "20ms",
        max_backoff: "500ms",
        drain_rate: 0,
      },
    })),
  });
}

function readingOf(pid: number): Pick<Reading, "rss" | "private" | "descriptors"> {
  const { rssKb, privateKb } = readProcess(pid);
  return {
    rss: rssKb * 1024,
    private: privateKb * 1024,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  };
}

/** The shared memory beside a database is none of the bytes that its bound is about. */
function sizeOf(path: string): number {
  const of = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return of(path) + of(`${path}-wal`);
}
