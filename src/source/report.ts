/** How a source reports: what the end of a tool means and what to do about it, events for the listener, and the log. */
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Argv, ChildExit } from "./child.ts";
import type { FailureReason, Frame, SourceFailure, SourceListener } from "./source.ts";
import type { SourceName } from "../parse/sample.ts";

/** The exit status of usage errors, an unknown sampler among them. */
const usageStatus = 64;
/** How a shell, and a wrapper that relays the end of its child, report SIGABRT. */
const abortStatus = 134;

const rootAdvice =
  'install the daemon ("mac-powermetrics-agent install"), run the agent with sudo, or allow powermetrics in sudoers and set ' +
  'sources.powermetrics.command to ["/usr/bin/sudo", "-n", "/usr/bin/powermetrics"]';

/** `lines` is what the tool said outside documents, on either stream. */
export function classifyPowermetrics(argv: Argv, exit: ChildExit, lines: readonly string[]): SourceFailure {
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
export function unknownSamplers(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => /unrecognized sampler: *(\S+)/.exec(line)?.[1] ?? []);
}

/** sudo's own refusal means the same. */
function asksForRoot(line: string): boolean {
  const [, refusal = ""] = /sudo: (.*)/i.exec(line) ?? [];
  return /superuser/i.test(line) || /password|not allowed|may not run/i.test(refusal);
}

export function notStarted(
  name: SourceName,
  argv: Argv,
  exit: Extract<ChildExit, { kind: "not_started" }>,
): SourceFailure {
  const what = `cannot start ${argv[0] ?? name}: ${exit.message}`;
  if (exit.code !== "ENOENT") {
    return {
      reason: "not_started",
      message: `${what}; see sources.${name}.command and the permissions of the file`,
    };
  }
  return {
    reason: "vanished",
    message: `${what}; set sources.${name}.command to where ${name} is, or sources.${name}.enabled to false; not on a Mac, run with --simulate`,
  };
}

/** The end of a tool that did start; `said` is a line of its complaint. */
export function ended(name: SourceName, exit: ChildExit, said: string | undefined): SourceFailure {
  const words = said === undefined || said === "" ? "" : `: ${said}`;
  switch (exit.kind) {
    case "signalled":
      return { reason: "aborted", message: `unexpected end of ${name}: signal ${exit.signal}${words}` };
    case "exited":
      if (exit.code === abortStatus)
        return { reason: "aborted", message: `unexpected end of ${name}: aborted${words}` };
      return { reason: "exited", message: `unexpected end of ${name}: exit status ${exit.code}${words}` };
    case "abandoned":
      return { reason: "exited", message: `cannot end ${name}: it belongs to another user${words}` };
    case "not_started":
      return { reason: "not_started", message: `cannot start ${name}: ${exit.message}` };
  }
}

export interface Report {
  frame(frame: Frame): void;
  failed(failure: SourceFailure): void;
  /** The frame that follows lacks something: logged and counted, but the source is up. */
  incomplete(failure: SourceFailure): void;
}

interface Seen {
  loggedAt: number;
  heldBack: number;
}

const repeatEveryMs = 10 * 60_000;

/** The first failure of a kind is logged at once, its repetitions every ten minutes with their number, and the recovery once. */
export function createReport(listener: SourceListener, log: Logger, clock: Clock): Report {
  const seen = new Map<FailureReason, Seen>();
  let up: boolean | undefined;
  let owesRecovery = false;

  function turn(state: boolean): void {
    if (up === state) return;
    up = state;
    listener.up(state);
  }
  function logFailure({ reason, message }: SourceFailure): boolean {
    const before = seen.get(reason);
    const now = clock.monotonic();
    if (before !== undefined && now - before.loggedAt < repeatEveryMs) {
      before.heldBack += 1;
      return false;
    }
    const repeated = before?.heldBack ?? 0;
    log.warn(message, repeated > 0 ? { reason, repeated } : { reason });
    seen.set(reason, { loggedAt: now, heldBack: 0 });
    return true;
  }

  return {
    frame(frame) {
      turn(true);
      if (owesRecovery) log.info("the source delivers again");
      owesRecovery = false;
      listener.frame(frame);
    },
    failed(failure) {
      turn(false);
      listener.failed(failure);
      if (logFailure(failure)) owesRecovery = true;
    },
    incomplete(failure) {
      listener.failed(failure);
      logFailure(failure);
    },
  };
}
