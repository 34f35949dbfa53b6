/** Writes the dictionaries that both architectures share: battery, network, disk, interrupts and forced idle. */
import type { PlistWriter } from "./plist-writer.ts";
import type { Window } from "./load.ts";
import { type Host, logicalCpus } from "./mac.ts";
import { accrued, chance } from "./noise.ts";

const channel = { network: 2_000, disk: 2_100, interrupts: 2_200 } as const;

export function writeBattery(plist: PlistWriter, host: Host, window: Window): void {
  if (!host.chip.battery) return;
  plist.dictionary("battery", () => {
    plist.integer("percent_charge", batteryAt(host.seed, window.endMs).percent);
  });
}

export function writeNetwork(plist: PlistWriter, host: Host, window: Window): void {
  const sent = within(host, window, channel.network, 60);
  const received = within(host, window, channel.network + 1, 140);
  const rows = [
    ["opacket", sent],
    ["ipacket", received],
    ["obyte", sent === 0 ? 0 : sent * 96 + within(host, window, channel.network + 2, 22_000)],
    ["ibyte", received === 0 ? 0 : received * 120 + within(host, window, channel.network + 3, 160_000)],
  ] as const;
  plist.dictionary("network", () => {
    for (const [name, count] of rows) {
      plist.integer(`${name}s`, count);
      plist.real(`${name}_rate`, count / seconds(window));
    }
  });
}

export function writeDisk(plist: PlistWriter, host: Host, window: Window): void {
  const reads = within(host, window, channel.disk, 14);
  const writes = within(host, window, channel.disk + 1, 22);
  const rows = [
    ["rops", reads],
    ["wops", writes],
    ["rbytes", reads === 0 ? 0 : 4096 * (reads + within(host, window, channel.disk + 2, 30))],
    ["wbytes", writes === 0 ? 0 : 4096 * (writes + within(host, window, channel.disk + 3, 75))],
  ] as const;
  plist.dictionary("disk", () => {
    for (const [name, count] of rows) {
      plist.integer(`${name}_diff`, count);
      plist.real(`${name}_per_s`, count / seconds(window));
    }
  });
}

const interruptKinds = [
  { name: "IRQ", vector: 80, perSecond: 320 },
  { name: "IPI", vector: 222, perSecond: 210 },
  { name: "TIMER", vector: 221, perSecond: 90 },
] as const;

/** A CPU's share falls with its number; kinds without events are left out, as the tool does. */
export function writeInterrupts(plist: PlistWriter, host: Host, window: Window): void {
  const intel = host.chip.kind === "intel";
  plist.array("interrupts", logicalCpus(host), (cpu) =>
    plist.dictionary(undefined, () => {
      plist.integer("cpu", cpu);
      const rows = interruptKinds
        .map((kind, index) => ({
          ...kind,
          events: interruptEvents(host, window, cpu, index, kind.perSecond),
        }))
        .filter((row) => row.events > 0);
      plist.array(intel ? "vectors" : "interrupts", rows, (row) =>
        plist.dictionary(undefined, () => {
          plist.string("name", intel && row.name === "TIMER" ? "TMR" : row.name);
          if (intel) plist.integer("vector", row.vector);
          plist.integer("events", row.events);
          plist.real("events_per_s", row.events / seconds(window));
        }),
      );
    }),
  );
}

function interruptEvents(host: Host, window: Window, cpu: number, kind: number, perSecond: number): number {
  return within(host, window, channel.interrupts + 8 * cpu + kind, perSecond / (1 + 0.6 * cpu));
}

const idleClasses = [
  "DARWIN_BG",
  "APP_NAP",
  "MANAGED_FOCAL",
  "MANAGED_NONFOCAL",
  "DEFAULT_FOCAL",
  "DEFAULT_NONFOCAL",
  "KERNEL",
  "OPTED_OUT",
];

export function writeForcedIdle(plist: PlistWriter): void {
  plist.dictionary("sfi", () => {
    plist.integer("window_size_us", 0);
    plist.dictionary("sfi_classes", () => {
      for (const name of idleClasses) plist.integer(`SFI_CLASS_${name}`, 0);
    });
  });
}

/** Counted within the window; consecutive windows add up to the sum over both. */
function within(host: Host, window: Window, name: number, perSecond: number): number {
  const at = (timeMs: number): number => Math.floor(accrued(host.seed, name, timeMs, perSecond));
  return at(window.endMs) - at(window.startMs);
}

/** Of wall time; the lifetime sample claims to have taken none. */
function seconds(window: Window): number {
  return Math.max(1, window.endMs - window.startMs) / 1000;
}

interface Battery {
  /** Whole percent. */
  readonly percent: number;
  readonly state: "charging" | "discharging" | "charged";
  /** Until empty or full; 0 when neither is ahead. */
  readonly minutesLeft: number;
}

const minute = 60_000;
const phases = { discharging: 330 * minute, charging: 130 * minute, charged: 140 * minute } as const;
const cycle = phases.discharging + phases.charging + phases.charged;

/** The battery as powermetrics and pmset both see it. A cycle of ten hours: away from the desk, back on mains, full; where in it the Mac is depends on the seed. */
export function batteryAt(seed: number, timeMs: number): Battery {
  const lowest = 12 + Math.floor(chance(seed, 21, 0) * 30);
  const into = (timeMs + chance(seed, 20, 0) * cycle) % cycle;
  if (into < phases.discharging) {
    const left = 1 - into / phases.discharging;
    return {
      percent: level(lowest, left),
      state: "discharging",
      minutesLeft: minutes(left * phases.discharging * 1.3),
    };
  }
  const charged = (into - phases.discharging) / phases.charging;
  if (charged >= 1) return { percent: 100, state: "charged", minutesLeft: 0 };
  return {
    percent: level(lowest, charged),
    state: "charging",
    minutesLeft: minutes((1 - charged) * phases.charging),
  };
}

function level(lowest: number, share: number): number {
  return Math.min(99, Math.round(lowest + (100 - lowest) * share));
}

function minutes(milliseconds: number): number {
  return Math.ceil(milliseconds / minute);
}
