/**
 * The past as columns: what `GET /api/v1/history` answers, and what the charts, their tables and the past in `top` are drawn from.
 * Runs in the browser too, which goes on adding points.
 */
import type { Snapshot } from "../meter/snapshot.ts";
import type { Readings } from "./status.ts";
import type { HistoryRange } from "./time-range.ts";

/** At most this many points of each source: as many as a wide screen can show. */
export const mostPoints = 600;

export interface History {
  readonly version: 1;
  /** Absent where `from` and `to` were given. */
  readonly range?: HistoryRange;
  readonly fromMs: number;
  readonly toMs: number;
  /** Without a journal there are ten minutes from memory. */
  readonly origin: "journal" | "memory";
  readonly groups: readonly HistoryGroup[];
}

/** What one source reported, a point a step; a point without values breaks the line: the machine slept, or the source was down. */
export interface HistoryGroup {
  readonly source: string;
  /** Of the last sample of each step; milliseconds since the Unix epoch, rising. */
  readonly time: readonly number[];
  /** The mean of each step for each time; `columnsOf` has the keys. */
  readonly columns: Columns;
  /** The highest value of each step, of the columns where that ever differs from the mean; absent where there are none. */
  readonly peaks?: Columns;
}

export type Columns = Readonly<Record<string, readonly (number | null)[]>>;

/** The sources that `columnsOf` has columns of. */
const chartedSources: readonly string[] = ["powermetrics", "vm_stat", "sysctl", "ioreg"];

export const isCharted = (source: string): boolean => chartedSources.includes(source);

export type Column = readonly [key: string, value: number];

/** Rails that add up; `package` and `combined` are sums of these already. */
const stackedRails = ["cpu", "gpu", "ane", "dram"] as const;
const memoryParts = ["wired", "app", "compressed", "cached", "free"] as const;

/**
 * The columns of one source's readings in watts, percent of activity, hertz and bytes, under keys such as `power.cpu`, `core.cpu0`,
 * `cluster.E-Cluster`, `memory.wired`, `swap.used`, `machine.power`, `flow.battery`, `gpuMemory.0 Apple M4`; `total.power` is the sum of several rails.
 */
export function columnsOf(source: string, readings: Readings): readonly Column[] {
  const { cores, clusters, memory, battery } = readings;
  switch (source) {
    case "powermetrics":
      return [
        ...powerColumns(readings),
        ...present(cores.map(({ core, activePercent }) => [`core.${core}`, activePercent])),
        ...present(clusters.map(({ cluster, frequencyHz }) => [`cluster.${cluster}`, frequencyHz])),
        ...present([["battery.charge", battery.chargePercent]]),
      ];
    case "vm_stat":
      return present(memoryParts.map((part) => [`memory.${part}`, memory[part]]));
    case "sysctl":
      return present([
        ["swap.used", memory.swapUsed],
        ["swap.total", memory.swapTotal],
      ]);
    case "ioreg":
      return present([
        ["machine.power", readings.power.system],
        ["flow.adapter", battery.adapterWatts],
        ["flow.battery", battery.watts],
        ...(readings.gpus ?? []).flatMap(({ gpu, memoryBytes, loadPercent }) => [
          [`gpuMemory.${gpu}`, memoryBytes] as const,
          [`gpuLoad.${gpu}`, loadPercent] as const,
        ]),
      ]);
    default:
      return [];
  }
}

/** What only counters know. */
export function isRate(key: string): boolean {
  return /^(?:disk|network)\./.test(key);
}

/** Counters by the column whose mean is their rate: by `machine.seconds` of the gauge's, which does not count all the time. */
export function totalsOf(source: string, readings: Readings): ReadonlyMap<string, number> {
  if (source !== "powermetrics" && source !== "ioreg") return new Map();
  const own = Object.entries(readings.totals ?? {}).filter(
    ([key]) => key.startsWith("machine.") === (source === "ioreg"),
  );
  const totals = new Map(own);
  if (source === "ioreg") return totals;
  const rails = railColumns(readings);
  if (rails.length > 1 && rails.every(([key]) => totals.has(key)))
    totals.set(
      "total.power",
      rails.reduce((sum, [key]) => sum + (totals.get(key) ?? 0), 0),
    );
  return totals;
}

function powerColumns(readings: Readings): readonly Column[] {
  const rails = railColumns(readings);
  // A package contains the rails beside it.
  if (rails.length < 2 || rails[0]?.[0] === "power.package") return rails;
  return [...rails, ["total.power", rails.reduce((sum, [, value]) => sum + value, 0)]];
}

function railColumns({ power }: Readings): readonly Column[] {
  const rails = present(stackedRails.map((rail) => [`power.${rail}`, power[rail]]));
  // An Intel package reports one figure for all.
  return rails.some(([key]) => key === "power.cpu")
    ? rails
    : present([["power.package", power.package], ...rails]);
}

function present(columns: readonly (readonly [string, number | undefined])[]): readonly Column[] {
  return columns.filter((column): column is Column => column[1] !== undefined);
}

/** The last ten minutes in memory, for charts where no journal is kept. */
interface SnapshotMemory {
  put(snapshot: Snapshot): void;
  /** Oldest first. */
  since(fromMs: number): readonly Snapshot[];
}

const keptMs = 600_000;
/** Charts show no more: a faster source is thinned out. */
const leastApartMs = 1000;
/** A bound for a clock that stands still or goes back. */
const mostSnapshots = 4000;

export function createSnapshotMemory(): SnapshotMemory {
  let snapshots: Snapshot[] = [];
  const lastTimes = new Map<string, number>();
  return {
    put(snapshot) {
      const last = lastTimes.get(snapshot.source) ?? -Infinity;
      // Half a step of tolerance, since a source of one second may come a little early.
      if (snapshot.set.series.length > 0 && Math.abs(snapshot.time - last) < leastApartMs / 2) return;
      lastTimes.set(snapshot.source, snapshot.time);
      snapshots.push(snapshot);
      // A minute late, so that the list is copied once a minute and not at each sample.
      const isStale = snapshot.time - (snapshots[0]?.time ?? 0) > keptMs + 60_000;
      if (snapshots.length > mostSnapshots || isStale)
        snapshots = snapshots
          .slice(-(mostSnapshots - mostSnapshots / 8))
          .filter(({ time }) => snapshot.time - time <= keptMs);
    },
    since: (fromMs) => snapshots.filter(({ time }) => time >= fromMs).sort((a, b) => a.time - b.time),
  };
}

/** One column's means, and its highest values. */
interface Course {
  readonly values: readonly (number | null)[];
  readonly peaks: readonly (number | null)[];
}

/** The mean over the time that the points stand for, and the highest value; absent without values. */
export function meanAndPeak(
  time: readonly number[],
  { values, peaks }: Course,
): { readonly mean: number; readonly peak: number } | undefined {
  let sum = 0;
  let weight = 0;
  let peak = -Infinity;
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    // A point after a gap stands for a moment.
    const sinceMs = typeof values[index - 1] === "number" ? (time[index] ?? 0) - (time[index - 1] ?? 0) : 1;
    sum += value * sinceMs;
    weight += sinceMs;
    peak = Math.max(peak, peaks[index] ?? value);
  }
  return weight > 0 ? { mean: sum / weight, peak } : undefined;
}
