/** Decides when the journal writes: in groups, at once where a batch is frozen, and again and again while the disk refuses. */
import type { Clock, Timer } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Ledger } from "./ledger.ts";
import { isFull, retain, type Bounds, type Room } from "./retention.ts";
import type { Durability } from "./store.ts";
import type { Tail } from "./tail.ts";
import type { Volume } from "./volume.ts";

export interface Writing extends Disposable {
  /** Sees to it that a group commit comes within the interval. */
  schedule(): void;
  /** Writes without waiting for the drive, unless the disk is known to refuse. */
  flush(): void;
  /** Writes and waits for the drive; tells whether all is on disk. */
  commit(): boolean;
}

interface WritingParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly commitIntervalMs: number;
  readonly recent: Tail;
  readonly book: Ledger;
  readonly place: Volume;
  readonly bounds: Bounds;
  readonly room: Room;
  /** Called before each group commit. */
  readonly tend: () => void;
}

const shortestRetryMs = 1000;
const longestRetryMs = 60_000;
/** Between portions of a long clean-up. */
const housekeepingMs = 200;

export function writing({
  clock,
  log,
  commitIntervalMs,
  recent,
  book,
  place,
  bounds,
  room,
  tend,
}: WritingParts): Writing {
  /** Something was written without waiting for the drive. */
  let unsynced = false;
  /** Since the last line that said so. */
  const lost = new Map<string, number>();
  let retryMs = shortestRetryMs;
  let timer: Timer | undefined;

  function write(durability: Durability): void {
    while (recent.stagedCount() > 0 || book.dirty || (unsynced && durability === "synced")) {
      const count = place.write((store) => {
        // Not before: what was on the disk may be waiting again when files were found changed.
        const staged = recent.staged();
        const cursors = book.dirty || staged.length === 0 ? book.saved() : undefined;
        const written = store.write(staged, cursors, durability);
        const last = staged[written - 1];
        if (last !== undefined) recent.commit(last.seq);
        book.dirty = false;
        return written;
      });
      if (count === undefined) return;
      unsynced = durability === "written";
    }
    recent.trim();
  }

  /** True when there is more to clean up. */
  function keepWithinBounds(): boolean {
    const more = place.write((store) => retain(store, book, bounds, room, countLost)) ?? false;
    if (more) return true;
    for (const [reason, snapshots] of lost)
      log.warn("dropped snapshots that sinks waited for", { reason, snapshots });
    lost.clear();
    return false;
  }

  function countLost(reason: string, snapshots: number): void {
    if (snapshots > 0) lost.set(reason, (lost.get(reason) ?? 0) + snapshots);
  }

  /** Below the floor with nothing left to delete: whatever were written now would have to go next. */
  function isStuck(): boolean {
    return isFull(bounds, room) && place.store?.segments.length === 0;
  }

  function tick(): void {
    timer = undefined;
    if (place.trouble !== undefined && !isStuck()) place.recover();
    tend();
    if (isFull(bounds, room)) keepWithinBounds();
    if (isStuck()) place.withhold(`less than ${bounds.minFreeBytes} bytes are free`);
    write("synced");
    const more = keepWithinBounds();
    if (place.trouble !== undefined) retry();
    else if (more) schedule(housekeepingMs);
    else if (recent.stagedCount() > 0) schedule();
    if (place.trouble === undefined) retryMs = shortestRetryMs;
  }

  function retry(): void {
    schedule(retryMs);
    retryMs = Math.min(2 * retryMs, longestRetryMs);
  }

  function schedule(ms = commitIntervalMs): void {
    timer ??= clock.after(ms, tick, { background: true, align: "early" });
  }

  return {
    schedule: () => (place.trouble === undefined ? schedule() : schedule(retryMs)),
    flush() {
      if (place.trouble === undefined) write("written");
      schedule();
    },
    commit() {
      if (place.trouble !== undefined) place.recover();
      write("synced");
      // Once more where a damaged database was replaced by a new one.
      write("synced");
      return place.trouble === undefined && recent.stagedCount() === 0;
    },
    [Symbol.dispose]() {
      timer?.[Symbol.dispose]();
    },
  };
}
