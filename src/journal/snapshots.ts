/**
 * The journal's snapshots: the newest in memory, so that live readers never decode what was just appended, all others in the store
 * while one is open.
 *
 *     store                   memory: committed, kept while they fit   staged for the next commit
 *     ░░░░░░░░░░░░░░░░░░░░░░░ ░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░░ ▓▓▓▓▓▓▓▓▓▓▓▓▓
 *                             first                        committed               next
 */
import { rangeBefore, sizeOf, within, type SeqSet } from "./ranges.ts";
import { rangeOf, rowsOf, type FoundRow, type ReadChains, type Segment } from "./segments.ts";
import type { Store } from "./store.ts";
import type { SeqRange, StoredSnapshot } from "./types.ts";

export interface Snapshots {
  /** Absent while no database can be opened. */
  readonly store: Store | undefined;
  /** Number of the oldest snapshot in memory; `next` when there is none. */
  readonly first: number;
  /** Number of the next snapshot. */
  readonly next: number;
  /** From now on, or none. */
  use(store: Store | undefined): void;
  push(snapshot: StoredSnapshot): void;
  staged(): readonly StoredSnapshot[];
  stagedCount(): number;
  /** `seq` and everything before it is on disk; a smaller number than before means that it is not any more. */
  commit(seq: number): void;
  /** Numbers go on from here; only while nothing is in memory. */
  startAt(seq: number): void;
  /** Removes from memory what exceeds its bounds: committed snapshots, and if need be staged ones, after `lose` has their numbers. */
  trim(lose: (range: SeqRange) => void): void;
  /** Those of the range that are in memory, oldest first. */
  inMemory(range: SeqRange): readonly StoredSnapshot[];
  /** From store and memory, oldest first. */
  rows(range: SeqRange, chains: ReadChains): Generator<FoundRow>;
  /** Sizes of the newest snapshots of the set, newest first; of those on disk `limit` a range at most. */
  sizes(set: SeqSet, limit: number): Generator<{ readonly seq: number; readonly samples: number }>;
  /** Exact wherever the rows can be asked. */
  samplesIn(set: SeqSet): number;
}

/** A minute of snapshots of the largest Mac at one a second, so that a live push after a commit still reads from memory. */
const mostKept = 2 ** 17;

/** @param mostStaged bytes that wait for the disk, in memory */
export function createSnapshots(mostStaged: number): Snapshots {
  const memory = createMemory(mostStaged);
  let store: Store | undefined;
  /** Of the store that was open last. */
  let formerSegments: readonly Segment[] = [];

  /** The part of the range that is not in memory. */
  const stored = (range: SeqRange): SeqSet => within([range], rangeBefore(memory.first));

  function storedSamples(range: SeqRange): number {
    const segments = store?.segments ?? formerSegments;
    return segments.reduce((sum, segment) => sum + samplesOf(segment, range, store), 0);
  }

  return {
    ...memory,
    get store() {
      return store;
    },
    get first() {
      return memory.first;
    },
    get next() {
      return memory.next;
    },
    use(another) {
      formerSegments = store?.segments ?? formerSegments;
      store = another;
    },
    *rows(range, chains) {
      if (store !== undefined) for (const part of stored(range)) yield* store.rows(part, chains);
      for (const snapshot of memory.inMemory(range))
        yield { seq: snapshot.seq, samples: snapshot.values.length, decode: () => snapshot };
    },
    *sizes(set, limit) {
      for (const range of set.toReversed()) {
        for (const { seq, values } of memory.inMemory(range).toReversed())
          yield { seq, samples: values.length };
        for (const part of stored(range)) yield* store?.newest(part, limit) ?? [];
      }
    },
    samplesIn: (set) =>
      set.reduce((sum, range) => {
        const inMemory = memory.inMemory(range).reduce((count, { values }) => count + values.length, 0);
        return sum + inMemory + stored(range).reduce((count, part) => count + storedSamples(part), 0);
      }, 0),
  };
}

/** Of the snapshots in `range` that the segment has, or had. */
function samplesOf(segment: Segment, range: SeqRange, store: Store | undefined): number {
  const [part] = within([rangeOf(segment)], range);
  if (part === undefined) return 0;
  const rows = sizeOf([part]);
  if (rows === rowsOf(segment)) return segment.samples;
  try {
    if (store !== undefined) return store.samplesIn(part);
  } catch {
    // The database is about to be given up.
  }
  return Math.round((segment.samples * rows) / rowsOf(segment));
}

type Memory = Omit<Snapshots, "store" | "use" | "rows" | "sizes" | "samplesIn">;

function createMemory(mostStaged: number): Memory {
  let entries: StoredSnapshot[] = [];
  let next = 1;
  /** None up to this number waits for the disk. */
  let committed = 0;
  let keptBytes = 0;
  let stagedBytes = 0;

  const first = (): number => next - entries.length;
  const keptCount = (): number => Math.max(0, committed + 1 - first());

  /** Removes so many from the front; returns their bytes. */
  function shift(count: number): number {
    if (count === 0) return 0;
    const bytes = bytesOf(entries.slice(0, count));
    entries = entries.slice(count);
    return bytes;
  }

  /** How many from the front take `bytes`, or more. */
  function countOf(bytes: number): number {
    let count = 0;
    for (let rest = bytes; rest > 0 && count < entries.length; count++)
      rest -= bytesOf(entries.slice(count, count + 1));
    return count;
  }

  return {
    get first() {
      return first();
    },
    get next() {
      return next;
    },
    push(snapshot) {
      entries.push(snapshot);
      next = snapshot.seq + 1;
      stagedBytes += bytesOf([snapshot]);
    },
    staged: () => entries.slice(keptCount()),
    stagedCount: () => entries.length - keptCount(),
    commit(seq) {
      committed = seq;
      keptBytes = bytesOf(entries.slice(0, keptCount()));
      stagedBytes = bytesOf(entries.slice(keptCount()));
    },
    startAt(seq) {
      next = seq;
      committed = seq - 1;
    },
    trim(lose) {
      const isFull = stagedBytes > mostStaged;
      keptBytes -= shift(Math.min(keptCount(), countOf(isFull ? keptBytes : keptBytes - mostKept)));
      if (!isFull) return;
      const count = countOf(stagedBytes - mostStaged);
      lose({ firstSeq: first(), lastSeq: first() + count - 1 });
      stagedBytes -= shift(count);
      committed = first() - 1;
    },
    inMemory: ({ firstSeq, lastSeq }) =>
      entries.slice(Math.max(0, firstSeq - first()), Math.max(0, lastSeq + 1 - first())),
  };
}

/** Of snapshots in memory; sets are shared. */
function bytesOf(snapshots: readonly StoredSnapshot[]): number {
  return snapshots.reduce((sum, { values, ended }) => sum + 256 + 8 * values.length + 64 * ended.length, 0);
}
