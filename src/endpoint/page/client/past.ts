/** The past that the charts show: what the agent sent, and the live values since then. */
import {
  appendPoint,
  columnsOf,
  historyRanges,
  mostPoints,
  type GrowingGroup,
  type History,
  type HistoryGroup,
} from "../../../status/history.ts";
import type { SourceStatus, Status } from "../../../status/status.ts";

/** A young agent's charts start where its past does, but show a minute at least. */
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
  const groups = history.groups.map(growing);
  let toMs = history.toMs;

  function addSource({ name, lastSample, intervalMs }: SourceStatus, { readings }: Status): void {
    const columns = columnsOf(name, readings);
    if (lastSample === undefined || columns.length === 0) return;
    const group = groups.find((each) => each.source === name) ?? { source: name, time: [], columns: {} };
    if (!groups.includes(group)) groups.push(group);
    if (lastSample - (group.time.at(-1) ?? -Infinity) < Math.max(1, stepMs * 0.9)) return;
    appendPoint(group, lastSample, columns, Math.max(3 * intervalMs, 15_000, 3 * stepMs));
    dropBefore(group, toMs - lengthMs);
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

function growing({ source, time, columns }: HistoryGroup): GrowingGroup {
  const copies = Object.entries(columns).map(([key, values]): [string, (number | null)[]] => [
    key,
    [...values],
  ]);
  return { source, time: [...time], columns: Object.fromEntries(copies) };
}

function dropBefore({ time, columns }: GrowingGroup, fromMs: number): void {
  const old = time.findIndex((at) => at >= fromMs);
  if (old <= 0) return;
  time.splice(0, old);
  for (const column of Object.values(columns)) column.splice(0, old);
}
