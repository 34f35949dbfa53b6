/**
 * Reads one document of `powermetrics -f plist` into a typed sample. Each part is optional, since samplers, chips and versions differ (src/parse/README.md, 1 to 5).
 *
 * Read on in powermetrics/: apple-silicon.ts and intel.ts (the two dialects), core.ts, power.ts, usage.ts.
 */
import { defined } from "../runtime/defined.ts";
import { type Fields, fieldsOf } from "./field.ts";
import { type FindingLog, createFindingLog } from "./finding.ts";
import { type Keep, type PlistValue, isDict, parsePlist } from "./plist/reader.ts";
import { type Window, readAppleSilicon, readGpu } from "./powermetrics/apple-silicon.ts";
import { stateShare } from "./powermetrics/core.ts";
import { isIntel, readIntel, readIntelGpu, readSmc } from "./powermetrics/intel.ts";
import { readDisk, readInterrupts, readNetwork, readTasks } from "./powermetrics/usage.ts";
import { type ParseResult, failed, parsed } from "./result.ts";
import type { PowermetricsSample } from "./sample.ts";

/** What costs much and is off by default. */
export type PowermetricsOptions = Partial<Wanted>;

/**
 * Reads one document. Only `elapsed_ns` and `timestamp` must be there: without them nothing else has a meaning.
 * Whatever else is missing is absent; what is strange or cannot be true is absent too, and in the findings.
 */
export function parsePowermetrics(
  document: Uint8Array,
  options: PowermetricsOptions = {},
): ParseResult<PowermetricsSample> {
  const log = createFindingLog();
  const wanted = { tasks: false, frequencyResidency: false, interrupts: false, ...options };
  const plist = parsePlist(document, { keep: keeps(wanted, log) });
  return plist.ok ? readDocument(plist.value, wanted, log) : plist;
}

function readDocument(root: PlistValue, wanted: Wanted, log: FindingLog): ParseResult<PowermetricsSample> {
  if (!isDict(root))
    return failed({ kind: "content", message: "unexpected document: got no dict, want powermetrics' dict" });
  const fields = fieldsOf(root, "", log);
  const elapsedNs = fields.number("elapsed_ns") ?? NaN;
  const timestamp = root.get("timestamp");
  if (!(elapsedNs >= 0 && elapsedNs < Infinity)) return missing("elapsed_ns", "a number of nanoseconds");
  if (!(timestamp instanceof Date && timestamp.getTime() > 0)) return missing("timestamp", "a date in UTC");
  fields.expect(knownOfDocument);
  return parsed({
    timestampMs: timestamp.getTime(),
    elapsedNs,
    isDelta: fields.flag("is_delta") ?? true,
    ...readMachine(fields, log),
    ...readParts(fields, { elapsedNs, frequencyResidency: wanted.frequencyResidency, log }),
    ...defined({
      interrupts: optional(fields.rows("interrupts"), (rows) => readInterrupts(rows, log)),
      tasks: readTasks(fields, log),
    }),
    findings: log.findings(),
  });
}

function missing(key: string, want: string): ParseResult<never> {
  return failed({ kind: "content", message: `unexpected ${key}: got none that can be read, want ${want}` });
}

function readMachine(fields: Fields, log: FindingLog): Partial<PowermetricsSample> {
  const bootSeconds = log.within("kern_boottime", fields.number("kern_boottime"), 1, 1e11);
  return defined({
    hwModel: fields.text("hw_model"),
    osBuild: fields.text("kern_osversion"),
    bootTimeMs: bootSeconds === undefined ? undefined : bootSeconds * 1000,
    thermalPressure: fields.text("thermal_pressure")?.toLowerCase(),
  });
}

function readParts(fields: Fields, window: Window): Partial<PowermetricsSample> {
  const { log } = window;
  return defined({
    processor: optional(fields.fields("processor"), (processor) =>
      isIntel(processor) ? readIntel(processor, window) : readAppleSilicon(processor, window),
    ),
    gpu:
      optional(fields.fields("gpu"), (gpu) => readGpu(gpu, window)) ??
      optional(fields.rows("GPU"), (gpus) => readIntelGpu(gpus, window)),
    battery: optional(fields.fields("battery"), (battery) => readBattery(battery, log)),
    network: optional(fields.fields("network"), (network) => readNetwork(network, log)),
    disk: optional(fields.fields("disk"), (disk) => readDisk(disk, log)),
    smc: optional(fields.dict("smc"), (smc) => readSmc(smc, log)),
  });
}

const knownOfBattery = new Set([
  "percent_charge",
  "capacity",
  "charge_remaining",
  "charge_delta",
  "plugged_in",
]);

/** On some Intel Macs `percent_charge` is a charge in mAh (6325). */
function readBattery(battery: Fields, log: FindingLog): { readonly chargePercent?: number } {
  battery.expect(knownOfBattery);
  return defined({ chargePercent: log.within("percent_charge", battery.number("percent_charge"), 0, 100) });
}

function optional<Part, Read>(part: Part | undefined, read: (part: Part) => Read): Read | undefined {
  return part === undefined ? undefined : read(part);
}

/** Which parts of a document are read at all: most of its bytes are tasks and states that are not wanted. */
interface Wanted {
  readonly tasks: boolean;
  readonly frequencyResidency: boolean;
  readonly interrupts: boolean;
}

const always = ["processor", "gpu", "GPU", "battery", "network", "disk", "smc"];
const unused = ["all_tasks", "sfi", "backlight", "bandwidth_counters", "agpm_stats"];
const onRequest = ["tasks", "coalitions", "interrupts"];
const single =
  "is_delta elapsed_ns hw_model kern_osversion kern_bootargs kern_boottime timestamp thermal_pressure".split(
    " ",
  );

/** Every key of the document's own dict that any version is known to print. */
const knownOfDocument: ReadonlySet<string> = new Set([...always, ...unused, ...onRequest, ...single]);

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
const shares = { column: stateShare };

function keeps(wanted: Wanted, log: FindingLog): Keep {
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

const heading = /^the following samplers are supported/i;

/** Names from `powermetrics --help`, in its order; empty when the text has no such list. */
export function parseSamplers(helpText: string): readonly string[] {
  const lines = helpText.split(/\r?\n/);
  const start = lines.findIndex((line) => heading.test(line.trim()));
  if (start < 0) return [];
  const names: string[] = [];
  for (const line of lines.slice(start + 1)) {
    const name = /^\s+([a-z][a-z0-9_]*)(?:\s|$)/.exec(line)?.[1];
    if (name !== undefined) names.push(name);
    else if (names.length > 0) break;
  }
  return names;
}
