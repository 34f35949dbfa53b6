/** Deletes from the journal what exceeds its bounds, in this order: by age, by size, and when the volume runs out of room. */
import type { Ledger } from "./ledger.ts";
import type { Segment } from "./segments.ts";
import type { Store } from "./store.ts";
import type { JournalOptions, LossReason, SeqRange } from "./types.ts";

export type Bounds = Pick<JournalOptions, "path" | "maxBytes" | "maxAgeMs" | "historyMs" | "minFreeBytes">;

export interface Room {
  /** Absent while no time is trusted: then nothing is deleted for its age. */
  readonly now: () => number | undefined;
  readonly freeBytes: () => number | undefined;
}

/** Segments that one call deletes at most, so that nothing waits long for it. */
const mostDeleted = 16;
/** The log may grow beyond its limit within a transaction, and what is staged has to fit too. */
const usableShare = 7 / 8;

/** Deletes what exceeds the bounds; true when there is more to do. `lost` hears of snapshots that somebody waited for. */
export function retain(
  store: Store,
  ledger: Ledger,
  bounds: Bounds,
  room: Room,
  lost: (reason: LossReason, snapshots: number) => void,
): boolean {
  for (let deleted = 0; deleted < mostDeleted; deleted++) {
    const victim = nextVictim(store, ledger, bounds, room);
    if (victim === undefined) {
      if (deleted > 0) store.shrink();
      return false;
    }
    if (victim.reason !== "delivered")
      lost(victim.reason, ledger.lose(rangeOf(victim.segment), victim.reason));
    store.deleteSegment(victim.segment);
    if (victim.reason === "max_size" || victim.reason === "disk_floor") store.shrink();
  }
  store.shrink();
  return true;
}

interface Victim {
  readonly segment: Segment;
  readonly reason: LossReason | "delivered";
}

/**
 * Age goes by the samples' own times from the oldest on: one snapshot from a clock that was ahead keeps its successors until the size
 * bound takes them, while one from a clock that was behind costs nothing else.
 */
function nextVictim(store: Store, ledger: Ledger, bounds: Bounds, room: Room): Victim | undefined {
  const { segments } = store;
  const [oldest] = segments;
  if (oldest === undefined) return undefined;
  const now = room.now() ?? -Infinity;
  if (oldest.maxTime < now - bounds.maxAgeMs) return { segment: oldest, reason: "max_age" };
  const settled = segments.find((segment) => !ledger.owes(rangeOf(segment)));
  if (settled !== undefined && settled.maxTime < now - bounds.historyMs)
    return { segment: settled, reason: "delivered" };
  if (store.bytes() > bounds.maxBytes * usableShare)
    return { segment: settled ?? oldest, reason: "max_size" };
  if (isFull(bounds, room)) return { segment: settled ?? oldest, reason: "disk_floor" };
  return undefined;
}

export function isFull({ minFreeBytes }: Bounds, { freeBytes }: Room): boolean {
  return minFreeBytes > 0 && (freeBytes() ?? Infinity) < minFreeBytes;
}

function rangeOf({ first, last }: Segment): SeqRange {
  return { firstSeq: first, lastSeq: last };
}
