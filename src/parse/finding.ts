/** Collects what a parser leaves out: unknown keys, and values that cannot be true. */
import type { Findings } from "./sample.ts";

export interface FindingLog {
  /** A key or line of no known version, or a value of another kind than the key always had. */
  unknown(path: string): void;
  /** A value that was withheld, once for each. */
  implausible(field: string): void;
  /** A zero that was withheld, and that only the next window can judge. */
  zeroWhileBusy(field: string): void;
  /** The value when it lies within the bounds; otherwise it is withheld. Absent stays absent. */
  within(field: string, value: number | undefined, least: number, most: number): number | undefined;
  /** A share of the window. Rounding to six digits (`%g`) may take a sum beyond its bounds by 0.001. */
  ratio(field: string, value: number | undefined): number | undefined;
  /** A count or amount since the window began. */
  amount(field: string, value: number | undefined): number | undefined;
  findings(): Findings;
}

/** Different paths that one document may report; they carry no row numbers, so a strange format repeats few. */
const mostUnknown = 100;
const longestPath = 100;
const roundingOfSums = 1e-3;

export function createFindingLog(): FindingLog {
  const unknown = new Set<string>();
  const implausible: string[] = [];
  const zeroWhileBusy: string[] = [];

  const log: FindingLog = {
    unknown(path) {
      if (unknown.size < mostUnknown) unknown.add(path.slice(0, longestPath));
    },
    implausible: (field) => void implausible.push(field),
    zeroWhileBusy: (field) => void zeroWhileBusy.push(field),
    within(field, value, least, most) {
      if (value === undefined || (value >= least && value <= most)) return value;
      implausible.push(field);
      return undefined;
    },
    ratio(field, value) {
      const accepted = log.within(field, value, -roundingOfSums, 1 + roundingOfSums);
      return accepted === undefined ? undefined : Math.min(1, Math.max(0, accepted));
    },
    amount: (field, value) => log.within(field, value, 0, Number.MAX_SAFE_INTEGER),
    findings: () => ({
      unknown: [...unknown],
      implausible,
      ...(zeroWhileBusy.length > 0 && { zeroWhileBusy }),
    }),
  };
  return log;
}
