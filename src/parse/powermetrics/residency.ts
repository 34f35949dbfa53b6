/** Owns frequency states: how long something ran at each of its frequencies. */
import { defined } from "../defined.ts";
import type { FindingLog } from "../finding.ts";
import type { PlistDict } from "../plist/value.ts";
import type { FrequencyResidency } from "../sample.ts";

/** The share of the window in any state; undefined when there are no states, NaN when one of them is no share. */
export function activeShare(states: readonly PlistDict[] | undefined): number | undefined {
  if (states === undefined || states.length === 0) return undefined;
  let sum = 0;
  for (const state of states) {
    const share = state.get("used_ratio");
    if (typeof share !== "number") return undefined;
    sum += share >= 0 ? share : NaN;
  }
  return withoutNoise(sum);
}

/** What is left of the window; the shares have six digits, so what lies beyond twelve is noise of the subtraction. */
export function remainingShare(...shares: readonly number[]): number {
  return withoutNoise(shares.reduce((rest, share) => rest - share, 1));
}

function withoutNoise(share: number): number {
  return Math.round(share * 1e12) / 1e12;
}

/** By position, since frequencies repeat. A state with a figure that cannot be true is left out, and found. */
export function readResidency(
  states: readonly PlistDict[] | undefined,
  megahertzOf: (state: PlistDict) => number | undefined,
  log: FindingLog,
): { readonly frequencyResidency?: readonly FrequencyResidency[] } {
  const residency = states?.flatMap((state) => {
    const megahertz = megahertzOf(state);
    const used = state.get("used_ns");
    const usedNs = log.amount("frequency_used_ns", typeof used === "number" ? used : undefined);
    return megahertz === undefined || usedNs === undefined ? [] : [{ megahertz, usedNs }];
  });
  return defined({ frequencyResidency: residency });
}
