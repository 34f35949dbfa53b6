/**
 * The newest snapshots in memory: those that wait for the next commit, and some committed ones, so that live readers
 * never decode what was just appended.
 *
 *     committed, kept while they fit     staged
 *     ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ ▓▓▓▓▓▓▓▓▓▓▓
 *     first                    committed             next
 */
import type { SeqRange, StoredSnapshot } from "./types.ts";

export interface Tail {
  /** Number of the oldest snapshot in memory; `next` when there is none. */
  readonly first: number;
  readonly next: number;
  /** None up to this number waits for the disk. */
  readonly committed: number;
  push(snapshot: StoredSnapshot): void;
  staged(): readonly StoredSnapshot[];
  stagedCount(): number;
  /** Those of the range that are in memory, oldest first. */
  slice(range: SeqRange): readonly StoredSnapshot[];
  /** `seq` and everything before it is on disk; a smaller number than before says that it is no more. */
  commit(seq: number): void;
  /** Numbers of an empty tail go on from here. */
  startAt(seq: number): void;
  /** Lets go of what exceeds the bounds: committed snapshots silently, staged ones with a last word, oldest first. */
  trim(): void;
}

interface TailLimits {
  readonly keptBytes: number;
  readonly stagedBytes: number;
}

/** `lose` hears of staged snapshots just before they go. */
export function tail(limits: TailLimits, lose: (range: SeqRange) => void): Tail {
  let entries: StoredSnapshot[] = [];
  let next = 1;
  let committed = 0;
  let keptBytes = 0;
  let stagedBytes = 0;

  const first = (): number => next - entries.length;
  const sum = (some: readonly StoredSnapshot[]): number =>
    some.reduce((bytes, one) => bytes + weight(one), 0);

  /** How many from the front have to go until `excess` bytes are gone. */
  function countFor(excess: number): number {
    let count = 0;
    for (let rest = excess; rest > 0; count++) {
      const entry = entries[count];
      if (entry === undefined) break;
      rest -= weight(entry);
    }
    return count;
  }

  function shift(count: number): readonly StoredSnapshot[] {
    if (count === 0) return [];
    const gone = entries.slice(0, count);
    entries = entries.slice(count);
    return gone;
  }

  return {
    get first() {
      return first();
    },
    get next() {
      return next;
    },
    get committed() {
      return committed;
    },
    push(snapshot) {
      entries.push(snapshot);
      next = snapshot.seq + 1;
      stagedBytes += weight(snapshot);
    },
    staged: () => entries.slice(Math.max(0, committed + 1 - first())),
    stagedCount: () => next - 1 - Math.max(committed, first() - 1),
    slice: ({ firstSeq, lastSeq }) =>
      entries.slice(Math.max(0, firstSeq - first()), Math.max(0, lastSeq + 1 - first())),
    commit(seq) {
      committed = seq;
      const kept = Math.max(0, seq + 1 - first());
      keptBytes = sum(entries.slice(0, kept));
      stagedBytes = sum(entries.slice(kept));
    },
    startAt(seq) {
      next = seq;
      committed = seq - 1;
    },
    trim() {
      const keptCount = Math.max(0, Math.min(committed, next - 1) + 1 - first());
      const kept = Math.min(
        keptCount,
        countFor(stagedBytes > limits.stagedBytes ? keptBytes : keptBytes - limits.keptBytes),
      );
      keptBytes -= sum(shift(kept));
      if (stagedBytes <= limits.stagedBytes) return;
      const count = countFor(stagedBytes - limits.stagedBytes);
      lose({ firstSeq: first(), lastSeq: first() + count - 1 });
      stagedBytes -= sum(shift(count));
      committed = first() - 1;
    },
  };
}

/** Of a snapshot in memory; sets are shared. */
function weight({ values, ended }: StoredSnapshot): number {
  return 256 + 8 * values.length + 64 * ended.length;
}
