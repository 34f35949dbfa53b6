/** Adds up windows: a sum exists from the first reported delta on, and never before. */

export interface Sum {
  /** Adds a delta of the window; an absent delta adds nothing. Returns the sum so far, absent while nothing was reported. */
  add(delta: number | undefined): number | undefined;
}

/** Integers stay exact below 2^53. */
export function sum(): Sum {
  let total: number | undefined;
  return {
    add(delta) {
      if (delta !== undefined) total = (total ?? 0) + delta;
      return total;
    },
  };
}

export interface Sums {
  add(key: string, delta: number | undefined): number | undefined;
  entries(): Iterable<readonly [key: string, total: number]>;
}

/** One sum per key. The caller bounds the keys. */
export function sums(): Sums {
  const totals = new Map<string, number>();
  return {
    add(key, delta) {
      const total = totals.get(key);
      if (delta === undefined) return total;
      totals.set(key, (total ?? 0) + delta);
      return (total ?? 0) + delta;
    },
    entries: () => totals.entries(),
  };
}
