/** The simulated ioreg, as far as anyone asks: AppleSmartBattery and IOAccelerator as property lists (src/parse/README.md, 9). */
import { batteryAt } from "./activity.ts";
import { hasFault, misbehave, type Fault } from "./faults.ts";
import { graphicsAt, meanOver, type Window } from "./load.ts";
import { memoryBytes, osNumber, type AppleChip, type Chip, type Host } from "./mac.ts";
import { chance, noise } from "./noise.ts";
import { escapeMarkup, plistHead } from "./plist-writer.ts";
import type { ToolIo } from "./simulate.ts";
import type { Settings } from "./settings.ts";
import { siliconState } from "./silicon.ts";

type Property = string | number | boolean | Uint8Array | readonly Entry[] | Entry;
interface Entry {
  readonly [key: string]: Property;
}

export async function ioreg(
  argv: readonly string[],
  { host, faults }: Settings,
  io: ToolIo,
): Promise<number> {
  const fault = await misbehave(faults, "ioreg: error: can't obtain I/O Kit's root service", io);
  if (fault !== undefined) return fault;
  const wanted = classOf(argv);
  if (wanted === undefined) {
    await io.stderr.write("usage: ioreg -a -r [-d depth] -c class | -n name\n");
    return 1;
  }
  const entries = entriesOf(wanted, host, io.clock.now(), faults);
  if (entries.length > 0) await io.stdout.write(propertyList(entries));
  return 0;
}

/** The class or name that is asked for; undefined where it is not asked for as a property list of whole entries. */
function classOf(argv: readonly string[]): string | undefined {
  const valued = new Set(["-c", "-n", "-d", "-k", "-p", "-w"]);
  let wanted: string | undefined;
  const set = new Set<string>();
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    set.add(word);
    if (!valued.has(word)) continue;
    index++;
    if (word === "-c" || word === "-n") wanted = argv[index];
  }
  return set.has("-a") && set.has("-r") ? wanted : undefined;
}

function entriesOf(wanted: string, host: Host, timeMs: number, faults: readonly Fault[]): readonly Entry[] {
  switch (wanted) {
    case "AppleSmartBattery":
      return batteryEntries(host, timeMs, faults);
    case "IOAccelerator":
      return accelerators(host, timeMs);
    default:
      return [];
  }
}

const day = 86_400_000;
/** The gauge is read this often. */
const readingMs = 30_000;

function batteryEntries(host: Host, timeMs: number, faults: readonly Fault[]): readonly Entry[] {
  const { chip, os } = host;
  const at = hasFault(faults, "stuck") ? startOf(timeMs, day) : startOf(timeMs, readingMs);
  if (hasFault(faults, "ghost")) return [ghost(at)];
  if (chip.battery) return [batteryEntry(host, at, faults)];
  // Newer desktops have a node that says that nothing is installed.
  return chip.kind === "apple" && osNumber(os) >= osNumber("15.0") ? [ghost(at)] : [];
}

function ghost(timeMs: number): Entry {
  return {
    IOObjectClass: "AppleSmartBattery",
    BatteryInstalled: false,
    ExternalConnected: true,
    Amperage: 0,
    CurrentCapacity: 0,
    CycleCount: 0,
    AdapterDetails: { FamilyCode: 0 },
    UpdateTime: timeMs / 1000,
  };
}

const channel = { design: 3_000, wear: 3_001, cycles: 3_002, rest: 3_003, warmth: 3_004 } as const;

const adapterWatts = 96;

function batteryEntry(host: Host, timeMs: number, faults: readonly Fault[]): Entry {
  const { chip, os, seed } = host;
  const { percent, state } = batteryAt(seed, timeMs);
  const systemMilliwatts = systemPower(host, timeMs);
  const connected = state !== "discharging";
  const batteryMilliwatts =
    state === "discharging" ? -systemMilliwatts : state === "charging" ? chargeMilliwatts(percent) : 0;
  const millivolts = Math.round(10_900 + 22 * percent);
  const milliamperes = Math.round((batteryMilliwatts * 1000) / millivolts);
  const celsius = 29 + 6 * noise(seed, channel.warmth, timeMs, 20 * 60_000);
  const design = 4_400 + 100 * Math.floor(chance(seed, channel.design, 0) * 45);
  const full = Math.round(design * (0.86 + 0.16 * chance(seed, channel.wear, 0)));
  return {
    IOObjectClass: "AppleSmartBattery",
    BatteryInstalled: true,
    Serial: "SIMULATED00000000",
    UpdateTime: timeMs / 1000,
    CycleCount: Math.floor(chance(seed, channel.cycles, 0) * 400),
    DesignCycleCount9C: 1000,
    Voltage: millivolts,
    Amperage: milliamperes,
    InstantAmperage: milliamperes,
    ...(chip.kind === "apple"
      ? { VirtualTemperature: Math.round(celsius * 100), Temperature: Math.round(celsius * 10 + 2732.1) }
      : { Temperature: Math.round(celsius * 100) }),
    ExternalConnected: connected,
    IsCharging: state === "charging",
    FullyCharged: state === "charged",
    PermanentFailureStatus: 0,
    AdapterDetails: connected
      ? { Watts: adapterWatts, Name: `${adapterWatts}W USB-C Power Adapter` }
      : { FamilyCode: 0 },
    ...capacities(chip, os, { design, full, percent }),
    ...(chip.kind === "apple" &&
      osNumber(os) >= osNumber("12.0") && {
        PowerTelemetryData: {
          SystemLoad: systemMilliwatts,
          SystemPowerIn: connected ? systemMilliwatts + batteryMilliwatts : 0,
          BatteryPower: batteryMilliwatts,
          ...systemEnergy(host, timeMs, faults),
        },
      }),
  };
}

/** Ever less for the last fifth. */
function chargeMilliwatts(percent: number): number {
  return Math.round(1_000 + 24_000 * Math.min(1, (100 - percent) / 20));
}

interface Charge {
  readonly design: number;
  readonly full: number;
  readonly percent: number;
}

/** In percent on Apple Silicon; from macOS 27 on the charge is inside BatteryData only. */
function capacities(chip: Chip, os: string, { design, full, percent }: Charge): Entry {
  const remaining = Math.round((full * percent) / 100);
  const nominal = Math.round(full * 1.02);
  if (osNumber(os) >= osNumber("27.0"))
    return {
      CurrentCapacity: percent,
      MaxCapacity: 100,
      BatteryData: {
        DesignCapacity: design,
        FullChargeCapacity: full,
        NominalChargeCapacity: nominal,
        RemainingCapacity: remaining,
      },
    };
  return {
    ...(chip.kind === "apple"
      ? { CurrentCapacity: percent, MaxCapacity: 100 }
      : { CurrentCapacity: remaining, MaxCapacity: full }),
    AppleRawCurrentCapacity: remaining,
    AppleRawMaxCapacity: full,
    NominalChargeCapacity: nominal,
    DesignCapacity: design,
  };
}

/** Of the second that ends at `timeMs`. */
function systemPower(host: Host, timeMs: number): number {
  return Math.round(millijoulesBetween(host, timeMs - 1000, timeMs));
}

/** The gauge begins anew this often. A Mac's counts for weeks; here each run adds all of it up, in 15 ms at most. */
const gaugeLifeMs = 4 * 3_600_000;

/**
 * Added up in steps of the gauge's readings: the chip's rails as powermetrics prints them, and a rest for display, memory, SSD,
 * radios and losses.
 */
function systemEnergy(host: Host, timeMs: number, faults: readonly Fault[]): Entry {
  const from = startOf(timeMs, hasFault(faults, "reset") ? gaugeLifeMs / 24 : gaugeLifeMs);
  let millijoules = 0;
  for (let at = from; at < timeMs; at += readingMs)
    millijoules += millijoulesBetween(host, at, at + readingMs);
  return {
    AccumulatedSystemLoad: Math.round(millijoules),
    SystemLoadAccumulatorCount: Math.round((timeMs - from) / 1000),
  };
}

function millijoulesBetween(host: Host, startMs: number, endMs: number): number {
  const window = { startMs, endMs, elapsedNs: (endMs - startMs) * 1e6 };
  const rails = railMillijoules(host, window);
  const seconds = (endMs - startMs) / 1000;
  const restMilliwatts = 3_800 + 3_200 * noise(host.seed, channel.rest, startMs, 30 * 60_000);
  return rails * 1.08 + restMilliwatts * seconds;
}

function railMillijoules({ chip, os, seed }: Host, window: Window): number {
  if (chip.kind !== "apple") return 0;
  const { cpuMillijoules, gpuMillijoules, aneMillijoules } = siliconState(chip, os, seed, window);
  return cpuMillijoules + gpuMillijoules + aneMillijoules;
}

function accelerators(host: Host, timeMs: number): readonly Entry[] {
  const { chip } = host;
  if (chip.kind === "intel") return chip.battery ? intelAccelerators(host, timeMs) : [];
  return chip.gpu === undefined ? [] : [appleAccelerator(chip, host.seed, timeMs)];
}

function busyPercent(seed: number, timeMs: number): number {
  const window = { startMs: timeMs - 1000, endMs: timeMs, elapsedNs: 1e9 };
  return Math.round(100 * meanOver(window, (at) => graphicsAt(seed, at)));
}

function appleAccelerator(chip: AppleChip, seed: number, timeMs: number): Entry {
  const busy = busyPercent(seed, timeMs);
  const inUse = Math.round(memoryBytes(chip) * (0.03 + 0.002 * busy));
  return {
    IOObjectClass: "AGXAccelerator",
    model: chip.brand,
    "gpu-core-count": 8,
    PerformanceStatistics: {
      "Device Utilization %": busy,
      "Renderer Utilization %": Math.max(0, busy - 1),
      "Tiler Utilization %": Math.max(0, busy - 3),
      "In use system memory": inUse,
      "Alloc system memory": inUse * 3,
      recoveryCount: 0,
    },
  };
}

/** Two, as in a large MacBook Pro: the built-in one, whose model is bytes, and a card of its own. */
function intelAccelerators({ chip, seed }: Host, timeMs: number): readonly Entry[] {
  const busy = busyPercent(seed, timeMs);
  return [
    {
      IOObjectClass: "IntelAccelerator",
      model: Buffer.from("Intel UHD Graphics 630\0"),
      PerformanceStatistics: {
        "Device Utilization %": busy,
        "In use system memory": Math.round(memoryBytes(chip) * 0.02),
      },
    },
    {
      IOObjectClass: "AMDRadeonX6000_AMDNavi14GraphicsAccelerator",
      model: "AMD Radeon Pro 5500M",
      PerformanceStatistics: {
        "GPU Activity(%)": Math.round(busy / 2),
        vramUsedBytes: 2 ** 28 + busy * 2 ** 22,
        recoveryCount: 0,
      },
    },
  ];
}

function startOf(timeMs: number, period: number): number {
  return Math.floor(timeMs / period) * period;
}

/** Indented by tabs, an element a line, as Apple's libraries print. */
function propertyList(entries: readonly Entry[]): string {
  return `${plistHead}\n${element(entries, "")}</plist>\n`;
}

function element(value: Property, indent: string): string {
  if (typeof value === "string") return `${indent}<string>${escapeMarkup(value)}</string>\n`;
  if (typeof value === "number") return `${indent}<integer>${value}</integer>\n`;
  if (typeof value === "boolean") return `${indent}<${value}/>\n`;
  if (value instanceof Uint8Array)
    return `${indent}<data>\n${indent}${Buffer.from(value).toString("base64")}\n${indent}</data>\n`;
  if (isList(value))
    return `${indent}<array>\n${value.map((entry) => element(entry, `${indent}\t`)).join("")}${indent}</array>\n`;
  const pairs = Object.entries(value).map(
    ([key, inner]) => `${indent}\t<key>${escapeMarkup(key)}</key>\n${element(inner, `${indent}\t`)}`,
  );
  return `${indent}<dict>\n${pairs.join("")}${indent}</dict>\n`;
}

function isList(value: readonly Entry[] | Entry): value is readonly Entry[] {
  return Array.isArray(value);
}
