/** Owns the names of CPUs and the bounds of their frequencies, in both dialects. */
import type { Fields } from "../field.ts";
import type { FindingLog } from "../finding.ts";

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
