/** Paces a backlog: so many samples a second, so that a fleet that comes back does not flood its receiver. */

export interface DrainPace {
  /** Milliseconds (of the given monotonic time) until another backlog batch may go; 0 when it may now. */
  waitMs(now: number): number;
  sent(samples: number, now: number): void;
  /** Nothing of the backlog before then: the random delay that spreads a herd. */
  holdUntil(time: number): void;
}

/**
 * Most samples of a batch: a second's worth, so that no batch is a flood by itself, above all not the first ones, which no rate
 * has delayed yet; at least a body's, at most what all bodies take.
 */
export function batchSamples(
  samplesPerSecond: number,
  { maxSamples, maxBodies }: { readonly maxSamples: number; readonly maxBodies: number },
): number {
  const bodies = samplesPerSecond === 0 ? maxBodies : Math.floor(samplesPerSecond / maxSamples);
  return maxSamples * Math.min(maxBodies, Math.max(1, bodies));
}

/** @param samplesPerSecond 0 is as fast as the receiver takes them */
export function createDrainPace(samplesPerSecond: number): DrainPace {
  let allowedAt = 0;
  return {
    waitMs: (now) => Math.max(0, allowedAt - now),
    sent(samples, now) {
      if (samplesPerSecond > 0) allowedAt = Math.max(allowedAt, now) + (samples * 1000) / samplesPerSecond;
    },
    holdUntil(time) {
      allowedAt = Math.max(allowedAt, time);
    },
  };
}
