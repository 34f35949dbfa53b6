/**
 * The journal of an imitated Mac: the rows are computed when they are read, so that eight hours of a thousand Macs
 * need no disk. What waits is kept as the real journal keeps it.
 *
 *     seq    1 ───────────── 1920   1921 …
 *     time   a night offline        awake: one snapshot an interval
 */
import { sizeOf, union, within, without, type SeqSet } from "../../src/journal/ranges.ts";
import type {
  Cursor,
  FrozenBatch,
  ReadLimits,
  SeqRange,
  StoredSnapshot,
  Tally,
} from "../../src/journal/types.ts";
import type { Recording } from "./recording.ts";

export interface FleetCursor extends Cursor {
  /** Takes the snapshot of this moment, milliseconds since the Unix epoch. */
  append(time: number): void;
  /** Samples that still wait of those taken while offline. */
  backlogSamples(): number;
}

export interface Life {
  readonly recording: Recording;
  /** Where in the recording it begins, so that no two Macs show the same. */
  readonly phase: number;
  readonly intervalMs: number;
  readonly bootMs: number;
  /** Told of each snapshot that was delivered. */
  readonly onDelivered: (time: number) => void;
}

/** A stretch without gaps: the time of its first snapshot, one each interval from there on. */
interface Stretch {
  readonly firstSeq: number;
  readonly firstTime: number;
}

/** @param backlog snapshots taken while offline, the first at `since` */
export function createFleetCursor(
  sink: string,
  { recording, phase, intervalMs, bootMs, onDelivered }: Life,
  backlog: { readonly since: number; readonly count: number },
): FleetCursor {
  const stretches: Stretch[] = [{ firstSeq: 1, firstTime: backlog.since }];
  let lastSeq = backlog.count;
  let waiting: SeqSet = lastSeq === 0 ? [] : [{ firstSeq: 1, lastSeq }];
  let frozen: FrozenBatch | undefined;
  let accepted: readonly string[] = [];

  function timeOf(seq: number): number {
    const { firstSeq = 1, firstTime = 0 } = stretches.findLast((one) => one.firstSeq <= seq) ?? {};
    return firstTime + (seq - firstSeq) * intervalMs;
  }

  function snapshotOf(seq: number): StoredSnapshot {
    const values = recording.valuesAt(phase + seq);
    const starts = { boot: bootMs, agent: bootMs };
    return { seq, source: "powermetrics", time: timeOf(seq), starts, set: recording.set, values, ended: [] };
  }

  function take(range: SeqRange): Tally {
    const taken = within(waiting, range);
    waiting = without(waiting, range);
    if (frozen !== undefined && within([frozen], range).length > 0) frozen = undefined;
    const snapshots = sizeOf(taken);
    return { snapshots, samples: snapshots * recording.set.series.length };
  }

  return {
    sink,
    ranges: () => waiting,
    read(range, limits) {
      const there = within(waiting, range);
      const count = Math.max(1, mostOf(limits, recording.set.series.length));
      const part = limits.newest === true ? there.at(-1) : there[0];
      if (part === undefined) return [];
      const { firstSeq, lastSeq } = part;
      return limits.newest === true
        ? numbers({ firstSeq: Math.max(firstSeq, lastSeq - count + 1), lastSeq }).map(snapshotOf)
        : numbers({ firstSeq, lastSeq: Math.min(lastSeq, firstSeq + count - 1) }).map(snapshotOf);
    },
    freeze: (batch) => void (frozen = batch),
    frozen: () => frozen,
    notes: () => ({}),
    note: () => undefined,
    acknowledge(range) {
      for (const seq of within(waiting, range).flatMap(numbers)) onDelivered(timeOf(seq));
      return take(range);
    },
    discard: take,
    accepted: () => accepted,
    accept: (key) => void (accepted = [key]),
    backlog() {
      const [oldest] = waiting;
      const snapshots = sizeOf(waiting);
      const bytes = snapshots * recording.set.series.length * 4;
      return { snapshots, bytes, ...(oldest !== undefined && { oldestTimeMs: timeOf(oldest.firstSeq) }) };
    },
    append(time) {
      lastSeq++;
      if (timeOf(lastSeq) !== time) stretches.push({ firstSeq: lastSeq, firstTime: time });
      waiting = union(waiting, [{ firstSeq: lastSeq, lastSeq }]);
    },
    backlogSamples: () =>
      sizeOf(within(waiting, { firstSeq: 1, lastSeq: backlog.count })) * recording.set.series.length,
  };
}

function mostOf({ maxSamples, maxSnapshots }: ReadLimits, series: number): number {
  return Math.min(Math.floor(maxSamples / series), maxSnapshots, Number.MAX_SAFE_INTEGER);
}

function numbers({ firstSeq, lastSeq }: SeqRange): readonly number[] {
  return Array.from({ length: lastSeq - firstSeq + 1 }, (_, at) => firstSeq + at);
}
