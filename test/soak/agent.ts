/** The installed agent in a soak: the bundle with its flags as a process, fed by fast, counted tools, and what Linux reports of it. */
import assert from "node:assert/strict";
import { execFile, type ChildProcess } from "node:child_process";
import { on, once } from "node:events";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { promisify } from "node:util";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { runsOf } from "../../src/source/poll.ts";
import { bundled } from "../bench/agent-process.ts";
import { readProcess, startProcess } from "../bench/process.ts";
import { fetchText } from "../cli/agent.ts";
import type { Kind, Receiver } from "../fault/receiver.ts";
import { codeSpaces, megabytes, type Reading } from "./measure.ts";
import { disposableFolder } from "../support/folder.ts";

/** Bytes, files and folders of /proc. */
export interface AgentReading extends Reading {
  readonly private: number;
}

/** What the agent says of itself at this moment. */
const statusSchema = z.object({
  sinks: z.array(
    z.object({
      id: z.string(),
      target: z.string(),
      sent: z.number(),
      dropped: z.record(z.string(), z.number()),
      backlog: z.object({ snapshots: z.number() }),
    }),
  ),
  sources: z.array(
    z.object({ name: z.string(), restarts: z.number(), failures: z.number(), parseErrors: z.number() }),
  ),
  journal: z.object({ durable: z.boolean(), dropped: z.record(z.string(), z.number()) }),
});
export type AgentStatus = z.output<typeof statusSchema>;

export const polled = ["vm_stat", "sysctl", "pmset", "ioreg"] as const;
export type Polled = (typeof polled)[number];

export interface SoakedAgent {
  read(documents: number): Promise<AgentReading>;
  /** All garbage, and what V8 keeps for later: pages, and bytecode of what is not running. */
  collect(): Promise<void>;
  descriptors(): number;
  /** Who holds its private memory, in one line. */
  memory(): string;
  status(): Promise<AgentStatus>;
  /** How often the tool was called for a report, as it says itself. */
  callsOf(tool: Polled): number;
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
  readonly receivers: readonly Receiver[];
}

/** Ends with the test. */
export async function startSoaked(context: TestContext, wish: SoakWish): Promise<SoakedAgent> {
  const bundle = await bundled();
  const [command, ...args] = bundle.program;
  const { path: folder, [Symbol.dispose]: removeFolder } = disposableFolder();
  const [file, journal] = [join(folder, "agent.yaml"), join(folder, "journal.db")];
  const world = { folder, script: args.at(-1) ?? "", journal };
  writeFileSync(file, configuration(wish, world));
  const env = { MAC_POWERMETRICS_SIMULATE: "--chip m4pro --tasks 5", STATE_DIRECTORY: folder, ...givingBack };
  await record(world.script, env, folder);
  const argv = ["--expose-gc", "--import", probe, ...args, "run", "--config", file];
  const started = startProcess(command, argv, { env, ipc: true });
  // In this order: an agent that ends writes to its folder.
  context.after(async () => {
    await started[Symbol.asyncDispose]();
    removeFolder();
    bundle[Symbol.dispose]();
  });
  const { pid, child, complaint } = started;
  const address = await addressOf(child);
  const ask = async (path: string): Promise<string> => (await fetchText(`http://${address}${path}`)) ?? "";
  const descriptors = (): number => readdirSync(`/proc/${pid}/fd`).length;
  let latest: HeapReading | undefined;

  const it: SoakedAgent = {
    async collect() {
      await askProcess(child, true);
    },
    async read(documents) {
      const { rssKb, privateKb } = readProcess(pid);
      latest = await askProcess(child, false);
      return {
        documents,
        heap: latest.heap,
        rss: rssKb * 1024,
        private: privateKb * 1024,
        descriptors: descriptors(),
        journal: sizeOf(journal),
      };
    },
    descriptors,
    memory: () => memoryByHolder(pid, latest),
    status: async () => statusSchema.parse(JSON.parse(await ask("/api/v1/status"))),
    callsOf: (tool) => callsOf(tool, folder),
    metrics: () => ask("/metrics"),
    async until(so, told) {
      let progress = patienceFrom(pid, "");
      for (;;) {
        assert.equal(child.exitCode ?? child.signalCode, null, `the agent ended: ${complaint()}`);
        const answer = await so();
        if (answer !== undefined) return answer;
        const state = told();
        if (state !== progress.state) progress = patienceFrom(pid, state);
        assert.ok(!progress.isSpent(), `no progress: ${state}\n${complaint()}`);
        await wait(50);
      }
    },
    async stop() {
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      await ended;
      return child.exitCode;
    },
  };
  await it.until(
    async () => ((await it.metrics()).includes("mac_agent_build_info") ? true : undefined),
    () => "no answer",
  );
  return it;
}

/**
 * glibc raises its two thresholds with what a process frees, and keeps the most that a backlog ever took. Fixed, what is free goes back
 * to the system, so that what is resident after a collection is what the agent holds (mallopt(3)).
 */
const givingBack = { MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "65536" };

/** As its log says where it listens; empty when it ends before. */
async function addressOf({ stderr }: ChildProcess): Promise<string> {
  let log = "";
  for await (const text of on(stderr ?? assert.fail("its log is not piped"), "data", { close: ["end"] })) {
    log += String(text);
    const [, address] = /"address":"([^"]+)","msg":"listening"/.exec(log) ?? [];
    if (address !== undefined) return address;
  }
  return "";
}

/** CPU of the agent without any progress; on a busy machine it gets that much only after a long time. */
const mostCpuNs = 90e9;
/** For an agent that hangs without using any. */
const mostIdleMs = 900_000;

function patienceFrom(pid: number, state: string): { readonly state: string; isSpent(): boolean } {
  const [cpu, time] = [readProcess(pid).cpuNs, performance.now()];
  return {
    state,
    isSpent: () => readProcess(pid).cpuNs - cpu > mostCpuNs || performance.now() - time > mostIdleMs,
  };
}

/** What the process says of itself, in bytes. */
interface HeapReading {
  /** All that JavaScript holds, its compiled code excluded. */
  readonly heap: number;
  /** Contents of buffers: outside of V8's heap, in malloc's. */
  readonly buffers: number;
  /** What V8 took from the system for each of its spaces, and what of it is in use. */
  readonly spaces: readonly { readonly name: string; readonly taken: number; readonly used: number }[];
}

async function askProcess(child: ChildProcess, collect: boolean): Promise<HeapReading> {
  child.send(collect);
  const [answer] = (await once(child, "message")) as [HeapReading];
  return answer;
}

/**
 * Private memory in megabytes by who holds it: V8's spaces (taken/in use), buffers, malloc's main heap and its arenas, and what is
 * left of the anonymous mappings: stacks of threads and large blocks.
 */
function memoryByHolder(pid: number, reading: HeapReading | undefined): string {
  const sums = new Map<string, number>();
  let holder = "";
  for (const line of readFileSync(`/proc/${pid}/smaps`, "latin1").split("\n")) {
    const mapping = /^([0-9a-f]+)-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)$/.exec(line);
    if (mapping !== null) holder = holderOf(mapping[1] ?? "", mapping[2] ?? "");
    const size = /^Private_Dirty: +(\d+)/.exec(line)?.[1];
    if (size !== undefined) sums.set(holder, (sums.get(holder) ?? 0) + Number(size) * 1024);
  }
  const { spaces = [], buffers = 0 } = reading ?? {};
  const held = spaces.filter(({ taken }) => taken >= 2 ** 18);
  const inSpaces = held.map(
    ({ name, taken, used }) => `${name.replace(/_space$/, "")} ${megabytes(taken)}/${megabytes(used)}`,
  );
  const mapped = [...sums].map(([name, bytes]) => `${name} ${megabytes(bytes)}`);
  return `${mapped.join(", ")}; V8 taken/used: ${inSpaces.join(", ")}; buffers ${megabytes(buffers)}`;
}

/** glibc begins an arena at a multiple of 64 MB. */
function holderOf(start: string, name: string): string {
  if (name === "[heap]") return "malloc's heap";
  if (name !== "") return "files and stacks";
  return BigInt(`0x${start}`) % 0x4000000n === 0n ? "malloc's arenas" : "V8 and large blocks";
}

/** In the agent's process: reports what its heap holds when asked, after a collection where that is asked for, and keeps nothing alive. */
const probe = `data:text/javascript,${encodeURIComponent(`
  import { getHeapSpaceStatistics } from "node:v8";
  process.on("message", (collect) => {
    if (collect) gc({ type: "major", execution: "sync", flavor: "last-resort" });
    const { heapUsed, external, arrayBuffers } = process.memoryUsage();
    const spaces = getHeapSpaceStatistics()
      .map((one) => ({ name: one.space_name, taken: one.physical_space_size, used: one.space_used_size }));
    const code = spaces
      .filter(({ name }) => ${JSON.stringify(codeSpaces)}.includes(name))
      .reduce((sum, { used }) => sum + used, 0);
    process.send({ heap: heapUsed + external - code, buffers: arrayBuffers, spaces });
  });
  process.channel?.unref();
`)}`;

interface Places {
  readonly folder: string;
  readonly script: string;
  readonly journal: string;
}

/** What the agent runs for a report; pmset and ioreg twice. */
function callsFor(tool: Polled): readonly string[] {
  return runsOf(tool, { battery: true, gpu: true }).map((args) => [tool, ...args].join(" "));
}

/** Asked once before and answered from files: on a busy machine a Node.js would not even start within the 2 s that vm_stat has. */
async function record(script: string, env: Readonly<Record<string, string>>, folder: string): Promise<void> {
  for (const call of polled.flatMap(callsFor)) {
    const argv = [script, "simulate", ...call.split(" ")];
    const { stdout } = await promisify(execFile)(process.execPath, argv, { env });
    writeFileSync(join(folder, call), stdout);
  }
}

/** `folder node script simulate tool …`: notes the call, and answers as recorded; what was not recorded is simulated. */
const answering = `
  call="$*"
  call="\${call#* simulate }"
  echo "$call" >> "$0/calls"
  [ -e "$0/$call" ] && exec cat "$0/$call"
  exec "$@"`;

function callsOf(tool: Polled, folder: string): number {
  const file = join(folder, "calls");
  const calls = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
  const [first] = callsFor(tool);
  return calls.filter((call) => call === first).length;
}

/** JSON is YAML. powermetrics falls silent in the end, which is no outage with an interval this long. */
function configuration(wish: SoakWish, { folder, script, journal }: Places): string {
  const hurried = fileURLToPath(new URL("powermetrics.ts", import.meta.url));
  const answered = (tool: Polled, interval: string) => ({
    interval,
    // In a configuration `$` begins a reference.
    command: [
      "/bin/sh",
      "-c",
      answering.replaceAll("$", "$$$$"),
      folder,
      process.execPath,
      script,
      "simulate",
      tool,
    ],
  });
  return JSON.stringify({
    global: { instance: "soak" },
    sources: {
      powermetrics: {
        interval: "1h",
        command: [process.execPath, hurried, String(wish.windowMs), String(wish.documents)],
        tasks: { enabled: true, top: 3 },
      },
      vm_stat: answered("vm_stat", "2s"),
      sysctl: answered("sysctl", "5s"),
      pmset: answered("pmset", "10s"),
      ioreg: answered("ioreg", "10s"),
    },
    journal: { path: journal, max_size: `${wish.maxBytes}B`, commit_interval: "1s", min_free: "0B" },
    web: { listen_addresses: ["127.0.0.1:0"] },
    log: { format: "json" },
    ...receiversIn(wish.receivers),
  });
}

/** No answer comes that late: a request that is given up may have arrived, and would be sent twice. */
const timeout = "1h";

function receiversIn(receivers: readonly Receiver[]) {
  const of = (wanted: Kind): readonly string[] =>
    receivers.filter(({ kind }) => kind === wanted).map(({ origin }) => origin);
  const queue_config = {
    batch_send_deadline: "300ms",
    min_backoff: "20ms",
    max_backoff: "500ms",
    drain_rate: 0,
  };
  return {
    remote_write: of("remote_write").map((origin) => ({
      url: `${origin}/api/v1/write`,
      protobuf_message: "io.prometheus.write.v2.Request",
      remote_timeout: timeout,
      queue_config,
    })),
    otlp: of("otlp").map((endpoint) => ({ endpoint, timeout, queue_config })),
    pushgateway: of("pushgateway").map((url) => ({ url, timeout, interval: "1s" })),
  };
}

/** The shared memory beside a database is none of the bytes that its bound is about. */
function sizeOf(path: string): number {
  const of = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return of(path) + of(`${path}-wal`);
}
