/** Sets of sequence numbers: sorted ranges that neither touch nor overlap, never changed in place. */
import type { SeqRange } from "./types.ts";

export type SeqSet = readonly SeqRange[];

/** `seq` and every number after it: a range that grows with each append. */
export function rangeFrom(seq: number): SeqRange {
  return { firstSeq: seq, lastSeq: Number.MAX_SAFE_INTEGER };
}

/** Every number before `seq`. */
export function rangeBefore(seq: number): SeqRange {
  return { firstSeq: 0, lastSeq: seq - 1 };
}

export function sizeOf(set: SeqSet): number {
  return set.reduce((sum, { firstSeq, lastSeq }) => sum + lastSeq - firstSeq + 1, 0);
}

/** What of `set` lies within `range`. */
export function within(set: SeqSet, range: SeqRange): SeqSet {
  return set
    .map(({ firstSeq, lastSeq }) => ({
      firstSeq: Math.max(firstSeq, range.firstSeq),
      lastSeq: Math.min(lastSeq, range.lastSeq),
    }))
    .filter(({ firstSeq, lastSeq }) => firstSeq <= lastSeq);
}

export function intersection(set: SeqSet, other: SeqSet): SeqSet {
  return other.flatMap((range) => within(set, range));
}

export function touches(set: SeqSet, range: SeqRange): boolean {
  return set.some(({ firstSeq, lastSeq }) => firstSeq <= range.lastSeq && lastSeq >= range.firstSeq);
}

/** `set` without `range`; a range that loses its middle becomes two. */
export function without(set: SeqSet, range: SeqRange): SeqSet {
  return set.flatMap((one) =>
    [
      { firstSeq: one.firstSeq, lastSeq: Math.min(one.lastSeq, range.firstSeq - 1) },
      { firstSeq: Math.max(one.firstSeq, range.lastSeq + 1), lastSeq: one.lastSeq },
    ].filter(({ firstSeq, lastSeq }) => firstSeq <= lastSeq),
  );
}

/** Both together, sorted, with neighbours joined. */
export function union(one: SeqSet, other: SeqSet): SeqSet {
  const joined: { firstSeq: number; lastSeq: number }[] = [];
  for (const range of [...one, ...other].sort((a, b) => a.firstSeq - b.firstSeq)) {
    const last = joined.at(-1);
    if (last !== undefined && range.firstSeq <= last.lastSeq + 1)
      last.lastSeq = Math.max(last.lastSeq, range.lastSeq);
    else joined.push({ ...range });
  }
  return joined;
}
