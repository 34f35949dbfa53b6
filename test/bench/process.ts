/** Runs processes under measurement: starts them, reads what Linux counts of them, ends them by their id. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../support/free-port.ts";

/** Why processes can't be measured here; absent where they can. */
export const noProc = existsSync("/proc/self/smaps_rollup") ? undefined : "no /proc as Linux has it";

export interface Reading {
  /** Nanoseconds on a CPU, of all threads, children excluded. */
  readonly cpuNs: number;
  /** Voluntary context switches of all threads: each is a sleep that something ended. */
  readonly wakeups: number;
  readonly rssKb: number;
  /** Memory that would come back if the process ended. */
  readonly privateKb: number;
}

export function readProcess(pid: number): Reading {
  const folder = `/proc/${pid}`;
  let cpuNs = 0;
  let wakeups = 0;
  for (const thread of readdirSync(`${folder}/task`)) {
    const own = `${folder}/task/${thread}`;
    cpuNs += Number(read(`${own}/schedstat`).split(" ")[0] ?? 0);
    wakeups += field(read(`${own}/status`), "voluntary_ctxt_switches");
  }
  const memory = read(`${folder}/smaps_rollup`);
  const privateKb = field(memory, "Private_Clean") + field(memory, "Private_Dirty");
  return { cpuNs, wakeups, rssKb: field(memory, "Rss"), privateKb };
}

/** A thread may end while it is read. */
function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

function field(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);
}

/** What a process cost between two readings. */
export interface Cost {
  readonly cpuSecondsPerHour: number;
  readonly wakeupsPerSecond: number;
  readonly rssMb: number;
  readonly privateMb: number;
}

export function costBetween(before: Reading, after: Reading, seconds: number): Cost {
  return {
    cpuSecondsPerHour: ((after.cpuNs - before.cpuNs) / 1e9 / seconds) * 3600,
    wakeupsPerSecond: (after.wakeups - before.wakeups) / seconds,
    rssMb: after.rssKb / 1024,
    privateMb: after.privateKb / 1024,
  };
}

export interface Started extends AsyncDisposable {
  readonly pid: number;
  readonly child: ChildProcess;
  /** The last of what it said on standard error. */
  readonly complaint: () => string;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Opens a channel for messages; only another Node has one. */
  readonly ipc?: boolean;
}

/** Runs until it is disposed of: SIGTERM, and SIGKILL after three seconds. */
export function startProcess(command: string, args: readonly string[], options: StartOptions = {}): Started {
  const child = spawn(command, args, {
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "ignore", "pipe", ...(options.ipc === true ? ["ipc" as const] : [])],
  });
  let tail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (tail = (tail + text).slice(-2000)));
  child.on("error", (error) => (tail += error.message));
  return {
    pid: child.pid ?? -1,
    child,
    complaint: () => tail.trim(),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const ended = once(child, "exit");
      child.kill("SIGTERM");
      const late = new AbortController();
      const killed = wait(3000, undefined, { signal: late.signal }).then(
        () => child.kill("SIGKILL"),
        () => false,
      );
      await ended;
      late.abort();
      await killed;
    },
  };
}

/** What no program on Node.js is quicker than: an HTTP server that says so many bytes and does nothing else. */
export async function startBare(bytes: number): Promise<Started & { readonly origin: string }> {
  const port = await freePort();
  const script = `const body = Buffer.alloc(${bytes}, "a"); require("node:http").createServer((_, response) => response.end(body)).listen(${port}, "127.0.0.1")`;
  return { ...startProcess(process.execPath, ["-e", script]), origin: `http://127.0.0.1:${port}` };
}

/** The next message of a child with a channel; rejects when it ends without one. */
export async function message(started: Started): Promise<unknown> {
  const ending = new AbortController();
  const ended = once(started.child, "exit", { signal: ending.signal }).then(() => {
    throw new Error(`unexpected end of a measured process: ${started.complaint()}`);
  });
  try {
    const [received] = (await Promise.race([once(started.child, "message"), ended])) as unknown[];
    return received;
  } finally {
    ending.abort();
    ended.catch(() => undefined);
  }
}
