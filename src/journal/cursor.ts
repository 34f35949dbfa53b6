/** One sink's reading of the journal: from disk what is old, from memory what is new, in one order. */
import { waitingOf, type Account, type Ledger } from "./ledger.ts";
import { sizeOf, within, type SeqSet } from "./ranges.ts";
import type { FoundRow, ReadPositions } from "./row-reader.ts";
import type { Tail } from "./tail.ts";
import type { Backlog, Cursor, FrozenBatch, ReadLimits, SeqRange, StoredSnapshot } from "./types.ts";
import type { Volume } from "./volume.ts";
import type { Writing } from "./writing.ts";
import { rowsOf } from "./segments.ts";

interface CursorSources {
  readonly ledger: Ledger;
  readonly tail: Tail;
  readonly volume: Volume;
  readonly writing: Writing;
}

/** Of one sink: its address changes now and then, and each may know two protocols. */
const mostAccepted = 8;

export function openCursor(account: Account, { ledger, tail, volume, writing }: CursorSources): Cursor {
  const positions: ReadPositions = new Map();
  let oldest: { readonly seq: number; readonly time: number } | undefined;

  /** What waits and can be read now: without a disk only what is in memory. */
  function readable(): SeqSet {
    const waiting = waitingOf(account, tail.next);
    return volume.store === undefined
      ? within(waiting, { firstSeq: tail.first, lastSeq: tail.next })
      : waiting;
  }

  function* found(range: SeqRange): Generator<FoundRow> {
    const stored = { firstSeq: range.firstSeq, lastSeq: Math.min(range.lastSeq, tail.first - 1) };
    if (volume.store !== undefined && stored.firstSeq <= stored.lastSeq)
      yield* volume.store.rows(stored, positions);
    for (const snapshot of tail.slice(range))
      yield { seq: snapshot.seq, samples: snapshot.values.length, decode: () => snapshot };
  }

  /** The number from which on the rest of the range fits the limits. */
  function newestStart(wanted: SeqSet, { maxSamples, maxSnapshots }: ReadLimits): number {
    let start = Infinity;
    let samples = 0;
    let count = 0;
    for (const size of sizesBackwards(wanted, maxSnapshots, { tail, volume })) {
      samples += size.samples;
      count++;
      if (count > 1 && (samples > maxSamples || count > maxSnapshots)) return start;
      start = size.seq;
    }
    return start;
  }

  function collect(
    wanted: SeqSet,
    limits: ReadLimits,
    miscounted: StoredSnapshot[],
  ): readonly StoredSnapshot[] {
    const batch: StoredSnapshot[] = [];
    const unreadable: SeqRange[] = [];
    let room = limits.maxSamples;
    for (const range of wanted) {
      let expected = range.firstSeq;
      for (const row of found(range)) {
        if (batch.length > 0 && (row.samples > room || batch.length >= limits.maxSnapshots)) {
          report(unreadable);
          return batch;
        }
        if (row.seq > expected) unreadable.push({ firstSeq: expected, lastSeq: row.seq - 1 });
        expected = row.seq + 1;
        const snapshot = row.decode();
        if (snapshot === undefined) unreadable.push({ firstSeq: row.seq, lastSeq: row.seq });
        else batch.push(snapshot);
        if (snapshot !== undefined && row.samples !== snapshot.values.length) miscounted.push(snapshot);
        room -= snapshot?.values.length ?? 0;
      }
      if (expected <= range.lastSeq) unreadable.push({ firstSeq: expected, lastSeq: range.lastSeq });
    }
    report(unreadable);
    return batch;
  }

  /** The same rows are damaged for every sink. */
  function report(unreadable: readonly SeqRange[]): void {
    for (const range of unreadable) ledger.lose(range, "corrupt");
  }

  function read(range: SeqRange, limits: ReadLimits): readonly StoredSnapshot[] {
    const wanted = within(readable(), range);
    const firstSeq = limits.newest === true ? newestStart(wanted, limits) : range.firstSeq;
    const asked = within(wanted, { firstSeq, lastSeq: range.lastSeq });
    const miscounted: StoredSnapshot[] = [];
    if (volume.store === undefined) return collect(asked, limits, miscounted);
    const batch = volume.read(() => collect(asked, limits, miscounted)) ?? [];
    // Their values are sound; a damaged count beside them would spoil the account.
    if (miscounted.length > 0) volume.write((store) => store.recount(miscounted));
    return batch;
  }

  function oldestTime(seq: number): number | undefined {
    if (oldest?.seq === seq) return oldest.time;
    const [recent] = tail.slice({ firstSeq: seq, lastSeq: seq });
    const time = recent?.time ?? volume.read((store) => store.timeOf(seq));
    oldest = time === undefined ? undefined : { seq, time };
    return time;
  }

  function backlog(): Backlog {
    const waiting = waitingOf(account, tail.next);
    const snapshots = sizeOf(waiting);
    const [first] = waiting;
    const oldestTimeMs = first === undefined ? undefined : oldestTime(first.firstSeq);
    const bytes = Math.round(snapshots * meanRow(volume));
    return { snapshots, bytes, ...(oldestTimeMs === undefined ? {} : { oldestTimeMs }) };
  }

  return {
    sink: account.sink,
    ranges: readable,
    read,
    freeze(batch: FrozenBatch) {
      account.frozen = batch;
      ledger.dirty = true;
      writing.flush();
    },
    frozen: () => account.frozen,
    acknowledge(range) {
      writing.schedule();
      return ledger.deliver(account, range);
    },
    discard(range, reason) {
      writing.schedule();
      return ledger.drop(account, range, reason);
    },
    accepted: () => account.accepted,
    accept(key) {
      if (account.accepted.at(-1) === key) return;
      account.accepted = [...account.accepted.filter((one) => one !== key), key].slice(-mostAccepted);
      ledger.dirty = true;
      writing.schedule();
    },
    backlog,
    notes: () => account.notes,
    note(changes) {
      account.notes = { ...account.notes, ...changes };
      ledger.dirty = true;
      writing.schedule();
    },
  };
}

/** Sizes of what waits, newest first. */
function* sizesBackwards(
  wanted: SeqSet,
  limit: number,
  { tail, volume }: Pick<CursorSources, "tail" | "volume">,
): Generator<{ readonly seq: number; readonly samples: number }> {
  for (const range of wanted.toReversed()) {
    for (const { seq, values } of tail.slice(range).toReversed()) yield { seq, samples: values.length };
    const stored = { firstSeq: range.firstSeq, lastSeq: Math.min(range.lastSeq, tail.first - 1) };
    if (stored.firstSeq <= stored.lastSeq)
      yield* volume.read((store) => store.newest(stored, limit + 1)) ?? [];
  }
}

function meanRow({ store }: Volume): number {
  const [bytes, rows] = (store?.segments ?? []).reduce(
    ([sum, count], one) => [sum + one.bytes, count + rowsOf(one)],
    [0, 0],
  );
  return rows === 0 ? 0 : bytes / rows;
}
