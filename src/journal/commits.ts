/**
 * When the journal writes: in groups, at once where a batch is frozen, and again and again while the disk refuses. After each write
 * retention deletes what exceeds the bounds.
 */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock, Timer } from "../runtime/clock.ts";
import type { Connection } from "./connection.ts";
import type { Positions } from "./positions.ts";
import { rangeOf, type Segment } from "./segments.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Durability, Store } from "./store.ts";
import type { Disk, JournalOptions, LossReason } from "./types.ts";

const shortestRetryMs = 1000;
const longestRetryMs = 60_000;
/** Between portions of a long clean-up. */
const cleanUpMs = 200;

interface CommitOptions extends JournalOptions {
  /** Called when the store forgets sources that reported nothing since; milliseconds since the Unix epoch. */
  readonly forgetSources: (beforeMs: number) => void;
}

export type Commits = ReturnType<typeof createCommits>;

export function createCommits(
  options: CommitOptions,
  snapshots: Snapshots,
  positions: Positions,
  connection: Connection,
) {
  const { clock, commitIntervalMs, minFreeBytes } = options;
  const write = createWriter(snapshots, positions, connection);
  const retention = createRetention(options, positions);
  const timer = createCommitTimer(clock, commitIntervalMs, tick);

  const isUsable = (): boolean => connection.trouble === undefined;
  /** By the monotonic clock: the last batch, and the last look at what is to be deleted. */
  let [frozenAt, lookedAt] = [-Infinity, -Infinity];

  function tick(): void {
    lookedAt = clock.monotonic();
    if (!isUsable() && !isStuck(retention, snapshots)) connection.recover();
    forgetOrphans(connection, positions, retention);
    makeRoom(connection, retention, snapshots, minFreeBytes);
    timer.cancel();
    write("synced");
    const more = deleteExcess(connection, retention);
    if (!isUsable()) timer.retry();
    else {
      timer.recovered();
      if (more) timer.cleanUp();
      else if (snapshots.stagedCount() > 0) timer.next();
    }
  }

  if (!isUsable()) timer.next();

  return {
    /** Sees to it that a group commit comes within the interval. */
    schedule: () => (isUsable() ? timer.next() : timer.again()),
    /**
     * A batch is settled. There is no hurry to write that: should it be lost, the batch is sent again, and mostly the next batch writes it.
     * Deletes here and not in `flush`, where what is about to be sent must stay.
     */
    settled() {
      if (isUsable()) timer.later();
      else timer.again();
      if (!isUsable() || clock.monotonic() - lookedAt < commitIntervalMs / 2) return;
      lookedAt = clock.monotonic();
      forgetOrphans(connection, positions, retention);
      if (retention.isFull()) tick();
      else if (deleteExcess(connection, retention)) timer.cleanUp();
    },
    /**
     * Writes, unless the disk is known to refuse. Waits for the drive, as the commit, where the timer would come before the next batch does, if
     * batches go on coming as they do.
     */
    flush() {
      const now = clock.monotonic();
      const isCommit = isUsable() && timer.comesBefore(2 * now - frozenAt);
      frozenAt = now;
      // Where no batch is settled, the timer has to look at what is to be deleted.
      if (isCommit && now - lookedAt < 2 * commitIntervalMs) timer.cancel();
      if (isUsable()) write(isCommit ? "synced" : "written");
      // A commit that finds the database damaged goes on with a new one, and leaves something to write.
      if (!isCommit || !isUsable() || snapshots.stagedCount() > 0) timer.next();
    },
    /** Writes and waits for the drive; true when all is on disk. */
    commit(): boolean {
      if (!isUsable()) connection.recover();
      write("synced");
      // Once more where a damaged database was replaced by a new one.
      write("synced");
      return isUsable() && snapshots.stagedCount() === 0;
    },
    [Symbol.dispose]: timer.cancel,
  };
}

type Retention = ReturnType<typeof createRetention>;

/** Below the floor of free disk with nothing left to delete: whatever were written now would have to go next. */
function isStuck(retention: Retention, snapshots: Snapshots): boolean {
  return retention.isFull() && snapshots.store?.segments.length === 0;
}

function forgetOrphans(connection: Connection, positions: Positions, retention: Retention): void {
  if (connection.read((store) => store.hasForgetRequests()) === true)
    positions.forget(connection.write((store) => store.takeForgetRequests()) ?? []);
  positions.forgetOld(retention.trustedTime());
}

/** Where the volume is too full in spite of all that may be deleted, nothing is written. */
function makeRoom(
  connection: Connection,
  retention: Retention,
  snapshots: Snapshots,
  minFreeBytes: number,
): void {
  if (!retention.isFull()) return;
  deleteExcess(connection, retention);
  if (isStuck(retention, snapshots)) connection.withhold(`less than ${minFreeBytes} bytes are free`);
}

/** True when there is more to delete. */
function deleteExcess(connection: Connection, retention: Retention): boolean {
  // Each write looks at the files first, and most of the time there is nothing to delete.
  if (connection.read((store) => retention.hasExcess(store)) === true)
    return connection.write((store) => retention.deleteExcess(store)) ?? false;
  retention.logLosses();
  return false;
}

/** `late` waits for any other to take its place; a `clean-up` is no matter of batches. */
type TimerKind = "commit" | "late" | "clean-up";

/** One timer for the next commit: at the interval, sooner for more of a clean-up, after growing pauses while the disk refuses. */
function createCommitTimer(clock: Clock, intervalMs: number, tick: () => void) {
  let retryMs = shortestRetryMs;
  let timer: Timer | undefined;
  /** Of the timer, by the monotonic clock. */
  let dueAt = Infinity;
  let kind: TimerKind = "commit";

  /** What is scheduled already comes first. */
  function schedule(ms: number, as: TimerKind = "commit"): void {
    if (kind === "late") cancel();
    if (timer !== undefined) return;
    timer = clock.after(ms, run, { background: true, align: "early", rank: 2 });
    dueAt = clock.monotonic() + ms;
    kind = as;
  }

  function cancel(): void {
    timer?.[Symbol.dispose]();
    timer = undefined;
  }

  function run(): void {
    timer = undefined;
    tick();
  }

  return {
    next: () => schedule(intervalMs),
    later() {
      if (timer === undefined) schedule(2 * intervalMs, "late");
    },
    cancel,
    /** A commit that is due before that time, by the monotonic clock. */
    comesBefore: (time: number): boolean => timer !== undefined && kind !== "clean-up" && dueAt < time,
    cleanUp() {
      cancel();
      schedule(cleanUpMs, "clean-up");
    },
    again: () => schedule(retryMs),
    retry() {
      schedule(retryMs);
      retryMs = Math.min(2 * retryMs, longestRetryMs);
    },
    recovered: () => void (retryMs = shortestRetryMs),
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

/** Segments that one call deletes at most, so that nothing waits long for it. */
const mostDeleted = 16;
/** The log may grow beyond its limit within a transaction, and what is staged has to fit too. */
const usableShare = 7 / 8;

/** Deletes from the journal what exceeds its bounds, in this order: by age, by size, and when the volume runs out of room. */
function createRetention(options: CommitOptions, positions: Positions) {
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

  /** Which of its series end with the next snapshot is of no use to receivers by then, and nothing that waits is as old as what was sent of it. */
  function forgetSources(store: Store): void {
    const now = trustedTime();
    if (now === undefined) return;
    options.forgetSources(now - maxAgeMs);
    positions.forgetSources(now - maxAgeMs);
    store.forgetSources(now - maxAgeMs);
  }

  function logLosses(): void {
    for (const [reason, snapshots] of lost)
      log.warn("dropped snapshots that sinks waited for", { reason, snapshots });
    lost.clear();
  }

  return {
    isFull,
    hasExcess: (store: Store) => nextToDelete(store) !== undefined,
    /** What was deleted since the last call, and was waited for. */
    logLosses,
    /** Absent while no time is trusted. */
    trustedTime,
    /** Deletes what exceeds the bounds; true when there is more to delete. */
    deleteExcess(store: Store): boolean {
      for (let deleted = 0; deleted < mostDeleted; deleted++) {
        const next = nextToDelete(store);
        if (next === undefined) {
          if (deleted > 0) {
            forgetSources(store);
            store.shrink();
          }
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
