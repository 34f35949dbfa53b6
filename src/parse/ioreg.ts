/**
 * Reads what `ioreg -a -r` prints of AppleSmartBattery and of IOAccelerator (src/parse/README.md, 9): the battery, the power of the whole machine, and the GPUs.
 *
 * Only the values named here are taken: serial numbers and the manufacturer's data never leave this file.
 */
import { defined } from "../runtime/defined.ts";
import { createFindingLog, fieldsOf, type Fields, type FindingLog } from "./field.ts";
import { isArray, isDict, parsePlist, type PlistDict, type PlistValue } from "./plist/reader.ts";
import { failed, parsed, type ParseResult } from "./result.ts";
import type { Battery, BatteryCapacities, GpuEntry, IoregSample, SystemPower } from "./sample.ts";

/** Reads the outputs of one poll, each of which may be empty: nothing is printed where no entry matches. */
export function parseIoreg(...outputs: readonly Uint8Array[]): ParseResult<IoregSample> {
  const log = createFindingLog();
  const entries: PlistDict[] = [];
  for (const output of outputs) {
    if (isBlank(output)) continue;
    const plist = parsePlist(output, { keep: (key) => containers.has(key) });
    if (!plist.ok) return plist;
    const found = entriesOf(plist.value);
    if (found === undefined) return notEntries(plist.value);
    entries.push(...found);
  }
  const battery = entries.find(isBattery);
  const gpus = entries.filter((entry) => isDict(entry.get("PerformanceStatistics")));
  return parsed({
    ...(battery !== undefined && readBatteryEntry(fieldsOf(battery, "battery", log), log)),
    ...(gpus.length > 0 && { gpus: gpus.map((entry, index) => readGpu(entry, index, log)) }),
    findings: log.findings(),
  });
}

/** What is read of an entry's arrays and dicts. */
const containers = new Set([
  "PowerTelemetryData",
  "BatteryData",
  "AdapterDetails",
  "PerformanceStatistics",
  "IORegistryEntryChildren",
]);

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte <= 0x20);
}

/** An array with a dict for each entry, or one dict; entries below others stand among their children. */
function entriesOf(value: PlistValue): readonly PlistDict[] | undefined {
  if (!isArray(value) && !isDict(value)) return undefined;
  const roots = isArray(value) ? value.filter(isDict) : [value];
  return roots.flatMap((root) => {
    const children = root.get("IORegistryEntryChildren");
    return [root, ...((children === undefined ? undefined : entriesOf(children)) ?? [])];
  });
}

function notEntries(value: PlistValue): ParseResult<never> {
  const got = typeof value === "object" ? "another object" : typeof value;
  return failed({
    kind: "content",
    message: `unexpected ioreg output: got ${got}, want an array of entries`,
  });
}

function isBattery(entry: PlistDict): boolean {
  return entry.get("IOObjectClass") === "AppleSmartBattery" || entry.has("BatteryInstalled");
}

function readBatteryEntry(entry: Fields, log: FindingLog): Omit<IoregSample, "findings"> {
  const updateSeconds = log.within("battery_update_time", entry.number("UpdateTime"), 1, 1e11);
  const telemetry = entry.fields("PowerTelemetryData");
  // A desktop has a node too, which says that nothing is installed.
  const battery = entry.flag("BatteryInstalled") === false ? undefined : readBattery(entry, log);
  return defined({
    updateTimeMs: updateSeconds === undefined ? undefined : updateSeconds * 1000,
    system: telemetry === undefined ? undefined : readSystemPower(telemetry, log),
    battery,
  });
}

/** Ten times the largest power supply of a Mac. */
const mostMilliwatts = 15_000_000;

/**
 * SystemLoad is added up once a second. AccumulatedSystemPowerIn and AccumulatedSystemEnergyConsumed are never used: each negative
 * sample adds 2^32 to them.
 */
function readSystemPower(telemetry: Fields, log: FindingLog): SystemPower {
  const load = log.amount("system_energy", telemetry.number("AccumulatedSystemLoad"));
  const seconds = log.amount("system_energy_seconds", telemetry.number("SystemLoadAccumulatorCount"));
  const isPlausible = load === undefined || seconds === undefined || load <= seconds * mostMilliwatts;
  if (!isPlausible) log.implausible("system_energy");
  return defined({
    loadMilliwatts: log.within("system_power", telemetry.number("SystemLoad"), 0, mostMilliwatts),
    adapterMilliwatts: log.within("adapter_power", telemetry.number("SystemPowerIn"), 0, mostMilliwatts),
    batteryMilliwatts: log.within(
      "battery_power",
      telemetry.number("BatteryPower"),
      -mostMilliwatts,
      mostMilliwatts,
    ),
    energyMillijoules: isPlausible ? load : undefined,
    energySeconds: isPlausible ? seconds : undefined,
  });
}

function readBattery(entry: Fields, log: FindingLog): Battery {
  const millivolts = log.within("battery_voltage", entry.number("Voltage"), 0, 100_000);
  const isConnected = entry.flag("ExternalConnected");
  const failure = entry.number("PermanentFailureStatus");
  return defined({
    cycles: log.within("battery_cycles", entry.number("CycleCount"), 0, 100_000),
    capacities: readCapacities(entry, log),
    volts: millivolts === undefined ? undefined : millivolts / 1000,
    milliamperes: log.within(
      "battery_current",
      entry.number("Amperage") ?? entry.number("InstantAmperage"),
      -1_000_000,
      1_000_000,
    ),
    celsius: log.within("battery_temperature", readCelsius(entry), -60, 150),
    isConnected,
    isCharging: entry.flag("IsCharging"),
    isFullyCharged: entry.flag("FullyCharged"),
    hasFailed: failure === undefined ? undefined : failure !== 0,
    adapterWatts: isConnected === true ? readAdapterWatts(entry, log) : undefined,
  });
}

function readAdapterWatts(entry: Fields, log: FindingLog): number | undefined {
  return log.within("adapter_rating", entry.fields("AdapterDetails")?.number("Watts"), 1, 10_000);
}

/** In percent on Apple Silicon, in mAh on Intel: there no battery has as few as 100. */
function isInPercent(entry: Fields): boolean {
  return (entry.number("MaxCapacity") ?? 0) <= 100;
}

/** At the top, or since macOS 27 inside BatteryData under other names. */
function readCapacities(entry: Fields, log: FindingLog): BatteryCapacities {
  const inner = entry.fields("BatteryData");
  const old = isInPercent(entry) ? undefined : entry;
  const capacity = (field: string, ...values: readonly (number | undefined)[]): number | undefined =>
    log.within(
      field,
      values.find((value) => value !== undefined),
      0,
      1_000_000,
    );
  return defined({
    design: capacity("design_capacity", entry.number("DesignCapacity"), inner?.number("DesignCapacity")),
    fullCharge: capacity(
      "full_charge_capacity",
      entry.number("AppleRawMaxCapacity"),
      inner?.number("FullChargeCapacity"),
      old?.number("MaxCapacity"),
    ),
    nominalCharge: capacity(
      "nominal_charge_capacity",
      entry.number("NominalChargeCapacity"),
      inner?.number("NominalChargeCapacity"),
    ),
    remaining: capacity(
      "remaining_capacity",
      entry.number("AppleRawCurrentCapacity"),
      inner?.number("RemainingCapacity"),
      old?.number("CurrentCapacity"),
    ),
  });
}

/** VirtualTemperature is in hundredths of a degree; Temperature in tenths of a kelvin, on Apple Silicon only. */
function readCelsius(entry: Fields): number | undefined {
  const hundredths = entry.number("VirtualTemperature");
  if (hundredths !== undefined) return hundredths / 100;
  const decikelvin = entry.number("Temperature");
  // Like 3034 / 10 - 273.15, without the rounding errors of its fractions.
  return decikelvin === undefined || !isInPercent(entry) ? undefined : (decikelvin * 10 - 27_315) / 100;
}

/** As for physical memory: ten times what the largest Mac ever had. */
const mostBytes = 16 * 2 ** 40;

/** Some Intel Macs have several, with other keys. */
function readGpu(entry: PlistDict, index: number, log: FindingLog): GpuEntry {
  const fields = fieldsOf(entry, "gpu", log);
  const statistics = fields.fields("PerformanceStatistics");
  const percent = (field: string, ...keys: readonly string[]): number | undefined =>
    log.within(field, first(statistics, keys), 0, 100);
  return defined({
    index,
    model: readModel(entry.get("model"), fields),
    memoryInUseBytes: log.within(
      "gpu_memory_in_use",
      first(statistics, ["In use system memory", "vramUsedBytes"]),
      0,
      mostBytes,
    ),
    memoryAllocatedBytes: log.within(
      "gpu_memory_allocated",
      first(statistics, ["Alloc system memory"]),
      0,
      mostBytes,
    ),
    devicePercent: percent("gpu_device", "Device Utilization %", "GPU Activity(%)"),
    rendererPercent: percent("gpu_renderer", "Renderer Utilization %"),
    tilerPercent: percent("gpu_tiler", "Tiler Utilization %"),
    recoveries: log.amount("gpu_recoveries", first(statistics, ["recoveryCount"])),
  });
}

function first(fields: Fields | undefined, keys: readonly string[]): number | undefined {
  for (const key of keys) {
    const value = fields?.number(key);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** Text on Apple Silicon, bytes that end in NUL on some Intel Macs. */
function readModel(value: PlistValue | undefined, fields: Fields): string | undefined {
  if (!(value instanceof Uint8Array)) return fields.text("model");
  const text = Buffer.from(value).toString("latin1");
  return /^[\x20-\x7e]{1,100}(?=\0|$)/.exec(text)?.[0].trim();
}
