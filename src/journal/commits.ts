/** When the journal writes: in groups, at once where a batch is frozen, and again and again while the disk refuses. */
import type { Timer } from "../runtime/clock.ts";
import type { Connection } from "./connection.ts";
import type { Positions } from "./positions.ts";
import { createRetention } from "./retention.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Durability } from "./store.ts";
import type { JournalOptions } from "./types.ts";

const shortestRetryMs = 1000;
const longestRetryMs = 60_000;
/** Between portions of a long clean-up. */
const cleanUpMs = 200;

export type Commits = ReturnType<typeof createCommits>;

export function createCommits(
  options: JournalOptions,
  snapshots: Snapshots,
  positions: Positions,
  connection: Connection,
) {
  const { clock, commitIntervalMs, minFreeBytes } = options;
  const write = createWriter(snapshots, positions, connection);
  const retention = createRetention(options, positions);
  let retryMs = shortestRetryMs;
  let timer: Timer | undefined;

  /** Below the floor of free disk with nothing left to delete: whatever were written now would have to go next. */
  const isStuck = (): boolean => retention.isFull() && snapshots.store?.segments.length === 0;
  const deleteExcess = (): boolean => connection.write((store) => retention.deleteExcess(store)) ?? false;

  function tick(): void {
    timer = undefined;
    if (connection.trouble !== undefined && !isStuck()) connection.recover();
    forgetOrphans();
    if (retention.isFull()) deleteExcess();
    if (isStuck()) connection.withhold(`less than ${minFreeBytes} bytes are free`);
    write("synced");
    const more = deleteExcess();
    if (connection.trouble !== undefined) retry();
    else {
      retryMs = shortestRetryMs;
      if (more) schedule(cleanUpMs);
      else if (snapshots.stagedCount() > 0) schedule();
    }
  }

  function forgetOrphans(): void {
    if (connection.read((store) => store.hasForgetRequests()) === true)
      positions.forget(connection.write((store) => store.takeForgetRequests()) ?? []);
    positions.forgetOld(retention.trustedTime());
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
    /** Sees to it that a group commit comes within the interval. */
    schedule: () => schedule(connection.trouble === undefined ? commitIntervalMs : retryMs),
    /** Writes without waiting for the drive, unless the disk is known to refuse. */
    flush() {
      if (connection.trouble === undefined) write("written");
      schedule();
    },
    /** Writes and waits for the drive; true when all is on disk. */
    commit(): boolean {
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
function createWriter(snapshots: Snapshots, positions: Positions, connection: Connection) {
  /** Something was written without waiting for the drive. */
  let unsynced = false;

  return (durability: Durability): void => {
    while (snapshots.stagedCount() > 0 || positions.dirty || (unsynced && durability === "synced")) {
      const count = connection.write((store) => {
        // Not before: what was on the disk may be waiting again when files were found changed.
        const staged = snapshots.staged();
        const cursors = positions.dirty || staged.length === 0 ? positions.all() : undefined;
        const written = store.write(staged, cursors, durability);
        const last = staged[written - 1];
        if (last !== undefined) snapshots.commit(last.seq);
        positions.dirty = false;
        return written;
      });
      if (count === undefined) return;
      unsynced = durability === "written";
    }
  };
}
