/** The last ten minutes in memory, for charts where no journal is kept. */
import type { Snapshot } from "../meter/snapshot.ts";

interface Remembered {
  put(snapshot: Snapshot): void;
  /** Oldest first. */
  since(fromMs: number): readonly Snapshot[];
}

const keptMs = 600_000;
/** Charts show no more: a faster source is thinned out. */
const leastApartMs = 1000;
/** A bound for a clock that stands still or goes back. */
const mostSnapshots = 4000;

export function rememberSnapshots(): Remembered {
  let snapshots: Snapshot[] = [];
  const lastTimes = new Map<string, number>();
  return {
    put(snapshot) {
      const last = lastTimes.get(snapshot.source) ?? -Infinity;
      // Half a step of tolerance, since a source of one second may come a little early.
      if (snapshot.set.series.length > 0 && Math.abs(snapshot.time - last) < leastApartMs / 2) return;
      lastTimes.set(snapshot.source, snapshot.time);
      snapshots.push(snapshot);
      if (snapshots.length > mostSnapshots || isStale(snapshots[0], snapshot))
        snapshots = snapshots
          .slice(-(mostSnapshots - mostSnapshots / 8))
          .filter((each) => snapshot.time - each.time <= keptMs);
    },
    since: (fromMs) => snapshots.filter(({ time }) => time >= fromMs).sort((a, b) => a.time - b.time),
  };
}

/** A minute late, so that the list is copied once a minute and not at each sample. */
function isStale(oldest: Snapshot | undefined, newest: Snapshot): boolean {
  return oldest !== undefined && newest.time - oldest.time > keptMs + 60_000;
}
