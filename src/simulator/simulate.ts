/**
 * Impersonates one of five Apple tools, so that the agent runs its real child processes anywhere.
 *
 * Read on in settings.ts (the flags), mac.ts and chips.ts (the machine), load.ts (how busy it is), then a tool: powermetrics.ts with
 * apple-silicon.ts and intel.ts; vm-stat.ts and sysctl.ts with memory.ts; pmset.ts; ioreg.ts.
 */
import { fstatSync } from "node:fs";
import { sleepOn, type Clock } from "../runtime/clock.ts";
import { configure, type Settings } from "./settings.ts";

export const simulatedTools = ["powermetrics", "vm_stat", "sysctl", "pmset", "ioreg"] as const;

export type SimulatedTool = (typeof simulatedTools)[number];

type Tool = (argv: readonly string[], settings: Settings, io: ToolIo) => Promise<number>;

/** Loaded one at a time: vm_stat is started every few seconds. */
const tools: Readonly<Record<SimulatedTool, () => Promise<Tool>>> = {
  powermetrics: async () => (await import("./powermetrics.ts")).powermetrics,
  vm_stat: async () => (await import("./vm-stat.ts")).vmStat,
  sysctl: async () => (await import("./sysctl.ts")).sysctl,
  pmset: async () => (await import("./pmset.ts")).pmset,
  ioreg: async () => (await import("./ioreg.ts")).ioreg,
};

/**
 * Runs a tool to its end and resolves to its exit code.
 *
 * @param argv the tool's own arguments, mixed with the simulator's: --chip, --os, --seed, --start, --no-pace, --tasks, --fault.
 */
export async function simulate(
  name: SimulatedTool,
  argv: readonly string[],
  io: SimulatorIo,
): Promise<number> {
  const configured = configure(name, argv, io.preset);
  if ("problem" in configured) {
    await io.stderr.write(`${name}: ${configured.problem}\n`);
    return 64;
  }
  const { settings, rest } = configured;
  const tool = await tools[name]();
  return tool(rest, settings, toolIo(io, clockFor(settings, io)));
}

function clockFor({ startMs, paced }: Settings, { clock }: SimulatorIo): SimulatorIo["clock"] {
  if (!paced) return unpacedClock(startMs ?? clock.now());
  return startMs === undefined ? clock : shiftedClock(clock, startMs);
}

export interface Output {
  /** Resolves once the bytes are taken: false when the reader is gone for good. */
  write(bytes: string): Promise<boolean>;
}

/** What a simulated tool sees of its process: output streams, clock, and the signal to stop. */
export interface SimulatorIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly clock: Clock;
  /** Aborts when the tool has to stop or its parent is gone. */
  readonly signal: AbortSignal;
  /** Simulator flags from MAC_POWERMETRICS_SIMULATE, since the agent passes only Apple's own arguments. */
  readonly preset?: string;
}

/**
 * What this process gives a tool. Apart from `stop`, the tool ends when the process that started it is gone: a tool that
 * stalls on purpose would never notice a closed pipe.
 */
export function processIo(clock: Clock, stop: AbortSignal): SimulatorIo {
  const orphaned = new AbortController();
  watchParent(clock, orphaned);
  const preset = process.env["MAC_POWERMETRICS_SIMULATE"];
  return {
    stdout: output(process.stdout),
    stderr: output(process.stderr),
    clock,
    signal: AbortSignal.any([stop, orphaned.signal]),
    ...(preset !== undefined && { preset }),
  };
}

function output(stream: NodeJS.WriteStream): Output {
  // Without a listener a closed pipe would throw; the write's own callback reports it.
  stream.on("error", () => undefined);
  return {
    write: (bytes) =>
      new Promise((resolve) => {
        stream.write(bytes, (error) => resolve(error === undefined || error === null));
      }),
  };
}

function watchParent(clock: Clock, orphaned: AbortController): void {
  const parent = process.ppid;
  if (parent === 1) watchInput(orphaned);
  const look = (): void => {
    if (process.ppid !== parent) orphaned.abort();
    else clock.after(1000, look, { background: true });
  };
  clock.after(1000, look, { background: true });
}

/**
 * A parent that was gone before we came to look can't be missed afterwards; but where it was Node, our input is a socket
 * that it never wrote to, and that is closed by now.
 */
function watchInput(orphaned: AbortController): void {
  if (!fstatSync(0).isSocket()) return;
  process.stdin.once("close", () => orphaned.abort()).resume();
  if ("unref" in process.stdin) process.stdin.unref();
}

/** What one tool gets: the same, with the clock of its settings. */
export interface ToolIo extends SimulatorIo {
  /** Waits for the signal, in real time whatever the tool's clock, and keeps the process alive meanwhile. */
  forever(): Promise<void>;
}

function toolIo(io: SimulatorIo, clock: Clock): ToolIo {
  const forever = async (): Promise<void> => {
    while (!io.signal.aborted) await io.clock.sleep(86_400_000, io.signal);
  };
  return { ...io, clock, forever };
}

/** A clock that starts at `startMs` and whose waits cost one turn of the event loop: documents come as fast as they are written. */
function unpacedClock(startMs: number): Clock {
  let elapsed = 0;
  const clock: Clock = {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    after(ms, callback) {
      const turn = setImmediate(() => {
        elapsed += ms;
        callback();
      });
      return { [Symbol.dispose]: () => clearImmediate(turn) };
    },
    sleep: (ms, signal) => sleepOn(clock, ms, signal),
  };
  return clock;
}

/** The same pace, but another date. */
function shiftedClock(clock: Clock, startMs: number): Clock {
  const shift = startMs - clock.now();
  return { ...clock, now: () => clock.now() + shift };
}
