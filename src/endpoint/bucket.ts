/** A token bucket: a burst at once, then one more for every interval. */

export interface Bucket {
  /** Takes one token; false when there is none. `now` in milliseconds of a clock that never steps back. */
  take(now: number): boolean;
  /** Gives back what was taken for nothing. */
  refund(): void;
}

/** @param intervalMs how long one token takes to come back; 0 for no limit */
export function createBucket(burst: number, intervalMs: number): Bucket {
  let tokens = burst;
  let filledAt: number | undefined;
  return {
    take(now) {
      if (intervalMs === 0) return true;
      tokens = Math.min(burst, tokens + (now - (filledAt ?? now)) / intervalMs);
      filledAt = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    refund() {
      tokens = Math.min(burst, tokens + 1);
    },
  };
}
