/** One sink's reading of the journal: from disk what is old, from memory what is new, in one order. */
import { defined } from "../runtime/defined.ts";
import type { Commits } from "./commits.ts";
import type { Connection } from "./connection.ts";
import type { Position, Positions } from "./positions.ts";
import { rangeFrom, sizeOf, within, type SeqSet } from "./ranges.ts";
import { rowsOf, type FoundRow, type ReadChains } from "./segments.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Backlog, Cursor, ReadLimits, SeqRange, StoredSnapshot } from "./types.ts";

interface CursorDeps {
  readonly snapshots: Snapshots;
  readonly positions: Positions;
  readonly connection: Connection;
  readonly commits: Commits;
}

/** Of one sink: its address changes now and then, and each may know two protocols. */
const mostAccepted = 8;

export function createCursor(position: Position, deps: CursorDeps): Cursor {
  const { snapshots, positions, connection, commits } = deps;
  const read = createReading(position, deps);

  function timeOf(seq: number): number | undefined {
    const [found] = snapshots.inMemory({ firstSeq: seq, lastSeq: seq });
    return found?.time ?? connection.read((store) => store.timeOf(seq));
  }

  return {
    sink: position.sink,
    ranges: () => readable(position, deps),
    read,
    freeze(batch) {
      positions.update(position, { frozen: batch });
      commits.flush();
    },
    frozen: () => position.frozen,
    acknowledge(range) {
      commits.schedule();
      return positions.settle(position, range, "delivered");
    },
    discard(range, reason) {
      commits.schedule();
      return positions.settle(position, range, reason);
    },
    accepted: () => position.accepted,
    accept(key) {
      if (position.accepted.at(-1) === key) return;
      const accepted = [...position.accepted.filter((one) => one !== key), key].slice(-mostAccepted);
      positions.update(position, { accepted });
      commits.schedule();
    },
    backlog(): Backlog {
      const waiting = positions.waiting(position);
      const [oldest] = waiting;
      const count = sizeOf(waiting);
      return defined({
        snapshots: count,
        bytes: Math.round(count * meanRowBytes(snapshots)),
        oldestTimeMs: oldest && timeOf(oldest.firstSeq),
      });
    },
    notes: () => position.notes,
    note(changes) {
      positions.update(position, { notes: { ...position.notes, ...changes } });
      commits.schedule();
    },
  };
}

/** What waits and can be read now: without a store only what is in memory. */
function readable(position: Position, { snapshots, positions }: CursorDeps): SeqSet {
  const waiting = positions.waiting(position);
  return snapshots.store === undefined ? within(waiting, rangeFrom(snapshots.first)) : waiting;
}

function createReading(position: Position, deps: CursorDeps): Cursor["read"] {
  const { snapshots, positions, connection } = deps;
  const chains: ReadChains = new Map();

  function find(range: SeqRange, limits: ReadLimits): Found {
    const wanted = within(readable(position, deps), range);
    const firstSeq = limits.newest === true ? newestStart(wanted, limits, snapshots) : range.firstSeq;
    return collect(within(wanted, rangeFrom(firstSeq)), limits, (one) => snapshots.rows(one, chains));
  }

  return (range, limits) => {
    const found =
      snapshots.store === undefined ? find(range, limits) : connection.read(() => find(range, limits));
    if (found === undefined) return [];
    // The same rows are damaged for every sink.
    for (const unreadable of found.unreadable) positions.lose(unreadable, "corrupt");
    // Their values are sound; a damaged count beside them would spoil the tallies.
    if (found.miscounted.length > 0) connection.write((store) => store.recount(found.miscounted));
    return found.batch;
  };
}

interface Found {
  readonly batch: StoredSnapshot[];
  readonly unreadable: SeqRange[];
  /** Those of the batch whose rows say another number of samples. */
  readonly miscounted: StoredSnapshot[];
}

function collect(
  wanted: SeqSet,
  { maxSamples, maxSnapshots }: ReadLimits,
  find: (range: SeqRange) => Iterable<FoundRow>,
): Found {
  const found: Found = { batch: [], unreadable: [], miscounted: [] };
  const { batch, unreadable, miscounted } = found;
  let room = maxSamples;
  for (const { firstSeq, lastSeq } of wanted) {
    let expected = firstSeq;
    for (const row of find({ firstSeq, lastSeq })) {
      if (batch.length > 0 && (row.samples > room || batch.length >= maxSnapshots)) return found;
      const snapshot = row.decode();
      const unreadableUntil = snapshot === undefined ? row.seq : row.seq - 1;
      if (unreadableUntil >= expected) unreadable.push({ firstSeq: expected, lastSeq: unreadableUntil });
      expected = row.seq + 1;
      if (snapshot === undefined) continue;
      batch.push(snapshot);
      room -= snapshot.values.length;
      if (row.samples !== snapshot.values.length) miscounted.push(snapshot);
    }
    if (expected <= lastSeq) unreadable.push({ firstSeq: expected, lastSeq });
  }
  return found;
}

/** The number from which on the rest of the set fits the limits. */
function newestStart(set: SeqSet, { maxSamples, maxSnapshots }: ReadLimits, snapshots: Snapshots): number {
  let start = Infinity;
  let samples = 0;
  let count = 0;
  for (const size of snapshots.sizes(set, maxSnapshots + 1)) {
    samples += size.samples;
    count++;
    if (count > 1 && (samples > maxSamples || count > maxSnapshots)) return start;
    start = size.seq;
  }
  return start;
}

function meanRowBytes({ store }: Snapshots): number {
  let [bytes, rows] = [0, 0];
  for (const segment of store?.segments ?? []) {
    bytes += segment.bytes;
    rows += rowsOf(segment);
  }
  return rows === 0 ? 0 : bytes / rows;
}
