/** Runs a simulated tool inside a test: its output as text, its exit code, time from a fake clock. */
import type { Clock } from "../../src/runtime/clock.ts";
import { simulate, type SimulatedTool, type SimulatorIo } from "../../src/simulator/simulate.ts";
import { fakeClock } from "../support/fake-clock.ts";

export const monday = Date.UTC(2026, 0, 5, 10);

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly clock?: Clock;
  readonly preset?: string;
  readonly signal?: AbortSignal;
}

export interface Running {
  readonly ended: Promise<Ran>;
  /** What was printed so far. */
  readonly printed: { stdout: string; stderr: string };
  /** How many pieces standard output came in. */
  readonly pieces: () => number;
  /** From now on nobody reads. */
  closePipe(): void;
}

export function start(tool: SimulatedTool, argv: readonly string[], options: RunOptions = {}): Running {
  const printed = { stdout: "", stderr: "" };
  let open = true;
  let pieces = 0;
  const io: SimulatorIo = {
    clock: options.clock ?? fakeClock(monday),
    signal: options.signal ?? new AbortController().signal,
    ...(options.preset !== undefined && { preset: options.preset }),
    stdout: {
      write(bytes) {
        pieces++;
        if (open) printed.stdout += bytes;
        return Promise.resolve(open);
      },
    },
    stderr: {
      write(bytes) {
        printed.stderr += bytes;
        return Promise.resolve(true);
      },
    },
  };
  const ended = simulate(tool, argv, io).then((code) => ({ code, ...printed }));
  return { ended, printed, pieces: () => pieces, closePipe: () => void (open = false) };
}

export function run(tool: SimulatedTool, argv: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return start(tool, argv, options).ended;
}

/** Documents printed without waiting. */
export async function documents(...argv: readonly string[]): Promise<readonly string[]> {
  const flags = ["-f", "plist", "--no-pace", "--start", "2026-01-05T10:00:00Z"];
  const { stdout } = await run("powermetrics", [...flags, ...argv]);
  return stdout.split("\0");
}
