/** The past that the charts show: what the agent sent, and what came live since. */
import { columnsOf } from "../../api/columns.ts";
import { historyRanges, mostPoints, type History, type HistoryGroup } from "../../api/history.ts";
import type { SourceStatus, Status } from "../../api/status.ts";

interface Growing {
  readonly source: string;
  readonly time: number[];
  readonly columns: Record<string, (number | null)[]>;
}

/** A young agent's charts begin where its past does, but show a minute at least. */
const leastShownMs = 60_000;

export interface Past {
  readonly fromMs: number;
  readonly toMs: number;
  readonly groups: readonly HistoryGroup[];
  /** Adds what is new of a status. */
  add(status: Status): void;
}

export function createPast(history: History): Past {
  const lengthMs = historyRanges[history.range];
  const stepMs = lengthMs / mostPoints;
  const groups: Growing[] = history.groups.map(({ source, time, columns }) => ({
    source,
    time: [...time],
    columns: Object.fromEntries(Object.entries(columns).map(([key, values]) => [key, [...values]])),
  }));
  let toMs = history.toMs;

  function addSource(source: SourceStatus, status: Status): void {
    const { name, lastSample, intervalMs } = source;
    const columns = columnsOf(name, status.readings);
    if (lastSample === undefined || columns.length === 0) return;
    const group = groups.find((each) => each.source === name) ?? { source: name, time: [], columns: {} };
    if (!groups.includes(group)) groups.push(group);
    const last = group.time.at(-1) ?? -Infinity;
    if (lastSample - last < Math.max(1, stepMs * 0.9)) return;
    if (lastSample - last > Math.max(3 * intervalMs, 15_000, 3 * stepMs) && Number.isFinite(last))
      append(group, last + 1, []);
    append(group, lastSample, columns);
    forget(group, toMs - lengthMs);
  }

  return {
    get fromMs() {
      const first = Math.min(...groups.flatMap(({ time }) => time[0] ?? []));
      return Math.max(toMs - lengthMs, Math.min(first, toMs - leastShownMs));
    },
    get toMs() {
      return toMs;
    },
    groups,
    add(status) {
      toMs = status.time;
      for (const source of status.sources) addSource(source, status);
    },
  };
}

function append(
  { time, columns }: Growing,
  at: number,
  values: readonly (readonly [string, number])[],
): void {
  for (const [key, value] of values) (columns[key] ??= time.map(() => null)).push(value);
  time.push(at);
  for (const column of Object.values(columns)) if (column.length < time.length) column.push(null);
}

function forget({ time, columns }: Growing, fromMs: number): void {
  const old = time.findIndex((at) => at >= fromMs);
  if (old <= 0) return;
  time.splice(0, old);
  for (const column of Object.values(columns)) column.splice(0, old);
}
