/** Owns which parts of a document are read at all: most of its bytes are tasks and states that nobody asked for. */
import type { FindingLog } from "../finding.ts";
import type { Keep } from "../plist/plist.ts";

export interface Wanted {
  readonly tasks: boolean;
  readonly frequencyResidency: boolean;
  readonly interrupts: boolean;
}

const always = ["processor", "gpu", "GPU", "battery", "network", "disk", "smc"];
const unused = ["all_tasks", "sfi", "backlight", "bandwidth_counters", "agpm_stats"];
const optional = ["tasks", "coalitions", "interrupts"];
const single =
  "is_delta elapsed_ns hw_model kern_osversion kern_bootargs kern_boottime timestamp thermal_pressure".split(
    " ",
  );

/** Every key of the document's own dict that any version is known to print. */
export const knownOfDocument: ReadonlySet<string> = new Set([...always, ...unused, ...optional, ...single]);

const unusedInside: ReadonlySet<string> = new Set([
  "duty_cycles",
  "misc counters",
  "requested_freq",
  "sw_requested_state",
  "sw_state",
  "timer_wakeups",
]);

/**
 * Where `dvfm_states` stand, by the depth of the dict that has them.
 *
 *     document 1 ─ gpu 2
 *                └ processor 2 ─ clusters[] 4 ─ cpus[] 6
 */
const depth = { document: 1, gpu: 2, cluster: 4 };

/** Of a core's states, unless each is wanted: their sum is how active it was. */
export const stateShare = "used_ratio";
const shares = { column: stateShare };

export function keeps(wanted: Wanted, log: FindingLog): Keep {
  const documentKeys = new Set(always);
  if (wanted.interrupts) documentKeys.add("interrupts");
  if (wanted.tasks) documentKeys.add("tasks").add("coalitions");
  return (key, at) => {
    if (at === depth.document) {
      if (!knownOfDocument.has(key)) log.unknown(key);
      return documentKeys.has(key);
    }
    if (key === "dvfm_states") {
      if (at === depth.cluster) return false;
      return wanted.frequencyResidency || (at !== depth.gpu && shares);
    }
    if (key === "p_states") return wanted.frequencyResidency;
    return !unusedInside.has(key);
  };
}
