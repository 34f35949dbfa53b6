/**
 * Owns the guard against a wrong clock here. A sample far in the receiver's future would be accepted by some and make
 * every healthy host's samples "out of bounds" afterwards (WIRE.md, section 1), so such samples are held.
 */
import type { Clock } from "../runtime/clock.ts";
import type { Send } from "./attempt.ts";

export interface ClockGuard {
  /** An answer told the receiver's time: ours plus `skewMs`. */
  hears(skewMs: number): void;
  /** The newest sample time that may be sent now; unlimited while the receiver has not told its time. */
  newest(): number;
}

/** Samples this far ahead of the receiver are held; Prometheus itself refuses from 10 minutes on. */
const aheadLimitMs = 5 * 60_000;

export function createClockGuard(clock: Clock): ClockGuard {
  /** The receiver's time minus our monotonic clock, which nobody sets: our wall clock may be wrong from now on. */
  let offset: number | undefined;
  return {
    hears(skewMs) {
      offset = clock.now() + skewMs - clock.monotonic();
    },
    newest: () => (offset === undefined ? Infinity : clock.monotonic() + offset + aheadLimitMs),
  };
}

/** Lets the guard hear the time in every answer. */
export function withClockGuard(send: Send, guard: ClockGuard): Send {
  return async (signal) => {
    const result = await send(signal);
    if (result.skewMs !== undefined) guard.hears(result.skewMs);
    return result;
  };
}

/** The first run of snapshots that may be sent: held ones before it are stepped over, held ones behind it wait. */
export function firstSendable<S extends { readonly time: number }>(
  snapshots: readonly S[],
  newest: number,
): readonly S[] {
  const start = snapshots.findIndex(({ time }) => time <= newest);
  if (start < 0) return [];
  const rest = snapshots.slice(start);
  const end = rest.findIndex(({ time }) => time > newest);
  return end < 0 ? rest : rest.slice(0, end);
}
