/**
 * The past as columns: what `GET /api/v1/history` answers, and what the charts, their tables and the past in `top` are drawn from.
 * Runs in the browser too, which goes on adding points.
 */
import type { Snapshot } from "../meter/snapshot.ts";
import { readingsOf } from "./readings.ts";
import type { Readings } from "./status.ts";

export const historyRanges = { "10m": 600_000, "1h": 3_600_000, "1d": 86_400_000 } as const;
export type HistoryRange = keyof typeof historyRanges;

/** At most this many points of each source: as many as a wide screen can show. */
export const mostPoints = 600;

export interface History {
  readonly version: 1;
  readonly range: HistoryRange;
  readonly fromMs: number;
  readonly toMs: number;
  /** Without a journal there are ten minutes from memory. */
  readonly origin: "journal" | "memory";
  readonly groups: readonly HistoryGroup[];
}

/** What one source reported; a point without values breaks the line: the machine slept, or the source was down. */
export interface HistoryGroup {
  readonly source: string;
  /** Milliseconds since the Unix epoch, rising. */
  readonly time: readonly number[];
  /** One value for each time; `columnsOf` has the keys. */
  readonly columns: Readonly<Record<string, readonly (number | null)[]>>;
}

/** A group that points are appended to. */
export interface GrowingGroup extends HistoryGroup {
  readonly time: number[];
  readonly columns: Record<string, (number | null)[]>;
}

export function isHistoryRange(text: string): text is HistoryRange {
  return Object.hasOwn(historyRanges, text);
}

/** @param gapMs how far apart two points of a source may be before the line between them is a guess */
export function historyGroups(
  snapshots: Iterable<Snapshot>,
  gapMs: (source: string) => number,
): readonly HistoryGroup[] {
  const groups = new Map<string, GrowingGroup>();
  for (const snapshot of snapshots) {
    const { source, time } = snapshot;
    const columns = columnsOf(source, readingsOf([snapshot]));
    const known = groups.get(source);
    if (known === undefined && columns.length === 0) continue;
    const group = known ?? { source, time: [], columns: {} };
    groups.set(source, group);
    appendPoint(group, time, columns, gapMs(source));
  }
  return [...groups.values()];
}

/** Appends a point, and before it one without values where the last one is more than `gapMs` away. */
export function appendPoint(
  group: GrowingGroup,
  time: number,
  values: readonly Column[],
  gapMs: number,
): void {
  const last = group.time.at(-1);
  if (last !== undefined && time - last > gapMs) append(group, last + 1, []);
  append(group, time, values);
}

function append({ time, columns }: GrowingGroup, at: number, values: readonly Column[]): void {
  for (const [key, value] of values) (columns[key] ??= time.map(() => null)).push(rounded(value));
  time.push(at);
  for (const column of Object.values(columns)) if (column.length < time.length) column.push(null);
}

/** Four digits are more than a chart can show, and half the bytes. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

type Column = readonly [key: string, value: number];

/** Rails that add up; `package` and `combined` are sums of these already. */
const stackedRails = ["cpu", "gpu", "ane", "dram"] as const;
const memoryParts = ["wired", "app", "compressed", "cached", "free"] as const;

/**
 * The columns of one source's readings in watts, percent of activity, hertz and bytes, under keys such as `power.cpu`, `core.cpu0`,
 * `cluster.E-Cluster`, `memory.wired`, `swap.used`.
 */
export function columnsOf(source: string, readings: Readings): readonly Column[] {
  const { cores, clusters, memory } = readings;
  switch (source) {
    case "powermetrics":
      return [
        ...powerColumns(readings),
        ...present(cores.map(({ core, activePercent }) => [`core.${core}`, activePercent])),
        ...present(clusters.map(({ cluster, frequencyHz }) => [`cluster.${cluster}`, frequencyHz])),
      ];
    case "vm_stat":
      return present(memoryParts.map((part) => [`memory.${part}`, memory[part]]));
    case "sysctl":
      return present([
        ["swap.used", memory.swapUsed],
        ["swap.total", memory.swapTotal],
      ]);
    default:
      return [];
  }
}

function powerColumns({ power }: Readings): readonly Column[] {
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
