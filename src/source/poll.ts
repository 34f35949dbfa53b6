/**
 * Polls a tool at start + k · interval; a run that takes too long skips beats instead of piling up.
 *
 *     |── run ──|·········|── run ────────────── late ──|···|── run ──|
 *     0         .         1                   (2 skipped)   3
 */
import type { Argv, RunTool, ToolRun } from "./child.ts";
import { tickMs, type Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { ended, notStarted, createReport, type Report } from "./report.ts";
import type { Source, SourceEnd, SourceFailure, SourceListener } from "./source.ts";
import type { SourceName } from "../parse/sample.ts";
import { sysctlNames } from "../parse/sysctl.ts";

export type PolledName = Exclude<SourceName, "powermetrics">;

export interface PollOptions {
  readonly name: PolledName;
  /** `[/usr/bin/vm_stat]`, or the simulator and its first arguments. */
  readonly command: Argv;
  /** The arguments of each run that makes up one report; see `runsOf`. */
  readonly runs: readonly Argv[];
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly run: RunTool;
}

interface Tool {
  /** What was printed counts although the tool failed: sysctl fails for one name that an older macOS lacks. */
  readonly tolerant: boolean;
  /** Printing nothing is an answer: ioreg does where no entry matches. */
  readonly mayBeEmpty: boolean;
  readonly maxBytes: number;
}

const longestText = 256 * 1024;
/** Beyond its figures an entry lists every counter of its driver. */
const longestEntries = 4 * 1024 * 1024;

const tools: Readonly<Record<PolledName, Tool>> = {
  vm_stat: { tolerant: false, mayBeEmpty: false, maxBytes: longestText },
  sysctl: { tolerant: true, mayBeEmpty: false, maxBytes: longestText },
  pmset: { tolerant: true, mayBeEmpty: false, maxBytes: longestText },
  ioreg: { tolerant: true, mayBeEmpty: true, maxBytes: longestEntries },
};

/** What ioreg is asked for. */
export interface IoregSubjects {
  readonly battery: boolean;
  readonly gpu: boolean;
}

/** The arguments of each run of a tool; none where nothing is asked for. */
export function runsOf(name: PolledName, { battery, gpu }: IoregSubjects): readonly Argv[] {
  switch (name) {
    case "vm_stat":
      return [[]];
    case "sysctl":
      return [sysctlNames];
    case "pmset":
      return [["-g", "batt"], ["-g"]];
    case "ioreg":
      return [
        ...(battery ? [["-a", "-r", "-c", "AppleSmartBattery"]] : []),
        ...(gpu ? [["-a", "-r", "-d", "1", "-c", "IOAccelerator"]] : []),
      ];
  }
}

/** Apple's tools take some 50 ms; a machine that is busy, or just woke, may not even start them in seconds. */
const longestRunMs = 10_000;
const separator = Buffer.from([0]);

export function createPoll(options: PollOptions): Source {
  return {
    name: options.name,
    intervalMs: options.intervalMs,
    run: (listener, signal) => poll(options, listener, signal),
  };
}

/** The outputs in one frame of a tool with several runs, in their order. Empty where that run failed. */
export function splitReports(bytes: Buffer): readonly Buffer[] {
  const reports: Buffer[] = [];
  let from = 0;
  for (let nul = bytes.indexOf(0); nul >= 0; nul = bytes.indexOf(0, from)) {
    reports.push(bytes.subarray(from, nul));
    from = nul + 1;
  }
  return [...reports, bytes.subarray(from)];
}

async function poll(options: PollOptions, listener: SourceListener, signal: AbortSignal): Promise<SourceEnd> {
  const { clock, intervalMs } = options;
  const report = createReport(listener, options.log, clock);
  const start = clock.monotonic();
  const pauseAfter = createPauses(options);
  let beat = 0;

  while (!signal.aborted) {
    const left = await pollOnce(options, report, signal);
    if (left === undefined) break;
    const pause = pauseAfter(left);
    const passed = Math.floor((clock.monotonic() - start) / intervalMs);
    beat = Math.max(beat + pause, passed + 1);
    // In step with the common ticks, beats are as regular as on their own.
    const align = intervalMs % tickMs === 0 ? "early" : undefined;
    await clock.sleep(start + beat * intervalMs - clock.monotonic(), signal, { align });
  }
  return { status: "stopped" };
}

/**
 * In intervals. A tool that not even SIGKILL ends would leave one process more at every beat, so such beats grow rare, until a poll leaves none. What was
 * left stays counted: one that ends now and then leaves as few as one that never does.
 */
function createPauses({ intervalMs, log }: PollOptions): (left: number) => number {
  let allLeft = 0;
  let last = 1;
  return (left) => {
    allLeft += left;
    const pause = left === 0 ? 1 : 2 ** Math.min(allLeft, 8);
    if (pause > last)
      log.warn("polls become rarer, as each leaves a process that cannot be killed", {
        left: allLeft,
        every_s: (pause * intervalMs) / 1000,
      });
    if (pause === 1 && last > 1) log.info("polls are regular again");
    last = pause;
    return pause;
  };
}

/** Returns how many processes it could not end; nothing where it was stopped. */
async function pollOnce(
  options: PollOptions,
  report: Report,
  signal: AbortSignal,
): Promise<number | undefined> {
  const tool = tools[options.name];
  const runs = await Promise.all(
    options.runs.map((args) =>
      options.run([...options.command, ...args], {
        timeoutMs: longestRun(options),
        maxBytes: tool.maxBytes,
        signal,
      }),
    ),
  );
  if (signal.aborted) return undefined;
  reportRuns(options, tool, runs, report);
  return runs.filter((run) => run.exit?.kind === "abandoned").length;
}

function reportRuns(options: PollOptions, tool: Tool, runs: readonly ToolRun[], report: Report): void {
  const failures = runs.flatMap((run) => diagnose(options, run) ?? []);
  const [failure] = failures;
  const outputs = runs.map((run) => (run.status === "ended" ? run.stdout : Buffer.alloc(0)));
  const hasNothing = outputs.every((output) => output.length === 0);
  if (failure !== undefined && (!tool.tolerant || hasNothing)) {
    report.failed(failure);
    return;
  }
  if (failure !== undefined) report.incomplete(failure);
  report.frame({ bytes: joinReports(outputs), receivedAt: options.clock.now() });
}

/** The outputs of the runs of one poll as one frame; see `splitReports`. */
export function joinReports(outputs: readonly Buffer[]): Buffer {
  return Buffer.concat(outputs.flatMap((output, index) => (index === 0 ? [output] : [separator, output])));
}

/** A run must end before the next one begins. */
function longestRun({ intervalMs }: PollOptions): number {
  return Math.min(intervalMs, longestRunMs);
}

function diagnose(options: PollOptions, run: ToolRun): SourceFailure | undefined {
  const { name, command } = options;
  const { mayBeEmpty, maxBytes } = tools[name];
  const advice = `see sources.${name}.command`;
  switch (run.status) {
    case "stopped":
      return undefined;
    case "timeout": {
      const killed = run.exit?.kind === "abandoned" ? "cannot kill it" : "killed it";
      return {
        reason: "timeout",
        message: `${name} must end within ${longestRun(options)} ms, got no end; ${killed}, ${advice}`,
      };
    }
    case "oversized":
      return {
        reason: "oversized",
        message: `${name} must print at most ${maxBytes} bytes, got more; ${advice}`,
      };
    case "ended":
      if (run.exit.kind === "not_started") return notStarted(name, command, run.exit);
      if (run.exit.kind !== "exited" || run.exit.code !== 0) return ended(name, run.exit, run.stderr);
      if (run.stdout.length > 0 || mayBeEmpty) return undefined;
      return {
        reason: "empty",
        message: `unexpected output of ${name}: got nothing, want a report; ${advice}`,
      };
  }
}
