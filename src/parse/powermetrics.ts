/**
 * Reads one document of `powermetrics -f plist` into a typed sample. Each part is optional, since samplers, chips and versions differ (src/parse/README.md, 1 to 5).
 *
 * Read on in powermetrics/: apple-silicon.ts and intel.ts (the two dialects), processor.ts (what they share).
 */
import { defined } from "../runtime/defined.ts";
import { createFindingLog, fieldsOf, type Fields, type FindingLog } from "./field.ts";
import { isDict, parsePlist, type Keep, type PlistValue } from "./plist/reader.ts";
import { readAppleSilicon, readGpu, type Window } from "./powermetrics/apple-silicon.ts";
import { coreIds, stateShare } from "./powermetrics/processor.ts";
import { isIntel, readIntel, readIntelGpu, readSmc } from "./powermetrics/intel.ts";
import { failed, parsed, type ParseResult } from "./result.ts";
import type { DiskWindow, InterruptWindow, NetworkWindow, PowermetricsSample, TaskWindow } from "./sample.ts";

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

const knownOfNetwork = new Set(
  "opackets opacket_rate ipackets ipacket_rate obytes obyte_rate ibytes ibyte_rate".split(" "),
);
const knownOfDisk = new Set(
  "rops_diff rops_per_s wops_diff wops_per_s rbytes_diff rbytes_per_s wbytes_diff wbytes_per_s".split(" "),
);

// What was used in the window: network, disks, interrupts, and tasks or coalitions (src/parse/README.md, 3.3 and 3.4).

function readNetwork(network: Fields, log: FindingLog): NetworkWindow {
  network.expect(knownOfNetwork);
  const amount = (key: string): number | undefined => log.amount(`network_${key}`, network.number(key));
  return defined({
    receivedBytes: amount("ibytes"),
    receivedPackets: amount("ipackets"),
    transmittedBytes: amount("obytes"),
    transmittedPackets: amount("opackets"),
  });
}

function readDisk(disk: Fields, log: FindingLog): DiskWindow {
  disk.expect(knownOfDisk);
  const amount = (key: string): number | undefined => log.amount(`disk_${key}`, disk.number(key));
  return defined({
    readBytes: amount("rbytes_diff"),
    writtenBytes: amount("wbytes_diff"),
    reads: amount("rops_diff"),
    writes: amount("wops_diff"),
  });
}

const knownOfCpu = new Set(["cpu", "interrupts", "vectors"]);
const knownOfRow = new Set(["name", "vector", "events", "events_per_s"]);

/** By CPU: by kind on Apple Silicon (`interrupts`), by vector on Intel (`vectors`). */
function readInterrupts(cpus: readonly Fields[], log: FindingLog): readonly InterruptWindow[] {
  const ids = coreIds();
  return cpus.flatMap((cpu) => {
    cpu.expect(knownOfCpu);
    const core = ids.take(cpu);
    if (core === undefined) return [];
    const rows = [...(cpu.rows("interrupts") ?? []), ...(cpu.rows("vectors") ?? [])];
    return rows.flatMap((row) => readRow(core, row, log));
  });
}

/** The type is the name alone: a vector's number means nothing outside its machine. */
function readRow(core: string, row: Fields, log: FindingLog): readonly InterruptWindow[] {
  row.expect(knownOfRow);
  const type = row.text("name");
  const count = log.amount("interrupt_events", row.number("events"));
  if (type === undefined) row.strange("name");
  return type === undefined || count === undefined ? [] : [{ core, type, count }];
}

/** One row an application: coalitions where the tool groups by them, tasks otherwise. */
function readTasks(document: Fields, log: FindingLog): readonly TaskWindow[] | undefined {
  const rows = document.rows("coalitions") ?? document.rows("tasks");
  return rows?.filter(isReal).flatMap((row) => readTask(row, log));
}

/** Sums and the dead have a negative pid; the coalition of the dead has neither pid nor id. */
function isReal(row: Fields): boolean {
  const pid = row.number("pid") ?? row.number("id");
  if (pid !== undefined) return pid >= 0;
  const name = row.text("name") ?? "";
  return !name.startsWith("DEAD_TASKS") && name !== "ALL_TASKS";
}

function readTask(row: Fields, log: FindingLog): readonly TaskWindow[] {
  const name = row.text("name");
  if (name === undefined) {
    row.strange("name");
    return [];
  }
  const amount = (key: string): number | undefined => log.amount(`task_${key}`, row.number(key));
  return [
    {
      name,
      ...defined({
        cpuNs: amount("cputime_ns"),
        gpuNs: amount("gputime_ns"),
        energyImpact: amount("energy_impact"),
        // All of them: `idle_wakeups` are those among them that woke the package, and 0 on Apple Silicon.
        wakeups: amount("intr_wakeups"),
        diskReadBytes: amount("diskio_bytesread"),
        diskWrittenBytes: amount("diskio_byteswritten"),
        networkReceivedBytes: amount("bytes_received") ?? sumOfMembers(row, "bytes_received", log),
        networkTransmittedBytes: amount("bytes_sent") ?? sumOfMembers(row, "bytes_sent", log),
      }),
    },
  ];
}

/** A coalition has no network figures of its own; its tasks have. */
function sumOfMembers(coalition: Fields, key: string, log: FindingLog): number | undefined {
  let sum: number | undefined;
  for (const member of coalition.rows("tasks") ?? []) {
    const amount = isReal(member) ? log.amount(`task_${key}`, member.number(key)) : undefined;
    if (amount !== undefined) sum = (sum ?? 0) + amount;
  }
  return sum;
}
