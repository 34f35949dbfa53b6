/** Owns how a source tells its state: every event to the listener, and to the log only what a reader needs. */
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { FailureReason, Frame, SourceFailure, SourceListener } from "./source.ts";

export interface Report {
  frame(frame: Frame): void;
  failed(failure: SourceFailure): void;
  /** The frame that follows lacks something: told and counted, but the source is up. */
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
