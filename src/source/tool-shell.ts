/**
 * Runs polled tools through one shell that stays. To start a process costs a large one dearly on Linux, where `fork` copies its page tables and then each
 * page that either writes; a small one starts the same tool for an eighth of it, with half the wakeups (test/bench/README.md).
 *
 *     line to the shell ─► what the tool prints, a mark, its exit status ─► ToolRun
 *
 * The first run of a tool is started directly; later ones go through the shell until one fails. A tool that is not found, is killed, takes too long or
 * prints too much is started directly until it ends by itself again: so its failure is worded by the system, and it holds up the others once at most.
 */
import type { Clock } from "../runtime/clock.ts";
import { createTurns } from "../runtime/turns.ts";
import {
  type Argv,
  collectWithin,
  lingerMs,
  type RunTool,
  runTool,
  type SpawnGroup,
  spawnGroup,
  type ToolLimits,
  type ToolRun,
} from "./child.ts";
import type { Output } from "./output.ts";

export interface ToolShell {
  /** Runs through the shell are one after another. */
  readonly run: RunTool;
  /** Ends the shell and what it runs; a later run starts another. */
  end(): Promise<void>;
}

export interface ToolShellOptions {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
  readonly spawn?: SpawnGroup;
  /** While this process is root and will not stay it, there is no shell: one of root's would remain, and do what it is told. */
  readonly privileges?: { isRootForNow(): boolean } | undefined;
}

/** From here on a shell's status speaks of signals, and of commands that could not be started. */
const firstReservedStatus = 126;

export function createToolShell(options: ToolShellOptions): ToolShell {
  const { clock, environment, privileges } = options;
  /** Tools whose next run goes through the shell, by their line. */
  const viaShell = new Set<string>();
  let shell: ReturnType<typeof startShell> | undefined;
  const inTurn = createTurns();

  function current(): ReturnType<typeof startShell> {
    if (shell?.hasEnded !== false) shell = startShell(options);
    return shell;
  }

  async function runInShell(line: string, limits: ToolLimits): Promise<ToolRun | undefined> {
    return limits.signal?.aborted === true ? stopped : current().run(line, limits);
  }

  return {
    async run(argv, limits) {
      const line = lineOf(argv);
      const run = viaShell.has(line) ? await inTurn(() => runInShell(line, limits)) : undefined;
      if (run?.status !== "ended") viaShell.delete(line);
      if (run !== undefined) return run;
      const own = await runTool(argv, { clock, environment, ...limits });
      if (endedByItself(own) && privileges?.isRootForNow() !== true) viaShell.add(line);
      return own;
    },
    async end() {
      await shell?.close();
    },
  };
}

function endedByItself(run: ToolRun): boolean {
  return run.status === "ended" && run.exit.kind === "exited" && run.exit.code < firstReservedStatus;
}

/** Each word in quotes, within which only a quote means anything to a shell. */
function lineOf(argv: Argv): string {
  const words = argv.map((word) => `'${word.replaceAll("'", String.raw`'\''`)}'`);
  return String.raw`${words.join(" ")} </dev/null; printf '\000tool ended: %d\n' $?` + "\n";
}

const stopped: ToolRun = { status: "stopped" };
/** The status that ends a tool's output. Were it something that a tool prints itself, each later run would get the output of the one before. */
const end = /\0tool ended: (\d{1,3})\n$/;
const longestEnd = "\0tool ended: 255\n".length;

/** One life of a shell; it runs one tool at a time. */
function startShell({ clock, environment, spawn = spawnGroup }: ToolShellOptions) {
  let running: (Pick<Output, "onStdout" | "onStderr"> & { onEnd(): void }) | undefined;
  let hasEnded = false;
  const child = spawn(["/bin/sh", "-s"], {
    clock,
    environment,
    onStdout: (chunk) => running?.onStdout(chunk),
    onStderr: (chunk) => running?.onStderr(chunk),
  });
  void child.ended.then(() => {
    hasEnded = true;
    running?.onEnd();
  });

  async function close(): Promise<void> {
    hasEnded = true;
    await child.stop();
  }

  /** SIGKILL goes to the shell and the tool, and that the shell ends says nothing of the tool. */
  async function timedOut({ signal }: ToolLimits): Promise<ToolRun> {
    const exit = await child.stop();
    if (child.isGroupLeft()) await clock.sleep(lingerMs, signal);
    return { status: "timeout", exit: child.isGroupLeft() ? { kind: "abandoned" } : exit };
  }

  return {
    get hasEnded() {
      return hasEnded;
    },
    close,
    /** Undefined where the tool has to be run on its own, to see what is wrong with it or with the shell. */
    async run(line: string, limits: ToolLimits): Promise<ToolRun | undefined> {
      if (hasEnded) return undefined;
      const { promise, resolve } = Promise.withResolvers<number | ToolRun | undefined>();
      const maxBytes = limits.maxBytes + longestEnd;
      using output = collectWithin({ ...limits, maxBytes }, clock, (status) => {
        resolve(status === "timeout" ? timedOut(limits) : { status });
        void close();
      });
      let tail = Buffer.alloc(0);
      running = {
        onStdout(chunk) {
          output.onStdout(chunk);
          tail = Buffer.concat([tail, chunk.subarray(-longestEnd)]).subarray(-longestEnd);
          const [, status] = end.exec(tail.toString("latin1")) ?? [];
          if (status !== undefined) resolve(Number(status));
        },
        onStderr: output.onStderr,
        onEnd: () => resolve(undefined),
      };
      child.write(line);
      const result = await promise;
      // What it complains of comes by another pipe, not later than in the same turn of the event loop.
      if (typeof result === "number") await new Promise((resolve) => setImmediate(resolve));
      running = undefined;
      return typeof result === "number" ? asRun(result, output, limits) : result;
    },
  };
}

function asRun(code: number, output: Output, { maxBytes }: ToolLimits): ToolRun | undefined {
  if (code >= firstReservedStatus) return undefined;
  const { stdout, stderr } = output.read();
  const bytes = stdout.subarray(0, stdout.lastIndexOf(0));
  // The end of a shorter status leaves room for a byte or two more.
  if (bytes.length > maxBytes) return { status: "oversized" };
  return { status: "ended", exit: { kind: "exited", code }, stdout: bytes, stderr };
}
