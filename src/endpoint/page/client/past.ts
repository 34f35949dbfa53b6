/** The past that the charts show: what the agent sent, and in a range that ends now the live values since then. */
import { createGroupBuilder } from "../../../status/history-group.ts";
import { columnsOf, mostPoints, type History, type HistoryGroup } from "../../../status/history.ts";
import type { SourceStatus, Status } from "../../../status/status.ts";

/** A young agent's charts start where its past does, but show a minute at least. */
const leastShownMs = 60_000;

export interface Past {
  readonly fromMs: number;
  readonly toMs: number;
  readonly groups: readonly HistoryGroup[];
  /** The cluster of each core, as far as it is known. */
  readonly clusters: ReadonlyMap<string, string>;
  /** Adds what is new of a status, where the range ends now. */
  add(status: Status): void;
}

export function createPast(history: History): Past {
  const isLive = history.range !== undefined;
  const lengthMs = history.toMs - history.fromMs;
  const stepMs = lengthMs / mostPoints;
  const builders = history.groups.map((group) => createGroupBuilder(group.source, stepMs, group));
  const isBefore = (time: number, newest: number | undefined): boolean => time <= (newest ?? -Infinity);
  const clusters = new Map<string, string>();
  let toMs = history.toMs;

  function addSource({ name, lastSample, intervalMs }: SourceStatus, { readings }: Status): void {
    if (lastSample === undefined || columnsOf(name, readings).length === 0) return;
    const known = builders.find(({ group }) => group.source === name);
    const builder = known ?? createGroupBuilder(name, stepMs);
    if (known === undefined) builders.push(builder);
    if (isBefore(lastSample, builder.group.time.at(-1))) return;
    builder.add(lastSample, readings, Math.max(3 * intervalMs, 15_000, 3 * stepMs));
    builder.dropBefore(toMs - lengthMs);
  }

  return {
    get fromMs() {
      if (!isLive) return history.fromMs;
      const first = Math.min(...builders.flatMap(({ group }) => group.time[0] ?? []));
      return Math.max(toMs - lengthMs, Math.min(first, toMs - leastShownMs));
    },
    get toMs() {
      return toMs;
    },
    get groups() {
      return builders.map(({ group }) => group);
    },
    clusters,
    add(status) {
      for (const { core, cluster } of status.readings.cores)
        if (cluster !== undefined) clusters.set(core, cluster);
      if (!isLive) return;
      toMs = status.time;
      for (const source of status.sources) addSource(source, status);
    },
  };
}
