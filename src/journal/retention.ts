/** Deletes from the journal what exceeds its bounds, in this order: by age, by size, and when the volume runs out of room. */
import type { Clock } from "../runtime/clock.ts";
import { rangeOf, type Segment } from "./segments.ts";
import type { Store } from "./store.ts";
import type { JournalOptions, LossReason, SeqRange } from "./types.ts";

export type Bounds = Pick<JournalOptions, "maxBytes" | "maxAgeMs" | "historyMs" | "minFreeBytes">;

export interface Room {
  /** Absent while no time is trusted: then nothing is deleted for its age. */
  readonly now: () => number | undefined;
  readonly freeBytes: () => number | undefined;
}

/** What of the journal sinks still wait for. */
interface Waiting {
  isAwaited(range: SeqRange): boolean;
  /** Takes the range from every sink and counts it; returns how many snapshots any of them waited for. */
  lose(range: SeqRange, reason: LossReason): number;
}

/** Segments that one call deletes at most, so that nothing waits long for it. */
const mostDeleted = 16;
/** The log may grow beyond its limit within a transaction, and what is staged has to fit too. */
const usableShare = 7 / 8;

/** Deletes what exceeds the bounds; true when there is more to do. `onLoss` gets the snapshots that somebody waited for. */
export function retain(
  store: Store,
  waiting: Waiting,
  bounds: Bounds,
  room: Room,
  onLoss: (reason: LossReason, snapshots: number) => void,
): boolean {
  for (let deleted = 0; deleted < mostDeleted; deleted++) {
    const next = nextToDelete(store, waiting, bounds, room);
    if (next === undefined) {
      if (deleted > 0) store.shrink();
      return false;
    }
    const { segment, reason } = next;
    if (reason !== "delivered") onLoss(reason, waiting.lose(rangeOf(segment), reason));
    store.deleteSegment(segment);
    if (reason === "max_size" || reason === "disk_floor") store.shrink();
  }
  store.shrink();
  return true;
}

/**
 * Age goes by the samples' own times from the oldest on: one snapshot from a clock that was ahead keeps its successors until the size
 * bound takes them, while one from a clock that was behind costs nothing else.
 */
function nextToDelete(
  store: Store,
  waiting: Waiting,
  bounds: Bounds,
  room: Room,
): { readonly segment: Segment; readonly reason: LossReason | "delivered" } | undefined {
  const [oldest] = store.segments;
  if (oldest === undefined) return undefined;
  const now = room.now() ?? -Infinity;
  if (oldest.maxTime < now - bounds.maxAgeMs) return { segment: oldest, reason: "max_age" };
  const delivered = store.segments.find((segment) => !waiting.isAwaited(rangeOf(segment)));
  if (delivered !== undefined && delivered.maxTime < now - bounds.historyMs)
    return { segment: delivered, reason: "delivered" };
  if (store.bytes() > bounds.maxBytes * usableShare)
    return { segment: delivered ?? oldest, reason: "max_size" };
  return isFull(bounds, room) ? { segment: delivered ?? oldest, reason: "disk_floor" } : undefined;
}

export function isFull({ minFreeBytes }: Bounds, { freeBytes }: Room): boolean {
  return minFreeBytes > 0 && (freeBytes() ?? Infinity) < minFreeBytes;
}

export interface TrustedTime {
  /** Milliseconds since the Unix epoch; absent before any time has lasted. To be asked at least as often as the journal commits. */
  now(): number | undefined;
}

const trialMs = 10 * 60_000;
/** A clock is slewed all the time, and set by a little now and then. */
const toleranceMs = 60_000;

/**
 * The time by which the journal deletes what is old: a wall clock that has agreed with the monotonic clock for ten minutes.
 *
 * A wall clock that is days ahead for a few seconds must not delete a backlog, and nothing on the machine tells at once which of two
 * times is right: files and rows carry times of the same clock, and receivers may be wrong or out of reach. So a new time has to last.
 * Until then the time before it goes on, by the monotonic clock; in the first ten minutes after a start nothing is deleted for its age.
 */
export function createTrustedTime(clock: Pick<Clock, "now" | "monotonic">): TrustedTime {
  /** Wall clock minus monotonic clock, as it is now and since when, and as it was trusted last. */
  let candidate = { offset: clock.now() - clock.monotonic(), since: clock.monotonic() };
  let trusted: number | undefined;

  return {
    now() {
      const monotonic = clock.monotonic();
      const offset = clock.now() - monotonic;
      const since = Math.abs(offset - candidate.offset) > toleranceMs ? monotonic : candidate.since;
      candidate = { offset, since };
      if (monotonic - since >= trialMs) trusted = offset;
      return trusted === undefined ? undefined : monotonic + trusted;
    },
  };
}
