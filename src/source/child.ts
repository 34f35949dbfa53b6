/**
 * Child processes: the only place that spawns. `spawnChild` starts one that runs on, `spawnGroup` one that starts others, `runTool` runs one to its end.
 *
 *     spawnChild ──► running ──(ends by itself)──────────────────────► ended
 *                       └─ stop ─► SIGTERM ─grace─► SIGKILL ─1 s─► abandoned
 *
 * At SIGTERM the agent stops its children. At SIGKILL the kernel closes the pipes: the simulator and the shell of the polled tools see the end of their
 * input, and Apple's tools die of SIGPIPE at their next write. Only a tool that hangs outlives the agent then, and the shell that waits for it.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { isAbsolute } from "node:path";
import type { Readable, Writable } from "node:stream";
import { causeOf, codeOf } from "../runtime/cause.ts";
import { startLimit, type Clock, type Timer, type TimerOptions } from "../runtime/clock.ts";
import { collectOutput, type Output } from "./output.ts";

/** An absolute path and its arguments, from configuration and never from input. There is no PATH search. */
export type Argv = readonly string[];

export type ChildExit =
  | { readonly kind: "not_started"; readonly code: string; readonly message: string }
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "signalled"; readonly signal: string }
  /** Not ours to signal (another user's, after the agent gave up root) and still alive when we let go of its pipes. */
  | { readonly kind: "abandoned" };

export interface Child {
  readonly pid: number | undefined;
  /** Resolves once, when the process has ended and its output is read; never rejects. */
  readonly ended: Promise<ChildExit>;
  /** Asks, then forces; resolves as `ended` does. Calling it again changes nothing. */
  stop(): Promise<ChildExit>;
}

/** A child that leads a process group, and is ended together with it, by SIGKILL at once. */
export interface GroupLeader extends Child {
  /** To its standard input; nothing where it has ended. */
  write(text: string): void;
  /** Whether any process of the group is still there. */
  isGroupLeft(): boolean;
}

export interface ChildOptions {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
  /** Between SIGTERM and SIGKILL; default 500 ms. */
  readonly graceMs?: number;
}

export type Spawn = (argv: Argv, options: ChildOptions) => Child;
export type SpawnGroup = (argv: Argv, options: ChildOptions) => GroupLeader;

/** The simulated tools are started through Node.js, and start in a third of the time with its cache of compiled code. */
const passedOn = ["PATH", "MAC_POWERMETRICS_SIMULATE", "NODE_COMPILE_CACHE"];

/** What a child sees of our environment: enough to run and to print English, and nothing secret. */
export function childEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = { LANG: "C", LC_ALL: "C" };
  for (const name of passedOn) {
    const value = environment[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}

type Process = ChildProcessByStdio<Writable, Readable, Readable>;

/** The whole agent has 2 s to stop: most of it must be left for the receivers. */
const graceMs = 500;
/** How long output may stay open after the process is gone, as a grandchild can hold it. */
export const lingerMs = 1000;

export const spawnChild: Spawn = (argv, options) => start(argv, options, false);
export const spawnGroup: SpawnGroup = (argv, options) => start(argv, options, true);

function start(argv: Argv, options: ChildOptions, leadsGroup: boolean): GroupLeader {
  const [file, ...args] = argv;
  if (file === undefined || !isAbsolute(file)) {
    return notStarted(
      "EINVAL",
      `a command must begin with an absolute path, got ${JSON.stringify(file ?? "")}`,
    );
  }
  try {
    const child = spawn(file, args, {
      cwd: "/",
      env: { ...options.environment },
      stdio: ["pipe", "pipe", "pipe"],
      windowsHide: true,
      detached: leadsGroup,
    });
    return new SupervisedChild(child, options, leadsGroup);
  } catch (error) {
    return notStarted(codeOf(error) ?? "UNKNOWN", causeOf(error));
  }
}

function notStarted(code: string, message: string): GroupLeader {
  const ended = Promise.resolve({ kind: "not_started", code, message } as const);
  return { pid: undefined, ended, stop: () => ended, write: () => undefined, isGroupLeft: () => false };
}

/** One process under supervision; see the picture above. */
class SupervisedChild implements GroupLeader {
  readonly pid: number | undefined;
  readonly ended: Promise<ChildExit>;
  readonly #process: Process;
  readonly #options: ChildOptions;
  readonly #leadsGroup: boolean;
  readonly #resolve: (exit: ChildExit) => void;
  #timer: Timer | undefined;
  #stopping = false;
  #settled = false;

  constructor(child: Process, options: ChildOptions, leadsGroup: boolean) {
    const { promise, resolve } = Promise.withResolvers<ChildExit>();
    this.pid = child.pid;
    this.ended = promise;
    this.#process = child;
    this.#options = options;
    this.#leadsGroup = leadsGroup;
    this.#resolve = resolve;
    this.#listen();
  }

  stop(): Promise<ChildExit> {
    if (this.#stopping || this.#settled) return this.ended;
    this.#stopping = true;
    if (this.#leadsGroup) {
      this.#force();
      return this.ended;
    }
    this.#process.stdin.destroy();
    this.#process.kill("SIGTERM");
    this.#startTimer(this.#options.graceMs ?? graceMs, () => this.#force());
    return this.ended;
  }

  write(text: string): void {
    if (this.#process.stdin.writable) this.#process.stdin.write(text);
  }

  isGroupLeft(): boolean {
    if (this.pid === undefined) return false;
    try {
      return process.kill(-this.pid, 0);
    } catch (error) {
      return codeOf(error) === "EPERM";
    }
  }

  #listen(): void {
    const child = this.#process;
    child.stdout.on("data", (chunk: Buffer) => {
      if (!this.#settled) this.#options.onStdout(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      if (!this.#settled) this.#options.onStderr(chunk);
    });
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.on("error", () => undefined);
    child.on("exit", (code, signal) => {
      const align: TimerOptions = this.#stopping ? {} : { align: "late" };
      this.#startTimer(lingerMs, () => this.#settle(exitOf(code, signal)), align);
    });
    child.on("close", (code, signal) => {
      if (this.pid !== undefined) this.#settle(exitOf(code, signal));
    });
    child.on("error", (error) => {
      if (this.pid === undefined)
        this.#settle({ kind: "not_started", code: codeOf(error) ?? "UNKNOWN", message: causeOf(error) });
      // Only a refused signal comes here: the child is root's. Its next write into a closed pipe ends it.
      else closeOutput(child);
    });
  }

  #force(): void {
    const isSent = this.#leadsGroup ? killGroup(this.pid) : this.#process.kill("SIGKILL");
    closeOutput(this.#process);
    // Root's child takes no signal of ours once root is given up, and ends at its next write, which may be an interval away.
    if (isSent) this.#startTimer(lingerMs, () => this.#abandon());
    else this.#abandon();
  }

  #abandon(): void {
    this.#process.unref();
    this.#settle({ kind: "abandoned" });
  }

  #settle(exit: ChildExit): void {
    this.#settled = true;
    this.#timer?.[Symbol.dispose]();
    closeOutput(this.#process);
    this.#resolve(exit);
  }

  #startTimer(ms: number, callback: () => void, how?: TimerOptions): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#options.clock.after(ms, callback, how);
  }
}

/** False where it is another user's, or gone. */
function killGroup(leader: number | undefined): boolean {
  try {
    return leader !== undefined && process.kill(-leader, "SIGKILL");
  } catch {
    return false;
  }
}

function closeOutput(child: Process): void {
  child.stdin.destroy();
  child.stdout.destroy();
  child.stderr.destroy();
}

function exitOf(code: number | null, signal: NodeJS.Signals | null): ChildExit {
  return signal === null ? { kind: "exited", code: code ?? 0 } : { kind: "signalled", signal };
}

/** The bound that a run met. */
type Cut = "timeout" | "oversized" | "stopped";

export type ToolRun =
  | { readonly status: "ended"; readonly exit: ChildExit; readonly stdout: Buffer; readonly stderr: string }
  | { readonly status: Cut; readonly exit?: ChildExit };

export interface ToolLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** Runs a tool that ends by itself, bounded in time and output. Resolves when the process is gone; `stderr` is its first line. */
export type RunTool = (argv: Argv, limits: ToolLimits) => Promise<ToolRun>;

export interface RunOptions extends ToolLimits {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
  readonly spawn?: Spawn | undefined;
}

/** A `RunTool` that starts each run by itself. */
export async function runTool(argv: Argv, options: RunOptions): Promise<ToolRun> {
  if (options.signal?.aborted === true) return { status: "stopped" };
  const { clock, environment } = options;
  let cut: Cut | undefined;
  using output = collectWithin(options, clock, (why) => {
    cut ??= why;
    void child.stop();
  });
  const child = (options.spawn ?? spawnChild)(argv, { ...output, clock, environment });
  const exit = await child.ended;
  return cut === undefined ? { status: "ended", exit, ...output.read() } : { status: cut, exit };
}

/** What a run prints; until disposed of it calls back when a limit is met. */
export function collectWithin(
  { timeoutMs, maxBytes, signal }: ToolLimits,
  clock: Clock,
  onCut: (why: Cut) => void,
): Output & Disposable {
  const onAbort = (): void => onCut("stopped");
  signal?.addEventListener("abort", onAbort, { once: true });
  const timer = startLimit(clock, timeoutMs, () => onCut("timeout"));
  return {
    ...collectOutput(maxBytes, () => onCut("oversized")),
    [Symbol.dispose]() {
      timer[Symbol.dispose]();
      signal?.removeEventListener("abort", onAbort);
    },
  };
}
