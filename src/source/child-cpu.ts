/** CPU time of the long-running child and of what it started, such as powermetrics behind sudo; Node.js reports only children that ended. */
import { readFileSync } from "node:fs";
import type { Clock } from "../runtime/clock.ts";
import { type Argv, type Spawn, runTool } from "./child.ts";

export interface ChildCpu {
  /** A child was started; the one before it keeps what it had used. */
  started(pid: number): void;
  /** Asks the system; a failure leaves the figure as it was. */
  refresh(signal?: AbortSignal): Promise<void>;
  /** CPU seconds of all children so far; absent until it is known. */
  readonly seconds: number | undefined;
}

export interface ChildCpuOptions {
  /** As `process.platform`. */
  readonly platform: string;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
  readonly spawn?: Spawn;
  /** As `readFileSync` with an encoding. */
  readonly readText?: (path: string) => string;
}

export function childCpu(options: ChildCpuOptions): ChildCpu {
  const { platform, readText = (path: string) => readFileSync(path, "latin1") } = options;
  let pid: number | undefined;
  let before = 0;
  let present: number | undefined;

  return {
    get seconds() {
      return present === undefined && before === 0 ? undefined : before + (present ?? 0);
    },
    started(newPid) {
      before += present ?? 0;
      present = undefined;
      pid = newPid;
    },
    async refresh(signal) {
      if (pid === undefined) return;
      const asked = pid;
      const rows =
        platform === "linux" ? linuxProcesses(asked, readText) : await listedProcesses(options, signal);
      if (pid !== asked) return;
      const seconds = familyTime(rows, asked);
      if (seconds !== undefined) present = Math.max(seconds, present ?? 0);
    },
  };
}

interface ProcessRow {
  readonly pid: number;
  readonly parent: number;
  readonly seconds: number;
}

const ps: Argv = ["/bin/ps", "-A", "-o", "pid=,ppid=,time="];
/** Some 30 bytes a process, and a Mac runs at most a few thousand. */
const mostBytes = 256 * 1024;

async function listedProcesses(
  options: ChildCpuOptions,
  signal: AbortSignal | undefined,
): Promise<readonly ProcessRow[]> {
  const run = await runTool(ps, { ...options, signal, timeoutMs: 2000, maxBytes: mostBytes });
  if (run.status !== "ended") return [];
  return run.stdout
    .toString("latin1")
    .split("\n")
    .flatMap((line) => {
      const [pid = "", parent = "", time = ""] = line.trim().split(/ +/);
      const seconds = parseCpuTime(time);
      return seconds === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), seconds }];
    });
}

/** The kernel's ticks in /proc, proc_pid_stat(5): 100 a second on every system of today. */
const ticksPerSecond = 100;

/** Only this process and those below it. */
function linuxProcesses(pid: number, readText: (path: string) => string): readonly ProcessRow[] {
  try {
    const stat = readText(`/proc/${pid}/stat`);
    // The name in parentheses may hold anything.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [parent = NaN, user = NaN, system = NaN] = [fields[1], fields[11], fields[12]].map(Number);
    const below = readText(`/proc/${pid}/task/${pid}/children`).trim().split(" ").filter(Boolean).map(Number);
    const own = { pid, parent, seconds: (user + system) / ticksPerSecond };
    return [own, ...below.flatMap((child) => linuxProcesses(child, readText))];
  } catch {
    return [];
  }
}

/** Undefined where the process itself is not among the rows. */
function familyTime(rows: readonly ProcessRow[], pid: number): number | undefined {
  const own = rows.find((row) => row.pid === pid);
  if (own === undefined || !Number.isFinite(own.seconds)) return undefined;
  const others = rows.filter((row) => row.pid !== pid);
  const children = others.filter((row) => row.parent === pid);
  return children.reduce((sum, child) => sum + (familyTime(others, child.pid) ?? 0), own.seconds);
}

/** `0:01.25` on macOS, `00:00:01` and `1-02:03:04` on Linux: seconds at the end, each colon a factor of 60, days before a dash. */
export function parseCpuTime(text: string): number | undefined {
  const match = /^(?:(\d{1,9})-)?(?:(\d{1,9}):)?(\d{1,9}):(\d{1,9}(?:\.\d{1,9})?)$/.exec(text.trim());
  if (match === null) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part: string | undefined) => Number(part ?? 0));
  return (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0);
}
