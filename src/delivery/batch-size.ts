/**
 * Owns how many snapshots a batch may hold, as far as the receiver has a say: halves what was too large, doubles back to
 * that, and goes on by one from there, so that a receiver with a small limit rarely has to refuse (as TCP finds its window).
 */

export interface BatchSize {
  /** Most snapshots in the next batch. */
  readonly limit: number;
  /** So many were too many. */
  tooLarge(snapshots: number): void;
  delivered(): void;
  /** The next batch only finds out whether we are let in. */
  smallest(): void;
}

/** Whatever their size: more snapshots than this are not worth a longer time between two acknowledgements. */
const mostSnapshots = 1000;

export function createBatchSize(): BatchSize {
  let limit = mostSnapshots;
  let safe = mostSnapshots;
  return {
    get limit() {
      return limit;
    },
    tooLarge(snapshots) {
      limit = safe = Math.ceil(snapshots / 2);
    },
    delivered() {
      limit = Math.min(mostSnapshots, limit < safe ? Math.min(2 * limit, safe) : limit + 1);
    },
    smallest() {
      limit = 1;
    },
  };
}
