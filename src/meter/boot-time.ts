/** When the machine booted: several sources report it, and it moves by seconds when the clock is set. */

export interface BootTime {
  /** Milliseconds since the Unix epoch; absent until a source reported it. */
  readonly ms: number | undefined;
  report(ms: number | undefined): void;
}

/** A report within this distance is the same boot: a start time that moved would look like a counter reset. */
const sameBootMs = 60_000;

export function bootTime(): BootTime {
  let known: number | undefined;
  return {
    get ms() {
      return known;
    },
    report(ms) {
      if (ms === undefined) return;
      if (known === undefined || Math.abs(ms - known) > sameBootMs) known = ms;
    },
  };
}
