/** Keeps the last snapshot of every source, and none that is older than its source's limit. */
import type { Snapshot } from "./snapshot.ts";

export interface Latest {
  put(snapshot: Snapshot): void;
  /** The current snapshots at `now` (milliseconds since the Unix epoch), in the order their sources first reported. */
  current(now: number): readonly Snapshot[];
}

/** @param limitOf how long a source's snapshot stays current, milliseconds: see `stalenessLimit` */
export function latestSnapshots(limitOf: (source: string) => number): Latest {
  const bySource = new Map<string, Snapshot>();
  return {
    put: (snapshot) => void bySource.set(snapshot.source, snapshot),
    current: (now) => [...bySource.values()].filter(({ source, time }) => now - time <= limitOf(source)),
  };
}

/** Three intervals, and never under 15 s: a first powermetrics window or a slow poll is no outage. */
export function stalenessLimit(intervalMs: number): number {
  return Math.max(3 * intervalMs, 15_000);
}
