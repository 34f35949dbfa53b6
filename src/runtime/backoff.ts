/** How long to wait before another attempt: our own growing intervals, and what a receiver asked for. */
import { parseHttpDate } from "./http/date.ts";
import type { Random } from "./random.ts";

/** In milliseconds. */
export interface BackoffSettings {
  readonly minMs: number;
  readonly maxMs: number;
}

export interface Backoff {
  /** The next interval in milliseconds; each is longer than the one before, up to the limit. */
  next(): number;
  /** Begins again at the shortest interval: after a success, or after wake. */
  reset(): void;
}

const defaultBackoff: BackoffSettings = { minMs: 100, maxMs: 30_000 };

const jitter = 0.1;
/** Jitter may shorten an interval below the one before it, but never by more than this. */
const leastOfPrevious = 0.8;
const longestRetryAfterMs = 3_600_000;

/** Doubles from `minMs` to `maxMs`, ±10 %. Herd-spreading jitter is no part of it: that comes before a first attempt. */
export function createBackoff(random: Random, { minMs, maxMs } = defaultBackoff): Backoff {
  let base = minMs;
  let previous = 0;
  return {
    next() {
      const spread = base * (1 + jitter * (2 * random() - 1));
      previous = Math.max(spread, previous * leastOfPrevious);
      base = Math.min(base * 2, maxMs);
      return previous;
    },
    reset() {
      base = minMs;
      previous = 0;
    },
  };
}

/**
 * Milliseconds that a `Retry-After` header asks for, as seconds or as an HTTP date (RFC 9110, section 10.2.3), at most
 * an hour. A date is the receiver's, so it counts from the answer's own `Date`, whatever our clock says. Zero, the past and
 * garbage are no answer: the caller's own backoff decides then.
 */
export function parseRetryAfter(
  value: string | undefined,
  nowMs: number,
  answeredAtMs?: number,
): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const waitMs = /^\d+$/.test(text)
    ? Number(text) * 1000
    : untilDate(parseHttpDate(text), nowMs, answeredAtMs);
  return waitMs > 0 ? Math.min(waitMs, longestRetryAfterMs) : undefined;
}

function untilDate(date = NaN, nowMs: number, answeredAtMs = nowMs): number {
  const theirs = date - answeredAtMs;
  const ours = date - nowMs;
  // A `Date` that is always the same, such as 1970, leaves our own clock to go by.
  return theirs > longestRetryAfterMs && ours > 0 && ours <= longestRetryAfterMs ? ours : theirs;
}
