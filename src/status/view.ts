/** How the page and `top` show a status: values with units, states with a sign, the figures that come first. Runs in the browser too. */
import type { DeliveryStatus } from "../delivery/types.ts";
import { defined } from "../runtime/defined.ts";
import type {
  AgentIdentity,
  AppReading,
  EnergyByApp,
  Machine,
  OverallLevel,
  Rail,
  Readings,
  SinkStatus,
  TargetStatus,
} from "./status.ts";

/** A sign and words, so that no state is shown by its colour alone. */
export interface StateWords {
  readonly sign: string;
  readonly words: string;
  readonly level: OverallLevel;
}

export const overallWords: Readonly<Record<OverallLevel, StateWords>> = {
  ok: { sign: "✓", words: "All well", level: "ok" },
  starting: { sign: "…", words: "Starting", level: "starting" },
  warning: { sign: "!", words: "Needs attention", level: "warning" },
  failing: { sign: "✕", words: "Failing", level: "failing" },
};

export const sinkWords: Readonly<Record<DeliveryStatus, StateWords>> = {
  starting: { sign: "…", words: "starting", level: "starting" },
  ok: { sign: "✓", words: "delivering", level: "ok" },
  draining: { sign: "↑", words: "catching up", level: "ok" },
  retrying: { sign: "!", words: "trying again", level: "warning" },
  refused: { sign: "✕", words: "refused", level: "failing" },
  holding: { sign: "!", words: "waiting for the clock", level: "warning" },
  stopped: { sign: "–", words: "stopped", level: "starting" },
};

export function sourceWords(up: boolean | undefined): StateWords {
  if (up === undefined) return { sign: "…", words: "starting", level: "starting" };
  return up ? { sign: "✓", words: "up", level: "ok" } : { sign: "✕", words: "down", level: "failing" };
}

export function targetWords({ up }: TargetStatus): StateWords {
  return up === undefined ? { sign: "…", words: "not yet", level: "starting" } : sourceWords(up);
}

/** `3 of 4 up`, and how many of the rest have not been scraped yet. */
export function targetsText(targets: readonly TargetStatus[]): string {
  const up = targets.filter((target) => target.up === true).length;
  const notYet = targets.filter((target) => target.up === undefined).length;
  return `${up} of ${targets.length} up${notYet === 0 ? "" : `, ${notYet} not yet`}`;
}

/** As its metrics name the machine. */
export const machineName = ({ instance, host }: AgentIdentity): string => instance ?? host;

/** `26.6 (25G229)`, or whichever of both is known. */
export function macOS({ osVersion, osBuild }: Machine): string | undefined {
  return osVersion !== undefined && osBuild !== undefined
    ? `${osVersion} (${osBuild})`
    : (osVersion ?? osBuild);
}

export function droppedText(dropped: SinkStatus["dropped"]): string {
  const reasons = Object.entries(dropped).filter(([, samples]) => samples > 0);
  if (reasons.length === 0) return "none";
  return reasons.map(([reason, samples]) => `${count(samples)} (${reason})`).join(", ");
}

export function waitingText({ snapshots, bytes: size, oldest }: SinkStatus["backlog"], now: number): string {
  if (snapshots === 0) return "nothing";
  const age = oldest === undefined ? "" : `, oldest ${ago(oldest, now)}`;
  return `${count(snapshots)} snapshot${snapshots === 1 ? "" : "s"}, ${bytes(size)}${age}`;
}

/** A figure that is seen first: a tile of the page, a line in the head of `top`. */
export interface Tile {
  readonly id: string;
  readonly title: string;
  /** Absent when the machine does not report it, which is not zero. */
  readonly value?: string;
  /** A line below. */
  readonly note?: string;
  readonly alarm?: "warning" | "failing";
}

export const railTitles: Readonly<Record<Rail, string>> = {
  system: "Whole machine",
  cpu: "CPU power",
  gpu: "GPU power",
  ane: "Neural Engine",
  dram: "DRAM power",
  package: "Package power",
  combined: "Combined power",
};

/** What only some machines report has no tile elsewhere. @param past follows the first one */
export function tilesOf(readings: Readings, past?: Tile): readonly Tile[] {
  const first = (["system", "package", "combined"] as const).find(
    (rail) => readings.power[rail] !== undefined,
  );
  return [
    ...(first === undefined ? [] : railTile(first, readings)),
    ...(past === undefined ? [] : [past]),
    ...energyTile(readings),
    ...(first === "package" ? [] : knownRailTile("package", readings)),
    ...railTile("cpu", readings, meanActivity(readings)),
    ...railTile("gpu", readings, readings.gpu.activePercent),
    ...railTile("ane", readings),
    ...(first === "combined" ? [] : railTile("combined", readings)),
    ...knownRailTile("dram", readings),
    thermalTile(readings),
    memoryTile(readings),
    ...gpuTiles(readings),
    ...batteryTile(readings),
    ...flowTile(readings),
    ...capacityTile(readings),
  ];
}

function knownRailTile(rail: Rail, readings: Readings): readonly Tile[] {
  return readings.power[rail] === undefined ? [] : railTile(rail, readings);
}

function railTile(rail: Rail, { power }: Readings, activePercent?: number): readonly Tile[] {
  const value = power[rail];
  const active = activePercent === undefined ? undefined : percent(activePercent);
  // An Intel package reports one figure for all of its rails.
  if (value === undefined && power.package !== undefined)
    return active === undefined
      ? []
      : [{ id: rail, title: railTitles[rail].replace("power", "activity"), value: active }];
  return [
    {
      id: rail,
      title: railTitles[rail],
      ...defined({
        value: value === undefined ? undefined : watts(value),
        note: active === undefined ? undefined : `${active} active`,
      }),
    },
  ];
}

function thermalTile({ thermal, celsius }: Readings): Tile {
  const hottest = Math.max(...Object.values(celsius));
  return {
    id: "thermal",
    title: "Thermal pressure",
    ...defined({ value: thermal }),
    ...(Number.isFinite(hottest) && { note: `${hottest.toFixed(0)} °C` }),
    ...(thermal !== undefined &&
      thermal !== "nominal" && { alarm: thermal === "moderate" ? "warning" : "failing" }),
  };
}

function memoryTile({ memory: { pressure, total, wired, app, compressed = 0 } }: Readings): Tile {
  const used = wired === undefined || app === undefined ? undefined : bytes(wired + app + compressed);
  const ofTotal = total === undefined ? "" : ` of ${bytes(total)}`;
  if (pressure === undefined && used !== undefined)
    return {
      id: "memory",
      title: "Memory used",
      value: used,
      ...(total !== undefined && { note: ofTotal.trim() }),
    };
  return {
    id: "memory",
    title: "Memory pressure",
    ...defined({ value: pressure, note: used === undefined ? undefined : `${used} used${ofTotal}` }),
    ...(pressure === "warning" && { alarm: "warning" }),
    ...(pressure === "critical" && { alarm: "failing" }),
  };
}

/** Of a desktop, where its power comes from. */
function batteryTile({ battery: { chargePercent, state, source, lowPowerMode } }: Readings): readonly Tile[] {
  const mode = lowPowerMode === true ? "Low Power Mode" : undefined;
  if (chargePercent === undefined)
    return source === undefined
      ? []
      : [{ id: "battery", title: "Power source", value: source, ...defined({ note: mode }) }];
  const notes = [state ?? source, mode].filter((each) => each !== undefined);
  return [
    {
      id: "battery",
      title: "Battery",
      value: percent(chargePercent),
      ...(notes.length > 0 && { note: notes.join(", ") }),
    },
  ];
}

function energyTile({ energyToday }: Readings): readonly Tile[] {
  if (energyToday === undefined) return [];
  const { joules, of, since, cost } = energyToday;
  const words = of === "machine" ? "whole machine" : "chip";
  const price =
    cost === undefined ? "" : `${cost.amount.toFixed(cost.amount < 0.1 ? 3 : 2)} ${cost.currency}, `;
  return [
    {
      id: "energy",
      title: "Energy today",
      value: wattHours(joules),
      note: `${price}${words}, since ${clockTime(since, since).slice(0, 5)}`,
    },
  ];
}

function gpuTiles({ gpus = [] }: Readings): readonly Tile[] {
  return gpus.flatMap(({ gpu, memoryBytes, loadPercent }, index) => {
    if (memoryBytes === undefined && loadPercent === undefined) return [];
    const [number = "", ...model] = gpu.split(" ");
    const isOnly = gpus.length === 1;
    const notes = [
      ...(isOnly || model.length === 0 ? [] : [model.join(" ")]),
      ...(loadPercent === undefined ? [] : [`${percent(loadPercent)} load`]),
    ];
    return [
      {
        id: `gpu-memory-${index}`,
        title: isOnly ? "GPU memory" : `Memory of GPU ${number}`,
        ...(memoryBytes !== undefined && { value: bytes(memoryBytes) }),
        ...(notes.length > 0 && { note: notes.join(", ") }),
      },
    ];
  });
}

function flowTile({ battery: { watts: flow, adapterWatts, adapterRatingWatts } }: Readings): readonly Tile[] {
  const rating = adapterRatingWatts === undefined ? "" : ` of ${adapterRatingWatts} W`;
  const adapter = adapterWatts === undefined ? undefined : `${watts(adapterWatts)}${rating}`;
  if (flow === undefined)
    return adapter === undefined ? [] : [{ id: "flow", title: "From the adapter", value: adapter }];
  const isUnplugged = adapterWatts === 0 && flow < 0;
  return [
    {
      id: "flow",
      title: flow < 0 ? "Out of the battery" : "Into the battery",
      value: watts(Math.abs(flow)),
      ...(adapter !== undefined && !isUnplugged && { note: `${adapter} from the adapter` }),
    },
  ];
}

/** Capacities and cycles as the gauge has them. Apple's own figure of a battery's health is none of their ratios. */
function capacityTile({ battery }: Readings): readonly Tile[] {
  const { fullMilliampereHours, designMilliampereHours, cycles, celsius } = battery;
  if (fullMilliampereHours === undefined && cycles === undefined) return [];
  const notes = [
    designMilliampereHours === undefined ? undefined : `of ${ampereHours(designMilliampereHours)} designed`,
    cycles === undefined ? undefined : `${cycles} cycles`,
    celsius === undefined ? undefined : `${celsius.toFixed(0)} °C`,
  ].filter((each) => each !== undefined);
  return [
    {
      id: "capacity",
      title: "Full battery",
      ...(fullMilliampereHours !== undefined && { value: ampereHours(fullMilliampereHours) }),
      ...(notes.length > 0 && { note: notes.join(", ") }),
    },
  ];
}

export interface AppPeriod {
  readonly title: string;
  readonly apps: readonly AppReading[];
}

/** In the journal a day's first sample may come this much after its beginning. */
const dayToleranceMs = 20 * 60_000;

/** The last hour and the last day, or since when it is known; one where that is less than an hour. */
export function appPeriods({ since, hour, day }: EnergyByApp, now: number): readonly AppPeriod[] {
  const knownMs = now - since;
  const sinceThen = `Since ${clockTime(since, since).slice(0, 5)}`;
  if (knownMs < 3_600_000) return [{ title: sinceThen, apps: day }];
  return [
    { title: "Last hour", apps: hour },
    { title: knownMs < 86_400_000 - dayToleranceMs ? sinceThen : "Last day", apps: day },
  ];
}

export const appName = (name: string): string => (name === "_other" ? "everything else" : name);

const ampereHours = (milliampereHours: number): string => `${(milliampereHours / 1000).toFixed(2)} Ah`;

function meanActivity({ cores }: Readings): number | undefined {
  const known = cores.flatMap(({ activePercent }) => activePercent ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, each) => sum + each, 0) / known.length;
}

// Values for people: three digits or so, and the unit.

export type Format = (value: number) => string;

export const watts: Format = (value) => {
  const size = Math.abs(value);
  return size < 1 ? `${(value * 1000).toFixed(0)} mW` : `${value.toFixed(size < 10 ? 2 : 1)} W`;
};

export const wattHours = (joules: number): string => {
  const value = joules / 3600;
  if (value < 1) return `${(value * 1000).toFixed(0)} mWh`;
  return value < 1000 ? `${value.toFixed(value < 10 ? 2 : 1)} Wh` : `${(value / 1000).toFixed(2)} kWh`;
};

export const duration: Format = (ms) => (ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** A core that does not run has no frequency. */
export const hertz: Format = (value) =>
  value === 0 ? "off" : value >= 1e9 ? `${(value / 1e9).toFixed(2)} GHz` : `${(value / 1e6).toFixed(0)} MHz`;

export const percent: Format = (value) => `${value.toFixed(value > 0 && value < 10 ? 1 : 0)} %`;

const byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

export const bytes: Format = (value) => {
  const power = Math.max(0, Math.min(byteUnits.length - 1, Math.floor(Math.log2(Math.max(1, value)) / 10)));
  const scaled = value / 1024 ** power;
  return `${power === 0 || scaled >= 100 ? scaled.toFixed(0) : scaled.toFixed(1)} ${byteUnits[power] ?? "B"}`;
};

export const bytesPerSecond: Format = (value) => `${bytes(value)}/s`;

/** A count with thin gaps: 1 234 567. */
export const count: Format = (value) => String(value).replace(/\B(?=(?:\d{3}){1,7}$)/g, "\u202f");

/** `12 s`, `5 min`, `3 h 20 min`, `4 d 2 h`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 100) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 100) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export const ago = (time: number, now: number): string => `${span(now - time)} ago`;

/** Local time of the day, with the date where it is not today's. */
export function clockTime(time: number, now: number): string {
  const [date, text] = localDateTime(time).split("T");
  const isToday = new Date(time).toDateString() === new Date(now).toDateString();
  return isToday ? `${text}` : `${date} ${text}`;
}

/** `2026-01-31T08:00:00`, as forms write it. */
export function localDateTime(time: number): string {
  const at = new Date(time);
  const date = [at.getFullYear(), ...[at.getMonth() + 1, at.getDate()].map(twoDigits)].join("-");
  return `${date}T${[at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(":")}`;
}

const twoDigits = (value: number): string => String(value).padStart(2, "0");
