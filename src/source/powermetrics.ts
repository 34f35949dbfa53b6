/**
 * The stream of powermetrics documents: one child that runs all day, and is started again whenever it ends.
 *
 *     --help ──► samplers ──► child ──► documents …
 *                   ▲           │ ends: classified, reported, logged
 *                   └─ backoff ─┘  (an unknown sampler is left out at once; without root we wait long)
 */
import type { Backoff } from "../runtime/backoff.ts";
import { untilAborted, type Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { spawnChild, type Argv, type ChildExit, type Spawn } from "./child.ts";
import { createReport, ended, notStarted } from "./report.ts";
import type { Heartbeat } from "./heartbeat.ts";
import { readStream, type LateDocuments, type StreamEnd } from "./stream.ts";
import { chooseSamplers, helpLimits, streamArguments } from "./arguments.ts";
import type { FailureReason, Source, SourceEnd, SourceFailure, SourceListener } from "./source.ts";

export interface PowermetricsOptions {
  /** `[/usr/bin/powermetrics]`, or a wrapper or the simulator and its first arguments. */
  readonly command: Argv;
  readonly intervalMs: number;
  /** What the enabled collectors need, in the order of the command line. */
  readonly samplers: readonly string[];
  /** Further options of the tool, such as those that add detail to tasks. */
  readonly extraArguments?: readonly string[];
  /** `never` under launchd, where the agent gave up root and could not start it again: `run` returns at its first end. */
  readonly restart: "backoff" | "never";
  /** Between restarts; reset after a healthy stretch. Some 1 s to 1 min. */
  readonly backoff: Backoff;
  readonly clock: Clock;
  readonly heartbeat: Heartbeat;
  readonly log: Logger;
  readonly environment: Readonly<Record<string, string>>;
  readonly spawn?: Spawn;
  /** What earlier runs of the agent found out about this machine's powermetrics. */
  readonly buffering?: Buffering;
}

/** Whether documents come late unless powermetrics writes line by line. */
export interface Buffering {
  readonly lineBuffered: boolean;
  /** Stores that it must, for later runs of the agent; false when that is not possible. */
  remember(): boolean;
}

/** Documents after which a child counts as healthy. */
const healthyDocuments = 3;
/** Waiting does not make the agent root, so try again rarely. */
const hopelessDelayMs = 10 * 60_000;

export function createPowermetrics(options: PowermetricsOptions): Source {
  return {
    name: "powermetrics",
    intervalMs: options.intervalMs,
    run: (listener, signal) => runPowermetrics(options, listener, signal),
  };
}

async function runPowermetrics(
  options: PowermetricsOptions,
  listener: SourceListener,
  signal: AbortSignal,
): Promise<SourceEnd> {
  const { clock, restart, backoff, spawn = spawnChild } = options;
  const report = createReport(listener, options.log, clock);
  const stopped = (): boolean => signal.aborted;
  let samplers = await choose(options, signal);
  let reason: FailureReason | undefined;
  let lineBuffered = options.buffering?.lineBuffered ?? false;
  let mayBuffer = !lineBuffered;

  while (samplers.length > 0 && !stopped()) {
    if (reason !== undefined) report.restarted(reason);
    const argv = commandLine(options, samplers, lineBuffered);
    const endWhenLate = mayBuffer ? () => canStartAgain(options) : undefined;
    const run = await readStream({ ...options, spawn, argv, report, endWhenLate }, signal);
    if (run.documents >= healthyDocuments) backoff.reset();
    if (stopped()) break;
    const failure = diagnose(argv, run, options.intervalMs);
    reason = failure.reason;
    report.failed(failure);
    if (restart === "never") return { status: "ended", ...failure };
    // Once only, and not against a rule of sudo's that names every argument.
    const refused = lineBuffered && failure.reason === "not_root";
    if (run.late !== undefined || refused) {
      lineBuffered = run.late !== undefined;
      mayBuffer = false;
      continue;
    }
    const accepted = withoutRefused(samplers, failure, run);
    if (accepted.length === samplers.length) await clock.sleep(delayAfter(failure, run, backoff), signal);
    samplers = accepted;
  }

  if (!stopped()) {
    const failure = noSamplers(options.samplers);
    report.failed(failure);
    if (restart === "never") return { status: "ended", ...failure };
    await untilAborted(signal);
  }
  return { status: "stopped" };
}

function choose(options: PowermetricsOptions, signal: AbortSignal): Promise<readonly string[]> {
  const { command, samplers, log } = options;
  return chooseSamplers({ command, wanted: samplers, log }, { ...options, ...helpLimits, signal });
}

/** Without root only the next run of the agent can start it line buffered, and must know that: else each would end for the same reason. */
function canStartAgain({ restart, buffering, log }: PowermetricsOptions): boolean {
  if (buffering?.remember() === true || restart === "backoff") return true;
  log.warn("powermetrics' documents arrive late, and line buffering (-b 1) cannot be asked for here");
  return false;
}

function buffered({ lagMs }: LateDocuments): SourceFailure {
  return {
    reason: "buffered",
    message:
      `powermetrics' documents must arrive at once, got them ${(lagMs / 1000).toFixed(1)} s after their windows: ` +
      "they wait in its output buffer; it is started again with -b 1 (line buffering)",
  };
}

/** Fewer samplers only when the tool named some of ours, so each round of this brings the end nearer. */
function withoutRefused(
  samplers: readonly string[],
  failure: SourceFailure,
  run: StreamEnd,
): readonly string[] {
  if (failure.reason !== "unknown_sampler") return samplers;
  const refused = unknownSamplers(run.lines);
  return samplers.filter((name) => !refused.includes(name));
}

function commandLine(options: PowermetricsOptions, samplers: readonly string[], lineBuffered: boolean): Argv {
  return [...options.command, ...streamArguments(options, samplers, lineBuffered)];
}

function diagnose(argv: Argv, run: StreamEnd, intervalMs: number): SourceFailure {
  if (run.late !== undefined) return buffered(run.late);
  if (run.silentMs === undefined) return classifyPowermetrics(argv, run.exit, run.lines);
  const silence = `got none for ${Math.round(run.silentMs / 1000)} s`;
  return {
    reason: "stalled",
    message: `powermetrics must write a document every ${intervalMs} ms, ${silence}; ended it to start it again`,
  };
}

/** The exit status of usage errors, an unknown sampler among them. */
const usageStatus = 64;

const rootAdvice =
  'install the daemon ("mac-powermetrics-agent install"), run the agent with sudo, or allow powermetrics in sudoers and set ' +
  'sources.powermetrics.command to ["/usr/bin/sudo", "-n", "/usr/bin/powermetrics"]';

/** `lines` is what the tool printed outside documents, on either stream. */
function classifyPowermetrics(argv: Argv, exit: ChildExit, lines: readonly string[]): SourceFailure {
  if (exit.kind === "not_started") return notStarted("powermetrics", argv, exit);
  const unknown = unknownSamplers(lines);
  if (exit.kind === "exited" && exit.code === usageStatus && unknown.length > 0) {
    return {
      reason: "unknown_sampler",
      message: `cannot sample ${unknown.join(", ")}: powermetrics does not know it`,
    };
  }
  if (exit.kind === "exited" && exit.code !== 0 && lines.some(asksForRoot)) {
    return {
      reason: "not_root",
      message: `cannot run powermetrics: it must be invoked as root; ${rootAdvice}`,
    };
  }
  return ended("powermetrics", exit, lines.at(-1));
}

/** The names in `powermetrics: unrecognized sampler: smc`. */
function unknownSamplers(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => /unrecognized sampler: *(\S+)/.exec(line)?.[1] ?? []);
}

/** sudo's own refusal means the same. */
function asksForRoot(line: string): boolean {
  const [, refusal = ""] = /sudo: (.*)/i.exec(line) ?? [];
  return /superuser/i.test(line) || /password|not allowed|may not run/i.test(refusal);
}

function noSamplers(wanted: readonly string[]): SourceFailure {
  return {
    reason: "no_sampler",
    message: `cannot sample ${wanted.join(", ")}: powermetrics here has none of these samplers; see sources.powermetrics.samplers`,
  };
}

/** A child that can't be ended stays, so that quick restarts would pile them up. */
function delayAfter(failure: SourceFailure, run: StreamEnd, backoff: Backoff): number {
  const hopeless = failure.reason === "not_root" || failure.reason === "unknown_sampler";
  return hopeless || run.exit.kind === "abandoned" ? hopelessDelayMs : backoff.next();
}
