/**
 * Selects which snapshots go next, how many of them, and how fast a backlog may go.
 *
 * Oldest first, as long as the backlog is young: a Prometheus without an out-of-order window takes what is in order and
 * at most an hour old, and would refuse everything older than a live sample that overtook it. A backlog that reaches
 * further back needs that window anyway, so then live snapshots go first and the backlog follows in between, to its end.
 *
 *     ░░ delivered  ▓▓ backlog  ██ live
 *     ░░░░░░░▓▓▓▓▓▓▓▓▓▓▓▓▓▓██   young: ▓▓▓ then ██
 *     ░░░░░░░▓▓▓▓▓▓▓▓▓░░░░░██   old:   ██, ▓▓, ██, ▓▓ … each live batch as soon as it is due
 */
import type { Cursor, ReadLimits, SeqRange, StoredSnapshot } from "../journal/types.ts";

/** What Prometheus accepts in order without an out-of-order window. */
const youngMs = 3_600_000;
/** Whatever waits longer than this did not wait for its batch to fill up. */
const liveMs = 60_000;

export type Selection =
  | { readonly status: "live" | "backlog"; readonly snapshots: readonly StoredSnapshot[] }
  /** Something waits, but all of it is ahead of the receiver's clock. */
  | { readonly status: "held" }
  /** A backlog waits for the drain rate. */
  | { readonly status: "paced" }
  /** Nothing to send before a live batch is due. */
  | { readonly status: "idle" };

export interface SelectionTerms {
  readonly now: number;
  readonly limits: ReadLimits;
  /** Whether what came lately waited long enough for its batch to fill up. */
  readonly liveDue: boolean;
  /** Whether the drain rate allows a backlog batch now. */
  readonly drainAllowed: boolean;
  /** Whether live snapshots may go before an old backlog; a recording is sent in its own order. */
  readonly mayOvertake: boolean;
  /** The newest snapshot already delivered; live is what came after it. */
  readonly deliveredSeq: number;
  /** Newest time sent, by source. */
  readonly newestSent: Readonly<Record<string, number>>;
  /** Newest sample time that the clock guard lets through. */
  readonly newest: number;
}

type Waiting = Pick<Cursor, "ranges" | "backlog" | "read">;

/** The next batch of this cursor, without freezing it. */
export function selectBatch(cursor: Waiting, terms: SelectionTerms): Selection {
  const ranges = cursor.ranges();
  if (ranges.length === 0) return { status: "idle" };
  if (!terms.liveDue && ranges.length === 1) {
    const age = terms.now - (cursor.backlog().oldestTimeMs ?? terms.now);
    if (age <= liveMs) return { status: "idle" };
  }
  if (!terms.liveDue && !terms.drainAllowed) return { status: "paced" };
  const snapshots = oldestSendable(cursor, ranges, terms);
  const [first] = snapshots;
  if (first === undefined) return { status: "held" };
  const age = terms.now - first.time;
  if (terms.mayOvertake && (age > youngMs || wasOvertaken(first, terms))) {
    const overtaking = selectLive(cursor, terms);
    if (overtaking !== undefined) return overtaking;
  }
  if (age <= liveMs) return terms.liveDue ? { status: "live", snapshots } : { status: "idle" };
  return terms.drainAllowed ? { status: "backlog", snapshots } : { status: "paced" };
}

/** Order is lost already, and waiting would not bring it back. */
function wasOvertaken({ source, time }: StoredSnapshot, { newestSent }: SelectionTerms): boolean {
  return (newestSent[source] ?? -Infinity) >= time;
}

/** What was held stands before what came since: the live end goes first as far as it is older. */
function oldestSendable(
  cursor: Waiting,
  ranges: readonly SeqRange[],
  terms: SelectionTerms,
): readonly StoredSnapshot[] {
  const last = ranges.at(-1);
  for (const range of ranges) {
    const snapshots = readSendable(cursor, range, terms);
    const [first] = snapshots;
    if (first === undefined) continue;
    if (last === undefined || range === last) return snapshots;
    const [live] = readSendable(cursor, last, { ...terms, limits: { maxSamples: 1, maxSnapshots: 1 } });
    if (live === undefined) return snapshots;
    return live.time < first.time
      ? before(first.time, readSendable(cursor, last, terms))
      : before(live.time, snapshots);
  }
  return [];
}

/** From the front: what is skipped in the middle of a batch would be acknowledged with it. */
function before(time: number, snapshots: readonly StoredSnapshot[]): readonly StoredSnapshot[] {
  const end = snapshots.findIndex((one) => one.time >= time);
  return end < 0 ? snapshots : snapshots.slice(0, end);
}

function selectLive(cursor: Waiting, terms: SelectionTerms): Selection | undefined {
  const last = cursor.ranges().at(-1);
  if (!terms.liveDue || last === undefined || last.lastSeq <= terms.deliveredSeq) return undefined;
  const fresh = { firstSeq: Math.max(last.firstSeq, terms.deliveredSeq + 1), lastSeq: last.lastSeq };
  const snapshots = readSendable(cursor, fresh, { ...terms, limits: { ...terms.limits, newest: true } });
  return snapshots.length > 0 ? { status: "live", snapshots } : undefined;
}

/** Reads on through a range until something may be sent; held snapshots stay where they are. */
function readSendable(
  cursor: Waiting,
  range: SeqRange,
  { limits, newest }: SelectionTerms,
): readonly StoredSnapshot[] {
  let rest: SeqRange | undefined = range;
  while (rest !== undefined) {
    const snapshots = cursor.read(rest, limits);
    const sendable = firstSendable(snapshots, newest);
    if (sendable.length > 0) return sendable;
    rest = beyond(rest, snapshots, limits.newest === true);
  }
  return [];
}

/** The first run of snapshots that may be sent, in the order of their times: held ones before it are stepped over, others wait. */
function firstSendable(snapshots: readonly StoredSnapshot[], newest: number): readonly StoredSnapshot[] {
  const start = snapshots.findIndex(({ time }) => time <= newest);
  if (start < 0) return [];
  const last = new Map<string, number>();
  const run: StoredSnapshot[] = [];
  for (const snapshot of snapshots.slice(start)) {
    if (snapshot.time > newest || snapshot.time <= (last.get(snapshot.source) ?? -Infinity)) break;
    last.set(snapshot.source, snapshot.time);
    run.push(snapshot);
  }
  return run;
}

function beyond(
  range: SeqRange,
  snapshots: readonly StoredSnapshot[],
  backwards: boolean,
): SeqRange | undefined {
  const first = snapshots[0];
  const last = snapshots.at(-1);
  if (first === undefined || last === undefined) return undefined;
  if (backwards) return first.seq > range.firstSeq ? { ...range, lastSeq: first.seq - 1 } : undefined;
  return last.seq < range.lastSeq ? { ...range, firstSeq: last.seq + 1 } : undefined;
}

/**
 * Most samples of a batch: a second's worth, so that no batch is a flood by itself, above all not the first ones, which no rate
 * has delayed yet; at least a body's, at most what all bodies take.
 */
export function batchSamples(
  samplesPerSecond: number,
  { maxSamples, maxBodies }: { readonly maxSamples: number; readonly maxBodies: number },
): number {
  const bodies = samplesPerSecond === 0 ? maxBodies : Math.floor(samplesPerSecond / maxSamples);
  return maxSamples * Math.min(maxBodies, Math.max(1, bodies));
}

/**
 * How much a request may hold, as far as the receiver has a say. Counted in snapshots, and where a single one is too much in
 * samples: halves what was too large, doubles back to that, and grows slowly from there, so that a receiver with a
 * small limit rarely has to refuse (as TCP finds its window).
 */
export interface BatchSize {
  /** Most snapshots in the next batch. */
  readonly snapshots: number;
  /** Most samples in a body of a single snapshot. */
  readonly samples: number;
  tooManySnapshots(count: number): void;
  /** Of a single snapshot. */
  tooManySamples(count: number): void;
  /** @param divided whether a single snapshot had to go in several bodies */
  delivered(divided: boolean): void;
  /** The next batch only finds out whether the receiver takes requests again. */
  smallest(): void;
}

/** Whatever their size: more snapshots than this are not worth a longer time between two acknowledgements. */
const mostSnapshots = 1000;

/** @param samples what was found out before a restart */
export function createBatchSize(samples = Infinity): BatchSize {
  let snapshots = samples === Infinity ? mostSnapshots : 1;
  /** As far as it doubles. */
  let safe = snapshots;
  return {
    get snapshots() {
      return snapshots;
    },
    get samples() {
      return samples;
    },
    tooManySnapshots(count) {
      snapshots = safe = Math.ceil(count / 2);
    },
    tooManySamples(count) {
      snapshots = safe = 1;
      samples = Math.max(1, Math.ceil(count / 2));
    },
    delivered(divided) {
      if (divided) {
        samples += Math.max(1, Math.floor(samples / 64));
        snapshots = 1;
      } else
        snapshots = Math.min(mostSnapshots, snapshots < safe ? Math.min(2 * snapshots, safe) : snapshots + 1);
    },
    smallest() {
      snapshots = 1;
    },
  };
}
