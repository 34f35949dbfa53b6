/**
 * Segments: the runs of snapshots that the journal consists of. A segment is read on its own, since no row builds on one outside of it,
 * and it is deleted as a whole.
 *
 *     first        last │ first      last │ first → last
 *     ████████████████░ │ ██████████████  │ █████→          oldest … current
 */
import { crc32 } from "node:zlib";
import type { SeqSet } from "./ranges.ts";
import { union } from "./ranges.ts";

export interface Segment {
  readonly first: number;
  readonly last: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly samples: number;
  /** Of the rows, without what the database adds. */
  readonly bytes: number;
}

export interface SegmentLimits {
  readonly maxBytes: number;
  readonly maxSpanMs: number;
  readonly maxRows: number;
}

/** A quarter of an hour of one-second samples at most, and small against the bound of the journal. */
export function segmentLimits(journalBytes: number): SegmentLimits {
  const maxBytes = Math.min(Math.max(Math.floor(journalBytes / 64), 16_384), 524_288);
  return { maxBytes, maxSpanMs: 900_000, maxRows: 2048 };
}

/** A checksum of its own: numbers that are off here would be taken for losses. */
export function segmentChecksum({ first, last, minTime, maxTime, samples, bytes }: Segment): number {
  return crc32([first, last, minTime, maxTime, samples, bytes].join(" "));
}

export function rowsOf(segment: Segment): number {
  return segment.last - segment.first + 1;
}

/** Whether the next row goes to `segment`; a gap in the numbers ends one. */
export function takes(segment: Segment, seq: number, time: number, limits: SegmentLimits): boolean {
  return (
    seq === segment.last + 1 &&
    segment.bytes < limits.maxBytes &&
    rowsOf(segment) < limits.maxRows &&
    Math.abs(time - segment.minTime) < limits.maxSpanMs
  );
}

export function seqsOf(segments: readonly Segment[]): SeqSet {
  return union(
    segments.map(({ first, last }) => ({ firstSeq: first, lastSeq: last })),
    [],
  );
}
