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

/** A minute of snapshots of the largest Mac at one a second, so that a live push after a commit still reads from memory. */
const mostKept = 2 ** 17;

/** @param mostStaged bytes that wait for the disk, in memory */
export function createSnapshots(mostStaged: number): Snapshots {
  return new Snapshots(mostStaged);
}

export type { Snapshots };

class Snapshots {
  readonly #mostStaged: number;
  #store: Store | undefined;
  /** Of the store that was open last. */
  #formerSegments: readonly Segment[] = [];
  /** In memory. */
  #entries: StoredSnapshot[] = [];
  #next = 1;
  /** None up to this number waits for the disk. */
  #committed = 0;

  constructor(mostStaged: number) {
    this.#mostStaged = mostStaged;
  }

  /** Absent while no database can be opened. */
  get store(): Store | undefined {
    return this.#store;
  }

  /** Number of the oldest snapshot in memory; `next` when there is none. */
  get first(): number {
    return this.#next - this.#entries.length;
  }

  /** Number of the next snapshot. */
  get next(): number {
    return this.#next;
  }

  /** From now on, or none. */
  use(store: Store | undefined): void {
    this.#formerSegments = this.#store?.segments ?? this.#formerSegments;
    this.#store = store;
  }

  /** Where memory has no room for all that is staged, the oldest go, after `lose` has their numbers. */
  push(snapshot: StoredSnapshot, lose: (range: SeqRange) => void): void {
    this.#entries.push(snapshot);
    this.#next = snapshot.seq + 1;
    const staged = this.staged();
    const count = excess(staged, this.#mostStaged);
    if (count === 0) return;
    const firstSeq = this.#next - staged.length;
    lose({ firstSeq, lastSeq: firstSeq + count - 1 });
    this.#entries = staged.slice(count);
    this.#committed = this.first - 1;
  }

  staged(): readonly StoredSnapshot[] {
    return this.#entries.slice(this.#keptCount());
  }

  stagedCount(): number {
    return this.#entries.length - this.#keptCount();
  }

  /** `seq` and everything before it is on disk; a smaller number than before means that it is not any more. */
  commit(seq: number): void {
    this.#committed = seq;
    const kept = this.#entries.slice(0, this.#keptCount());
    this.#entries = this.#entries.slice(excess(kept, mostKept));
  }

  /** Numbers go on from here; only while nothing is in memory. */
  startAt(seq: number): void {
    this.#next = seq;
    this.#committed = seq - 1;
  }

  /** Those of the range that are in memory, oldest first. */
  inMemory({ firstSeq, lastSeq }: SeqRange): readonly StoredSnapshot[] {
    const { first } = this;
    return this.#entries.slice(Math.max(0, firstSeq - first), Math.max(0, lastSeq + 1 - first));
  }

  /** From store and memory, oldest first. */
  *rows(range: SeqRange, chains: ReadChains): Generator<FoundRow> {
    for (const part of this.#stored(range)) yield* this.#store?.rows(part, chains) ?? [];
    for (const snapshot of this.inMemory(range))
      yield {
        seq: snapshot.seq,
        samples: snapshot.values.length,
        source: () => snapshot.source,
        decode: () => snapshot,
      };
  }

  /** Sizes of the newest snapshots of the set, newest first; of those on disk `limit` a range at most. */
  *sizes(set: SeqSet, limit: number): Generator<Pick<FoundRow, "seq" | "samples">> {
    for (const range of set.toReversed()) {
      for (const { seq, values } of this.inMemory(range).toReversed()) yield { seq, samples: values.length };
      for (const part of this.#stored(range)) yield* this.#store?.newest(part, limit) ?? [];
    }
  }

  /** Exact wherever the rows can be asked. */
  samplesIn(set: SeqSet): number {
    const segments = this.#store?.segments ?? this.#formerSegments;
    let sum = 0;
    for (const range of set) {
      for (const { values } of this.inMemory(range)) sum += values.length;
      for (const part of this.#stored(range))
        for (const segment of segments) sum += samplesOf(segment, part, this.#store);
    }
    return sum;
  }

  /** The part of the range that is not in memory. */
  #stored(range: SeqRange): SeqSet {
    return within([range], rangeBefore(this.first));
  }

  #keptCount(): number {
    return Math.max(0, this.#committed + 1 - this.first);
  }
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

/** How many from the front have to go, so that the others take no more than `most` bytes; sets are shared. */
function excess(snapshots: readonly StoredSnapshot[], most: number): number {
  let bytes = 0;
  return (
    1 +
    snapshots.findLastIndex(({ values, ended }) => {
      bytes += 256 + 8 * values.length + 64 * ended.length;
      return bytes > most;
    })
  );
}
