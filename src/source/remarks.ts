/** Lines that powermetrics is known to print beside its documents, up to once a sample: each kind is logged once, and every line counted. */
import type { Logger } from "../runtime/log.ts";

/** By what a counter calls them. */
const known: readonly (readonly [kind: string, line: RegExp])[] = [
  // With the tasks sampler; the spelling is Apple's.
  ["second_underflow", /^second underflow occur/i],
  ["no_process_path", /^proc_pidpath \d{1,10} failed/],
  ["invalid_smc_key", /^invalid key detected/i],
  // In a virtual machine.
  ["no_registry_entry", /^ERROR: cannot find the IO registry entry for /],
];

export interface Remarks {
  /** Whether the line is one of these, and needs no further word. */
  take(line: string): boolean;
}

/** @param counted is called with the kind of each */
export function createRemarks(log: Pick<Logger, "warn">, counted: (kind: string) => void): Remarks {
  const logged = new Set<string>();
  return {
    take(line) {
      const [kind] = known.find(([, pattern]) => pattern.test(line)) ?? [];
      if (kind === undefined) return false;
      counted(kind);
      if (!logged.has(kind))
        log.warn("powermetrics said; further lines of this kind are only counted", { line, kind });
      logged.add(kind);
      return true;
    },
  };
}
