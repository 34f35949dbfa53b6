/** Owns what one `powermetrics -f plist` document says; each part is optional, for samplers, chips and versions differ (FORMATS.md). */
import { defined } from "./defined.ts";
import { fieldsOf, type Fields } from "./field.ts";
import { findingLog, type FindingLog } from "./finding.ts";
import { parsePlist } from "./plist/plist.ts";
import { isDict, type PlistValue } from "./plist/value.ts";
import { readAppleSilicon, readGpu, type Window } from "./powermetrics/apple-silicon.ts";
import { isIntel, readIntel, readIntelGpu } from "./powermetrics/intel.ts";
import { readInterrupts } from "./powermetrics/interrupts.ts";
import { keeps, knownOfDocument, type Wanted } from "./powermetrics/keep.ts";
import { readSmc } from "./powermetrics/smc.ts";
import { readTasks } from "./powermetrics/tasks.ts";
import { readDisk, readNetwork } from "./powermetrics/traffic.ts";
import { failed, parsed, type ParseResult } from "./result.ts";
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
  const log = findingLog();
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
