/** How a source reports: its events to the listener, its failures and its tool's messages to the log at a bounded rate. */
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Argv, ChildExit } from "./child.ts";
import type { FailureReason, SourceFailure, SourceListener } from "./source.ts";
import type { SourceName } from "../parse/sample.ts";

/** The listener's events, with `up` worked out of the others. */
export interface Report extends Omit<SourceListener, "up" | "remarked"> {
  /** The frame that follows lacks something: logged and counted, but the source is up. */
  incomplete(failure: SourceFailure): void;
  /** A message of powermetrics beside its documents: one of a known kind is counted, and logged the first time only. */
  message(line: string): void;
  /** Logs how many messages were held back. */
  flushMessages(): void;
}

export function createReport(listener: SourceListener, log: Logger, clock: Clock): Report {
  const failures = createFailureLog(log, clock);
  const messages = createMessageLog(log, clock);
  const loggedKinds = new Set<string>();
  let up: boolean | undefined;
  let owesRecovery = false;

  function turn(state: boolean): void {
    if (up === state) return;
    up = state;
    listener.up(state);
  }

  return {
    ...listener,
    frame(frame) {
      turn(true);
      if (owesRecovery) log.info("the source delivers again");
      owesRecovery = false;
      listener.frame(frame);
    },
    failed(failure) {
      turn(false);
      listener.failed(failure);
      if (failures.log(failure)) owesRecovery = true;
    },
    incomplete(failure) {
      listener.failed(failure);
      failures.log(failure);
    },
    message(line) {
      const kind = kindOf(line);
      if (kind === undefined) {
        messages.log(line);
        return;
      }
      listener.remarked?.(kind);
      if (!loggedKinds.has(kind))
        log.warn("powermetrics said; further lines of this kind are only counted", { line, kind });
      loggedKinds.add(kind);
    },
    flushMessages: () => messages.flush(),
  };
}

/** Between two log lines of the same failure. */
const repeatEveryMs = 10 * 60_000;

interface FailureLog {
  /** Whether it was logged: the first failure of a kind at once, its repetitions every ten minutes with their number. */
  log(failure: SourceFailure): boolean;
}

function createFailureLog(log: Logger, clock: Clock): FailureLog {
  const seen = new Map<FailureReason, { readonly loggedAt: number; heldBack: number }>();
  return {
    log({ reason, message }) {
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
    },
  };
}

/** Messages that powermetrics repeats up to once a sample, by the value of the counter's label. */
const knownMessages: readonly (readonly [kind: string, line: RegExp])[] = [
  // With the tasks sampler; the spelling is Apple's.
  ["second_underflow", /^second underflow occur/i],
  ["no_process_path", /^proc_pidpath \d{1,10} failed/],
  ["invalid_smc_key", /^invalid key detected/i],
  // In a virtual machine.
  ["no_registry_entry", /^ERROR: cannot find the IO registry entry for /],
];

function kindOf(line: string): string | undefined {
  return knownMessages.find(([, pattern]) => pattern.test(line))?.[0];
}

interface MessageLog {
  log(line: string): void;
  /** Logs how many lines were held back. */
  flush(): void;
}

const minuteMs = 60_000;
const linesAMinute = 10;

/** Logs so many lines a minute as warnings. */
function createMessageLog(log: Logger, clock: Clock): MessageLog {
  let windowStart = -Infinity;
  let logged = 0;
  let heldBack = 0;

  function flush(): void {
    if (heldBack > 0) log.warn("powermetrics said: lines held back", { lines: heldBack });
    heldBack = 0;
  }
  return {
    log(line) {
      const now = clock.monotonic();
      if (now - windowStart >= minuteMs) {
        flush();
        windowStart = now;
        logged = 0;
      }
      if (logged < linesAMinute) log.warn("powermetrics said", { line });
      else heldBack += 1;
      logged += 1;
    },
    flush,
  };
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

/** How a shell, and a wrapper that relays the end of its child, report SIGABRT. */
const abortStatus = 134;

/** The end of a tool that did start; `message` is a line that it printed. */
export function ended(name: SourceName, exit: ChildExit, message: string | undefined): SourceFailure {
  const suffix = message === undefined || message === "" ? "" : `: ${message}`;
  switch (exit.kind) {
    case "signalled":
      return { reason: "aborted", message: `unexpected end of ${name}: signal ${exit.signal}${suffix}` };
    case "exited":
      if (exit.code === abortStatus)
        return { reason: "aborted", message: `unexpected end of ${name}: aborted${suffix}` };
      return { reason: "exited", message: `unexpected end of ${name}: exit status ${exit.code}${suffix}` };
    case "abandoned":
      return { reason: "exited", message: `cannot end ${name}: it belongs to another user${suffix}` };
    case "not_started":
      return { reason: "not_started", message: `cannot start ${name}: ${exit.message}` };
  }
}
