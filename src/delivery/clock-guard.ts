/**
 * Guards receivers against a wrong clock here. A sample far in the receiver's future would be accepted by some and make every
 * healthy host's samples "out of bounds" afterwards, so such samples are held until their time has come.
 */
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { mostSkewMs } from "./types.ts";

export interface ClockGuard {
  /** Learns the receiver's time from its answer: ours plus `skewMs`. False when no clock that is set can show it. */
  observe(skewMs: number): boolean;
  /** The newest sample time that may be sent now; unlimited while the receiver's time is not known. */
  newest(): number;
}

/** Samples this far ahead of the receiver are held; Prometheus itself refuses from 10 minutes on. */
const aheadLimitMs = 5 * 60_000;
/** No version of this program is older: a clock that is has lost its battery. */
const builtMs = Date.UTC(2025, 6, 1);
/** A sample is never taken later than now, but clocks are read one after the other. */
const slackMs = 1000;

export function createClockGuard(receiver: string, clock: Clock, log: Logger): ClockGuard {
  /** Our wall clock minus our monotonic clock at the start: what is set since then may be wrong. */
  const started = clock.now() - clock.monotonic();
  /** The receiver's time minus our monotonic clock, which nobody sets: our wall clock may be wrong from now on. */
  let offset: number | undefined;
  /** Once, until a time is believed again. */
  let isDisbeliefLogged = false;

  /**
   * After this program was made, and within a day of a time that we had reason to believe, unless we have none. Beyond, either clock
   * may be the wrong one. Holding samples for a receiver's wrong clock would hold all of them for ever, so none are held.
   */
  function isBelieved(time: number): boolean {
    if (time < builtMs) return false;
    const ours = [clock.now(), clock.monotonic() + started].filter((one) => one >= builtMs);
    const known = offset === undefined ? ours : [...ours, clock.monotonic() + offset];
    return known.length === 0 || known.some((one) => Math.abs(time - one) <= mostSkewMs);
  }

  function logDisbelief(time: number): void {
    if (isDisbeliefLogged) return;
    isDisbeliefLogged = true;
    const [theirs, ours] = [time, clock.now()].map((one) => new Date(one).toISOString());
    log.warn(
      `unexpected time at ${receiver}: got ${theirs}, want at most 24 h from ${ours}; no samples are held back: set this machine's clock or the receiver's`,
      { skew_s: Math.round((time - clock.now()) / 1000) },
    );
  }

  return {
    observe(skewMs) {
      const time = clock.now() + skewMs;
      if (isBelieved(time)) {
        offset = time - clock.monotonic();
        isDisbeliefLogged = false;
      } else logDisbelief(time);
      return time >= builtMs;
    },
    // Ahead of both clocks is what a clock left behind that was set back since: sent now, it would put later samples out of order.
    newest() {
      if (offset === undefined) return Infinity;
      const theirs = clock.monotonic() + offset;
      return Math.min(theirs + aheadLimitMs, Math.max(theirs, clock.now()) + slackMs);
    },
  };
}
