/** Counts the samples behind sequence numbers, exactly wherever the rows can still be asked. */
import { within, type SeqSet } from "./ranges.ts";
import { rowsOf, type Segment } from "./segments.ts";
import type { Store } from "./store.ts";
import type { Tail } from "./tail.ts";
import type { SeqRange } from "./types.ts";

/** Where committed rows are, or were. */
export type Counted = Pick<Store, "segments" | "samplesIn">;

export function samplesIn(set: SeqSet, recent: Tail, store: Counted | undefined): number {
  return set.reduce((sum, range) => sum + inMemory(range, recent) + onDisk(range, recent, store), 0);
}

function inMemory(range: SeqRange, recent: Tail): number {
  return recent.slice(range).reduce((sum, { values }) => sum + values.length, 0);
}

function onDisk({ firstSeq, lastSeq }: SeqRange, recent: Tail, store: Counted | undefined): number {
  const range = { firstSeq, lastSeq: Math.min(lastSeq, recent.first - 1) };
  return store === undefined || range.firstSeq > range.lastSeq ? 0 : storedSamples(range, store);
}

/** Of committed rows alone. */
function storedSamples(range: SeqRange, store: Counted): number {
  return store.segments.reduce((sum, segment) => sum + inSegment(segment, range, store), 0);
}

function inSegment(segment: Segment, range: SeqRange, store: Counted): number {
  const [part] = within([{ firstSeq: segment.first, lastSeq: segment.last }], range);
  if (part === undefined) return 0;
  const rows = part.lastSeq - part.firstSeq + 1;
  if (rows === rowsOf(segment)) return segment.samples;
  try {
    return store.samplesIn(part);
  } catch {
    // The database is given up or gone: the share of the segment is the best that is left to know.
    return Math.round((segment.samples * rows) / rowsOf(segment));
  }
}
