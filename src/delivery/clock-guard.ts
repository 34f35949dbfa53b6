/**
 * Guards receivers against a wrong clock here. A sample far in the receiver's future would be accepted by some and make every
 * healthy host's samples "out of bounds" afterwards, so such samples are held until their time has come.
 */
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";

export interface ClockGuard {
  /** Takes in the receiver's time by its answer: ours plus `skewMs`. False when that cannot be its time. */
  hears(skewMs: number): boolean;
  /** The newest sample time that may be sent now; unlimited while the receiver's time is not known. */
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

export function createClockGuard(clock: Clock, log: Logger): ClockGuard {
  /** Our wall clock minus our monotonic clock at the start: what is set since then may be wrong. */
  const started = clock.now() - clock.monotonic();
  /** The receiver's time minus our monotonic clock, which nobody sets: our wall clock may be wrong from now on. */
  let offset: number | undefined;
  /** A time that is not believed is logged once. */
  let isLogged = false;

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
      if (isPossible(time)) {
        offset = time - clock.monotonic();
        return true;
      }
      if (!isLogged)
        log.warn(
          "the receiver's Date cannot be true and is not believed: set the clock of the receiver or its proxy",
          { skew_s: Math.round(skewMs / 1000) },
        );
      isLogged = true;
      return false;
    },
    // Ahead of both clocks is what a clock left behind that was set back since: sent now, it would put later samples out of order.
    newest() {
      if (offset === undefined) return Infinity;
      const theirs = clock.monotonic() + offset;
      return Math.min(theirs + aheadLimitMs, Math.max(theirs, clock.now()) + slackMs);
    },
  };
}
