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

export type Snapshots = ReturnType<typeof createSnapshots>;

/** @param mostStaged bytes that wait for the disk, in memory */
export function createSnapshots(mostStaged: number) {
  const memory = createMemory(mostStaged);
  let store: Store | undefined;
  /** Of the store that was open last. */
  let formerSegments: readonly Segment[] = [];

  /** The part of the range that is not in memory. */
  const stored = (range: SeqRange): SeqSet => within([range], rangeBefore(memory.first()));

  function storedSamples(range: SeqRange): number {
    const segments = store?.segments ?? formerSegments;
    return segments.reduce((sum, segment) => sum + samplesOf(segment, range, store), 0);
  }

  return {
    ...memory,
    /** Absent while no database can be opened. */
    get store() {
      return store;
    },
    /** Number of the oldest snapshot in memory; `next` when there is none. */
    get first() {
      return memory.first();
    },
    /** Number of the next snapshot. */
    get next() {
      return memory.next();
    },
    /** From now on, or none. */
    use(another: Store | undefined) {
      formerSegments = store?.segments ?? formerSegments;
      store = another;
    },
    /** From store and memory, oldest first. */
    *rows(range: SeqRange, chains: ReadChains): Generator<FoundRow> {
      if (store !== undefined) for (const part of stored(range)) yield* store.rows(part, chains);
      for (const snapshot of memory.inMemory(range))
        yield { seq: snapshot.seq, samples: snapshot.values.length, decode: () => snapshot };
    },
    /** Sizes of the newest snapshots of the set, newest first; of those on disk `limit` a range at most. */
    *sizes(set: SeqSet, limit: number): Generator<Pick<FoundRow, "seq" | "samples">> {
      for (const range of set.toReversed()) {
        for (const { seq, values } of memory.inMemory(range).toReversed())
          yield { seq, samples: values.length };
        for (const part of stored(range)) yield* store?.newest(part, limit) ?? [];
      }
    },
    /** Exact wherever the rows can be asked. */
    samplesIn(set: SeqSet): number {
      const inMemory = set.flatMap(memory.inMemory).reduce((sum, { values }) => sum + values.length, 0);
      return set.flatMap(stored).reduce((sum, range) => sum + storedSamples(range), inMemory);
    },
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

/** A minute of snapshots of the largest Mac at one a second, so that a live push after a commit still reads from memory. */
const mostKept = 2 ** 17;

function createMemory(mostStaged: number) {
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
    first,
    next: () => next,
    push(snapshot: StoredSnapshot) {
      entries.push(snapshot);
      next = snapshot.seq + 1;
      stagedBytes += bytesOf([snapshot]);
    },
    staged: (): readonly StoredSnapshot[] => entries.slice(keptCount()),
    stagedCount: () => entries.length - keptCount(),
    /** `seq` and everything before it is on disk; a smaller number than before means that it is not any more. */
    commit(seq: number) {
      committed = seq;
      keptBytes = bytesOf(entries.slice(0, keptCount()));
      stagedBytes = bytesOf(entries.slice(keptCount()));
    },
    /** Numbers go on from here; only while nothing is in memory. */
    startAt(seq: number) {
      next = seq;
      committed = seq - 1;
    },
    /** Removes what exceeds the bounds: committed snapshots, and if need be staged ones, after `lose` has their numbers. */
    trim(lose: (range: SeqRange) => void) {
      const isFull = stagedBytes > mostStaged;
      keptBytes -= shift(Math.min(keptCount(), countOf(isFull ? keptBytes : keptBytes - mostKept)));
      if (!isFull) return;
      const count = countOf(stagedBytes - mostStaged);
      lose({ firstSeq: first(), lastSeq: first() + count - 1 });
      stagedBytes -= shift(count);
      committed = first() - 1;
    },
    /** Those of the range that are in memory, oldest first. */
    inMemory: ({ firstSeq, lastSeq }: SeqRange): readonly StoredSnapshot[] =>
      entries.slice(Math.max(0, firstSeq - first()), Math.max(0, lastSeq + 1 - first())),
  };
}

/** Of snapshots in memory; sets are shared. */
function bytesOf(snapshots: readonly StoredSnapshot[]): number {
  return snapshots.reduce((sum, { values, ended }) => sum + 256 + 8 * values.length + 64 * ended.length, 0);
}
