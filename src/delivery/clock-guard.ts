/**
 * Guards receivers against a wrong clock here. A sample far in the receiver's future would be accepted by some and make every
 * healthy host's samples "out of bounds" afterwards, so such samples are held until their time has come.
 */
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Send } from "./send-chain.ts";

export interface ClockGuard {
  /** An answer told the receiver's time: ours plus `skewMs`. False when that cannot be its time. */
  hears(skewMs: number): boolean;
  /** The newest sample time that may be sent now; unlimited while the receiver has not told its time. */
  newest(): number;
}

/** Samples this far ahead of the receiver are held; Prometheus itself refuses from 10 minutes on. */
const aheadLimitMs = 5 * 60_000;
/** Beyond every mistake about time zones. */
const mostSkewMs = 24 * 3_600_000;
/** No version of this program is older: a clock that says so has lost its battery. */
const builtMs = Date.UTC(2025, 6, 1);
/** A sample is never taken later than now, but clocks are read one after the other. */
const slackMs = 1000;

export function createClockGuard(clock: Clock): ClockGuard {
  /** Our wall clock minus our monotonic clock at the start: what is set since then may be wrong. */
  const started = clock.now() - clock.monotonic();
  /** The receiver's time minus our monotonic clock, which nobody sets: our wall clock may be wrong from now on. */
  let offset: number | undefined;

  /** After this program was made, and within a day of a time that we had reason to believe, unless we have none. */
  function isPossible(time: number): boolean {
    if (time < builtMs) return false;
    const ours = [clock.now(), clock.monotonic() + started].filter((one) => one >= builtMs);
    const known = offset === undefined ? ours : [...ours, clock.monotonic() + offset];
    return known.length === 0 || known.some((one) => Math.abs(time - one) <= mostSkewMs);
  }

  return {
    hears(skewMs) {
      const time = clock.now() + skewMs;
      if (!isPossible(time)) return false;
      offset = time - clock.monotonic();
      return true;
    },
    // Ahead of both clocks is what a clock left behind that was set back since: sent now, it would put later samples out of order.
    newest() {
      if (offset === undefined) return Infinity;
      const theirs = clock.monotonic() + offset;
      return Math.min(theirs + aheadLimitMs, Math.max(theirs, clock.now()) + slackMs);
    },
  };
}

/** Lets the guard hear the time in every answer; an impossible one is told once and passed on as none. */
export function withClockGuard(send: Send, guard: ClockGuard, log: Pick<Logger, "warn">): Send {
  return async (signal) => {
    const { skewMs, ...result } = await send(signal);
    if (skewMs === undefined) return result;
    if (guard.hears(skewMs)) return { ...result, skewMs };
    disbelief(guard, skewMs, log);
    return result;
  };
}

const told = new WeakSet<ClockGuard>();

function disbelief(guard: ClockGuard, skewMs: number, log: Pick<Logger, "warn">): void {
  if (told.has(guard)) return;
  told.add(guard);
  log.warn(
    "the receiver's Date cannot be true and is not believed: set the clock of the receiver or its proxy",
    {
      skew_s: Math.round(skewMs / 1000),
    },
  );
}

/** The first run of snapshots that may be sent, in the order of their times: held ones before it are stepped over, others wait. */
export function firstSendable<S extends { readonly time: number; readonly source: string }>(
  snapshots: readonly S[],
  newest: number,
): readonly S[] {
  const start = snapshots.findIndex(({ time }) => time <= newest);
  if (start < 0) return [];
  const last = new Map<string, number>();
  const run: S[] = [];
  for (const snapshot of snapshots.slice(start)) {
    if (snapshot.time > newest || snapshot.time <= (last.get(snapshot.source) ?? -Infinity)) break;
    last.set(snapshot.source, snapshot.time);
    run.push(snapshot);
  }
  return run;
}
