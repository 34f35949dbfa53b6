/** The machine that is looked at: its tools, as they are or as stubs under a prefix, each run bounded in time and size. */
import { existsSync } from "node:fs";
import { StringDecoder } from "node:string_decoder";
import type { CpuInfo } from "node:os";
import type { System } from "../daemon/system.ts";
import { startLimit, type Clock } from "../runtime/clock.ts";
import { spawnChild, type Argv, type ChildExit } from "../source/child.ts";
import type { SourceName } from "../parse/sample.ts";

export interface Machine {
  readonly clock: Clock;
  /** What the tools see of our environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly prefix: string;
  /** The command that runs this agent again. */
  readonly self: Argv;
  /** Whether macOS' own tools are here: on a Mac, or as stubs under a prefix. */
  readonly isMac: boolean;
  readonly commands: Readonly<Record<SourceName, Argv>>;
  /** What the collectors need of powermetrics, and what of it this one has. */
  readonly neededSamplers: readonly string[];
  readonly samplers: readonly string[];
  readonly runAs: string;
  /** Who called us, as far as the environment says. */
  readonly users: readonly (string | undefined)[];
  /** Receivers in the local network, which macOS may keep a program from. */
  readonly localTargets: readonly { readonly host: string; readonly port: number }[];
  /** The installed agent, for its account and its files. */
  readonly system: System;
  readonly pace: Pace;
  readonly cpus: () => readonly CpuInfo[];
}

/** How long things are watched: what a person waits for some 90 s, and a test for less. */
export interface Pace {
  /** Of the stream. Not a whole second: its documents have whole seconds only, and so fall on different fractions of one. */
  readonly intervalMs: number;
  readonly documents: number;
  readonly commits: number;
  /** Timers and windows of 100 ms that a job measures. */
  readonly cadence: number;
  /** Of a launchd job; launchd's own least is 10 s. */
  readonly throttleSeconds: number;
  readonly sleepSeconds: number;
  /** Between two looks at something that is waited for. */
  readonly lookMs: number;
}

export const humanPace: Pace = {
  intervalMs: 1300,
  documents: 8,
  commits: 100,
  cadence: 30,
  throttleSeconds: 10,
  sleepSeconds: 30,
  lookMs: 500,
};

/** One run of a tool: everything that it said, and how it ended. */
export interface Output {
  readonly argv: Argv;
  /** The exit status; -1 where there was none. */
  readonly code: number;
  /** `exit status 0`, `signal SIGKILL`, `no end within 10 s`. */
  readonly end: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

interface RunLimits {
  readonly signal: AbortSignal;
  /** 10 s by default. */
  readonly limitMs?: number;
  /** Of standard output and of standard error each; 1 MiB by default. */
  readonly maxBytes?: number;
}

/** macOS' own tool at this path, or its stub. */
export function pathOf({ prefix }: Pick<Machine, "prefix">, path: string): string {
  return `${prefix}${path}`;
}

/** A command of the configuration can be somewhere else than on a Mac: a stub, a wrapper, or the simulator. Linux has a sysctl too. */
export function hasTool({ isMac }: Pick<Machine, "isMac">, [program = ""]: Argv): boolean {
  return isMac || (program !== "/usr/sbin/sysctl" && existsSync(program));
}

/** Never rejects: a tool that is not there is an output too. */
export async function runTool(
  { clock, environment }: Pick<Machine, "clock" | "environment">,
  argv: Argv,
  { signal, limitMs = 10_000, maxBytes = 1024 * 1024 }: RunLimits,
): Promise<Output> {
  const start = clock.monotonic();
  const out = collector(maxBytes);
  const err = collector(maxBytes);
  let cut: string | undefined = signal.aborted ? "stopped" : undefined;
  const child = spawnChild(argv, {
    clock,
    environment,
    graceMs: 500,
    onStdout: (chunk) => out.push(chunk) || stop(`more than ${maxBytes} bytes of output`),
    onStderr: (chunk) => err.push(chunk) || stop(`more than ${maxBytes} bytes of errors`),
  });
  function stop(why: string): void {
    cut ??= why;
    void child.stop();
  }
  const onAbort = (): void => stop("stopped");
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  using _limit = startLimit(clock, limitMs, () => stop(`no end within ${seconds(limitMs)}`));
  const exit = await child.ended;
  signal.removeEventListener("abort", onAbort);
  return {
    argv,
    code: exit.kind === "exited" && cut === undefined ? exit.code : -1,
    end: cut ?? wordsOf(exit),
    stdout: out.text(),
    stderr: err.text(),
    durationMs: Math.round(clock.monotonic() - start),
  };
}

interface Collector {
  /** False once there is too much. */
  push(chunk: Buffer): boolean;
  text(): string;
}

/** A text that had to be cut ends with a whole line: half a name would not be recognized as one. */
function collector(maxBytes: number): Collector {
  const decoder = new StringDecoder("utf8");
  let text = "";
  let length = 0;
  return {
    push(chunk) {
      length += chunk.length;
      if (length <= maxBytes) text += decoder.write(chunk);
      return length <= maxBytes;
    },
    text: () => (length <= maxBytes ? text + decoder.end() : text.slice(0, text.lastIndexOf("\n") + 1)),
  };
}

export function wordsOf(exit: ChildExit): string {
  switch (exit.kind) {
    case "not_started":
      return exit.code === "ENOENT" ? "not there" : `cannot start: ${exit.message}`;
    case "exited":
      return `exit status ${exit.code}`;
    case "signalled":
      return `signal ${exit.signal}`;
    case "abandoned":
      return "cannot be ended";
  }
}

export function seconds(ms: number): string {
  return `${Number((ms / 1000).toPrecision(3))} s`;
}

/** The value that this share of all is at or below; NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Looks until there is something, or the time is over. */
export async function waitFor<T>(
  { clock, pace }: Pick<Machine, "clock" | "pace">,
  limitMs: number,
  signal: AbortSignal,
  look: () => T | undefined | Promise<T | undefined>,
): Promise<T | undefined> {
  const deadline = clock.monotonic() + limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || signal.aborted || clock.monotonic() >= deadline) return found;
    await clock.sleep(pace.lookMs, signal);
  }
}
