/** What both dialects say of a CPU: its id, its frequency, and the time it spent at each of its frequencies. */
import { defined } from "../../runtime/defined.ts";
import type { Fields } from "../field.ts";
import type { FindingLog } from "../finding.ts";
import type { PlistDict } from "../plist/reader.ts";
import type { FrequencyResidency } from "../sample.ts";

/** More than any Mac has; ids become label values, so they are bounded. */
const mostCores = 1024;
const mostHertz = 100e9;

export interface CoreIds {
  /** `cpu0` … for a row with the key `cpu`; undefined, and found, when it is missing, strange, or taken already. */
  take(row: Fields): string | undefined;
}

export function coreIds(): CoreIds {
  const taken = new Set<number>();
  return {
    take(row) {
      const number = row.number("cpu");
      if (number === undefined || !isCpu(number) || taken.has(number)) {
        row.strange("cpu");
        return undefined;
      }
      taken.add(number);
      return `cpu${number}`;
    },
  };
}

function isCpu(number: number): boolean {
  return Number.isInteger(number) && number >= 0 && number < mostCores;
}

/** In Hz; 0 is what a core reports that never ran. */
export function frequencyOf(field: string, hertz: number | undefined, log: FindingLog): number | undefined {
  return log.within(field, hertz, 0, mostHertz);
}

/** The key of a state's share of the window. */
export const stateShare = "used_ratio";

/** The share of the window in any state; undefined when there are no states, NaN when one of them is no share. */
export function activeShare(shares: readonly number[] | undefined): number | undefined {
  if (shares === undefined || shares.length === 0) return undefined;
  let sum = 0;
  for (const share of shares) sum += share >= 0 ? share : NaN;
  return withoutNoise(sum);
}

/** Undefined when one of the states has none. */
export function sharesOf(states: readonly PlistDict[] | undefined): readonly number[] | undefined {
  const shares = states?.map((state) => state.get(stateShare)).filter((share) => typeof share === "number");
  return shares?.length === states?.length ? shares : undefined;
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
