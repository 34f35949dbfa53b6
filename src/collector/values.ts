/** What several collectors make of values: percentages, one series per state, and sums over windows. */

/** A ratio (0…1) has six significant digits; what the multiplication adds beyond the fourteenth decimal is noise. */
export function percent(ratio: number | undefined): number | undefined {
  return ratio === undefined ? undefined : Math.round(ratio * 1e14) / 1e12;
}

/**
 * Observes 1 for the present state and 0 for every other known one; nothing without a present state. An unknown state is reported
 * verbatim beside the known ones.
 */
export function observeState(
  present: string | undefined,
  known: readonly string[],
  observe: (state: string, value: 0 | 1) => void,
): void {
  if (present === undefined || present === "") return;
  for (const state of known) observe(state, state === present ? 1 : 0);
  if (!known.includes(present)) observe(present, 1);
}

/** Sums of windows' deltas by key. The caller bounds the keys; integers stay exact below 2^53. */
export interface Sums {
  /** Adds a delta of the window; an absent one adds nothing. Returns the sum so far, absent while no delta was reported. */
  add(key: string, delta: number | undefined): number | undefined;
  entries(): Iterable<readonly [key: string, total: number]>;
}

export function createSums(): Sums {
  const totals = new Map<string, number>();
  return {
    add(key, delta) {
      if (delta !== undefined) totals.set(key, (totals.get(key) ?? 0) + delta);
      return totals.get(key);
    },
    entries: () => totals.entries(),
  };
}
