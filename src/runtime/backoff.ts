/** How long to wait before another attempt: intervals that grow up to a limit. */
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

const jitter = 0.1;
/** Jitter may shorten an interval below the one before it, but never by more than this. */
const leastOfPrevious = 0.8;

/** Doubles from `minMs` to `maxMs`, ±10 %. Herd-spreading jitter is no part of it: that comes before a first attempt. */
export function createBackoff(random: Random, { minMs, maxMs }: BackoffSettings): Backoff {
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
