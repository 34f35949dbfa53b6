/** Deletes from the journal what exceeds its bounds, in this order: by age, by size, and when the volume runs out of room. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../runtime/clock.ts";
import type { Positions } from "./positions.ts";
import { rangeOf, type Segment } from "./segments.ts";
import type { Store } from "./store.ts";
import type { Disk, JournalOptions, LossReason } from "./types.ts";

/** Segments that one call deletes at most, so that nothing waits long for it. */
const mostDeleted = 16;
/** The log may grow beyond its limit within a transaction, and what is staged has to fit too. */
const usableShare = 7 / 8;

export function createRetention(options: JournalOptions, positions: Positions) {
  const { path, log, maxBytes, maxAgeMs, historyMs, minFreeBytes, disk = systemDisk } = options;
  const trustedTime = createTrustedTime(options.clock);
  /** Snapshots that somebody waited for, by reason, since the last line that said so. */
  const lost = new Map<LossReason, number>();

  /** The volume has less room than it must have. */
  function isFull(): boolean {
    return minFreeBytes > 0 && (disk.freeBytes(path) ?? Infinity) < minFreeBytes;
  }

  /**
   * Age goes by the samples' own times from the oldest on: one snapshot from a clock that was ahead keeps its successors until the size
   * bound takes them, while one from a clock that was behind costs nothing else.
   */
  function nextToDelete(store: Store): readonly [Segment, LossReason | "delivered"] | undefined {
    const [oldest] = store.segments;
    if (oldest === undefined) return undefined;
    const now = trustedTime() ?? -Infinity;
    if (oldest.maxTime < now - maxAgeMs) return [oldest, "max_age"];
    const delivered = store.segments.find((segment) => !positions.isAwaited(rangeOf(segment)));
    if (delivered !== undefined && delivered.maxTime < now - historyMs) return [delivered, "delivered"];
    if (store.bytes() > maxBytes * usableShare) return [delivered ?? oldest, "max_size"];
    return isFull() ? [delivered ?? oldest, "disk_floor"] : undefined;
  }

  function logLosses(): void {
    for (const [reason, snapshots] of lost)
      log.warn("dropped snapshots that sinks waited for", { reason, snapshots });
    lost.clear();
  }

  return {
    isFull,
    /** Absent while no time is trusted. */
    trustedTime,
    /** Deletes what exceeds the bounds; true when there is more to delete. */
    deleteExcess(store: Store): boolean {
      for (let deleted = 0; deleted < mostDeleted; deleted++) {
        const next = nextToDelete(store);
        if (next === undefined) {
          if (deleted > 0) store.shrink();
          logLosses();
          return false;
        }
        const [segment, reason] = next;
        if (reason !== "delivered") {
          const snapshots = positions.lose(rangeOf(segment), reason);
          if (snapshots > 0) lost.set(reason, (lost.get(reason) ?? 0) + snapshots);
        }
        store.deleteSegment(segment);
        if (reason === "max_size" || reason === "disk_floor") store.shrink();
      }
      store.shrink();
      return true;
    },
  };
}

const systemDisk: Disk = {
  freeBytes(path) {
    try {
      const { bavail, bsize } = statfsSync(dirname(path));
      return bavail * bsize;
    } catch {
      return undefined;
    }
  },
};

const trialMs = 10 * 60_000;
/** A clock is slewed all the time, and set by a little now and then. */
const toleranceMs = 60_000;

/**
 * The time by which the journal deletes what is old: a wall clock that has agreed with the monotonic clock for ten minutes.
 *
 * A wall clock that is days ahead for a few seconds must not delete a backlog, and nothing on the machine tells at once which of two
 * times is right: files and rows carry times of the same clock, and receivers may be wrong or out of reach. So a new time has to last.
 * Until then the time before it goes on, by the monotonic clock; in the first ten minutes after a start nothing is deleted for its age:
 * the time is absent. To be asked at least as often as the journal commits; milliseconds since the Unix epoch.
 */
function createTrustedTime(clock: Pick<Clock, "now" | "monotonic">): () => number | undefined {
  /** Wall clock minus monotonic clock, as it is now and since when, and as it was trusted last. */
  let candidate = { offset: clock.now() - clock.monotonic(), since: clock.monotonic() };
  let trusted: number | undefined;

  return () => {
    const monotonic = clock.monotonic();
    const offset = clock.now() - monotonic;
    const since = Math.abs(offset - candidate.offset) > toleranceMs ? monotonic : candidate.since;
    candidate = { offset, since };
    if (monotonic - since >= trialMs) trusted = offset;
    return trusted === undefined ? undefined : monotonic + trusted;
  };
}
