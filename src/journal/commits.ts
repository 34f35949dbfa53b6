/** When the journal writes: in groups, at once where a batch is frozen, and again and again while the disk refuses. */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Timer } from "../runtime/clock.ts";
import type { Connection } from "./connection.ts";
import { forgetOld, forgetRequested } from "./orphans.ts";
import type { Positions } from "./positions.ts";
import { createTrustedTime, isFull, retain } from "./retention.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Durability } from "./store.ts";
import type { Disk, JournalOptions } from "./types.ts";

export interface Commits extends Disposable {
  /** Sees to it that a group commit comes within the interval. */
  schedule(): void;
  /** Writes without waiting for the drive, unless the disk is known to refuse. */
  flush(): void;
  /** Writes and waits for the drive; true when all is on disk. */
  commit(): boolean;
}

const shortestRetryMs = 1000;
const longestRetryMs = 60_000;
/** Between portions of a long clean-up. */
const cleanUpMs = 200;

export function createCommits(
  options: JournalOptions,
  snapshots: Snapshots,
  positions: Positions,
  connection: Connection,
): Commits {
  const { clock, commitIntervalMs } = options;
  const write = createWriter(snapshots, positions, connection);
  const bounds = createBoundsKeeper(options, positions, connection);
  let retryMs = shortestRetryMs;
  let timer: Timer | undefined;

  function tick(): void {
    timer = undefined;
    const isStuck = (): boolean => bounds.isFull() && snapshots.store?.segments.length === 0;
    if (connection.trouble !== undefined && !isStuck()) connection.recover();
    bounds.forgetOrphans();
    if (bounds.isFull()) bounds.keep();
    // With nothing left to delete, whatever were written now would have to go next.
    if (isStuck()) connection.withhold(`less than ${options.minFreeBytes} bytes are free`);
    write("synced");
    const more = bounds.keep();
    if (connection.trouble !== undefined) retry();
    else if (more) schedule(cleanUpMs);
    else if (snapshots.stagedCount() > 0) schedule();
    if (connection.trouble === undefined) retryMs = shortestRetryMs;
  }

  function retry(): void {
    schedule(retryMs);
    retryMs = Math.min(2 * retryMs, longestRetryMs);
  }

  function schedule(ms = commitIntervalMs): void {
    timer ??= clock.after(ms, tick, { background: true, align: "early" });
  }

  if (connection.trouble !== undefined) schedule();

  return {
    schedule: () => schedule(connection.trouble === undefined ? commitIntervalMs : retryMs),
    flush() {
      if (connection.trouble === undefined) write("written");
      schedule();
    },
    commit() {
      if (connection.trouble !== undefined) connection.recover();
      write("synced");
      // Once more where a damaged database was replaced by a new one.
      write("synced");
      return connection.trouble === undefined && snapshots.stagedCount() === 0;
    },
    [Symbol.dispose]() {
      timer?.[Symbol.dispose]();
    },
  };
}

/** Writes staged snapshots and changed positions, in as many transactions as it takes. */
function createWriter(
  snapshots: Snapshots,
  positions: Positions,
  connection: Connection,
): (durability: Durability) => void {
  /** Something was written without waiting for the drive. */
  let unsynced = false;

  return (durability) => {
    while (snapshots.stagedCount() > 0 || positions.dirty || (unsynced && durability === "synced")) {
      const count = connection.write((store) => {
        // Not before: what was on the disk may be waiting again when files were found changed.
        const staged = snapshots.staged();
        const cursors = positions.dirty || staged.length === 0 ? positions.saved() : undefined;
        const written = store.write(staged, cursors, durability);
        const last = staged[written - 1];
        if (last !== undefined) snapshots.commit(last.seq);
        positions.dirty = false;
        return written;
      });
      if (count === undefined) return;
      unsynced = durability === "written";
    }
    snapshots.trim((range) => positions.lose(range, "memory"));
  };
}

interface BoundsKeeper {
  isFull(): boolean;
  /** Deletes what exceeds the bounds; true when there is more to delete. */
  keep(): boolean;
  /** Heeds `journal forget`, and lets orphans go that wait for nothing, or have for too long. */
  forgetOrphans(): void;
}

function createBoundsKeeper(
  options: JournalOptions,
  positions: Positions,
  connection: Connection,
): BoundsKeeper {
  const { path, log, maxAgeMs, disk = systemDisk } = options;
  const time = createTrustedTime(options.clock);
  const room = { now: () => time.now(), freeBytes: () => disk.freeBytes(path) };
  /** Snapshots by reason, since the last line that said so. */
  const lost = new Map<string, number>();

  return {
    isFull: () => isFull(options, room),
    keep() {
      const more = connection.write((store) =>
        retain(store, positions, options, room, (reason, snapshots) => {
          if (snapshots > 0) lost.set(reason, (lost.get(reason) ?? 0) + snapshots);
        }),
      );
      if (more === true) return true;
      for (const [reason, snapshots] of lost)
        log.warn("dropped snapshots that sinks waited for", { reason, snapshots });
      lost.clear();
      return false;
    },
    forgetOrphans() {
      if (connection.read((store) => store.hasForgetRequests()) === true) {
        const requests = connection.write((store) => store.takeForgetRequests());
        forgetRequested(positions, requests ?? [], log);
      }
      forgetOld(positions, time.now(), maxAgeMs, log);
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
