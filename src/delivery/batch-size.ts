/**
 * How much a request may hold, as far as the receiver has a say. Counted in snapshots, and where a single one is too much in
 * samples: halves what was too large, doubles back to that, and grows slowly from there, so that a receiver with a
 * small limit rarely has to refuse (as TCP finds its window).
 */

export interface BatchSize {
  /** Most snapshots in the next batch. */
  readonly snapshots: number;
  /** Most samples in a body of a single snapshot. */
  readonly samples: number;
  /** So many snapshots were too many. */
  tooManySnapshots(count: number): void;
  /** So many samples of a single snapshot were too many. */
  tooManySamples(count: number): void;
  /** @param divided whether a single snapshot had to go in several bodies */
  delivered(divided: boolean): void;
  /** The next batch only finds out whether the receiver takes requests again. */
  smallest(): void;
}

/** Whatever their size: more snapshots than this are not worth a longer time between two acknowledgements. */
const mostSnapshots = 1000;

/** @param samples what was found out before a restart */
export function createBatchSize(samples = Infinity): BatchSize {
  let limit = samples === Infinity ? mostSnapshots : 1;
  let safe = limit;
  return {
    get snapshots() {
      return limit;
    },
    get samples() {
      return samples;
    },
    tooManySnapshots(count) {
      limit = safe = Math.ceil(count / 2);
    },
    tooManySamples(count) {
      limit = safe = 1;
      samples = Math.max(1, Math.ceil(count / 2));
    },
    delivered(divided) {
      if (divided) {
        samples += Math.max(1, Math.floor(samples / 64));
        limit = 1;
      } else limit = Math.min(mostSnapshots, limit < safe ? Math.min(2 * limit, safe) : limit + 1);
    },
    smallest() {
      limit = 1;
    },
  };
}
