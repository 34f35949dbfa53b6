/**
 * The journal as a whole: numbers snapshots, and puts together what keeps, writes, reads and forgets them.
 *
 *     append ─► snapshots in memory ──commits──► segments in the store ──retention──► gone
 *                        └─────────── cursors read both ───────────┘
 *
 * Use: `append` each snapshot; for each sink open a `cursor`, then `read`, `freeze`, send, `acknowledge`; dispose of the journal last.
 *
 * Reading order: `types.ts`, what is promised; this file, with the cursors; `snapshots.ts`, where snapshots are; `positions.ts`, what
 * sinks wait for; `commits.ts`, what is written and deleted when; `store.ts`, `segments.ts`, `row-codec.ts`, `series-sets.ts` and
 * `schema.ts`, what is on the disk; `connection.ts`, `database.ts` and `files.ts`, what a disk may do; `reader.ts`, reading without a
 * cursor.
 */
import { endsUnmarked, type LastOfSource, type Snapshot } from "../meter/snapshot.ts";
import { endedSeries, type Series } from "../metric/series.ts";
import type { Clock } from "../runtime/clock.ts";
import { defined } from "../runtime/defined.ts";
import { createCommits, type Commits } from "./commits.ts";
import { createConnection, type Connection } from "./connection.ts";
import { createPositions, type Position, type Positions } from "./positions.ts";
import { rangeFrom, sizeOf, within, type SeqSet } from "./ranges.ts";
import { selected, storedHistory } from "./reader.ts";
import { mostSources, rowsOf, type FoundRow, type ReadChains } from "./segments.ts";
import { createSnapshots, type Snapshots } from "./snapshots.ts";
import type { Store } from "./store.ts";
import type {
  Backlog,
  Cursor,
  HistoryQuery,
  Journal,
  JournalOptions,
  JournalState,
  ReadLimits,
  SeqRange,
  StoredSnapshot,
} from "./types.ts";

const defaultMemoryBytes = 16 * 2 ** 20;

/** Never throws for what the disk does: a journal that can't be opened works in memory and tries again. */
export function openJournal(options: JournalOptions): Journal {
  const { clock, log, path } = options;
  const snapshots = createSnapshots(options.memoryBytes ?? defaultMemoryBytes);
  const positions = createPositions(snapshots, options);
  const sources = createSources(clock);
  /** Cursors that could not be read at the start and whose sinks were not opened since; which sinks they are may be damaged too. */
  let damagedCursors = 0;
  let isStarting = true;
  const connection = createConnection(options, snapshots, positions, (store) => {
    sources.restore(store.sources());
    if (isStarting) damagedCursors = store.damagedCursors();
  });
  isStarting = false;
  if (damagedCursors > 0)
    log.error(`cannot read ${damagedCursors} cursors of journal ${path}: wrong checksum`, {
      consequence: "all that the journal holds is delivered again",
    });
  const commits = createCommits(
    { ...options, forgetSources: sources.forget },
    snapshots,
    positions,
    connection,
  );
  const cursors = new Map<string, Cursor>();

  function newCursor(sink: string, { from, block }: Parameters<Journal["cursor"]>[1]): Cursor {
    // A sink whose cursor is damaged waits for everything: what was delivered goes twice, what waited is not lost.
    const isDamaged = damagedCursors > 0 && positions.of(sink) === undefined;
    if (isDamaged) damagedCursors--;
    const position = positions.open(sink, isDamaged ? "oldest" : from, block);
    const cursor = createCursor(position, { snapshots, positions, connection, commits });
    cursors.set(sink, cursor);
    return cursor;
  }

  return {
    append(snapshot) {
      const ended = sources.take(snapshot);
      if (ended === undefined) return "dropped";
      snapshots.push({ ...snapshot, ended, seq: snapshots.next }, (range) => {
        positions.lose(range, "memory");
      });
      commits.schedule();
      return "appended";
    },
    commit: () => commits.commit(),
    cursor: (sink, wanted) => cursors.get(sink) ?? newCursor(sink, wanted),
    sinks: () => positions.all().map(({ sink, block }) => defined({ sink, block })),
    assign(assignments) {
      positions.assign(assignments, clock.now());
      for (const sink of cursors.keys())
        if (!assignments.some((one) => one.sink === sink && one.was === sink)) cursors.delete(sink);
      commits.schedule();
    },
    sources: () => sources.last,
    state: () => stateOf(snapshots, positions, connection, sources.refused()),
    history: (query) => selected(allSnapshots(snapshots, query), query),
    [Symbol.dispose]() {
      commits.commit();
      commits[Symbol.dispose]();
      connection.close();
    },
  };
}

/**
 * A source's last time that lies further ahead of the clock came from a clock that was wrong: the source goes on from the present
 * then, once out of order, instead of being refused until the wrong time has come.
 */
const believedAheadMs = 300_000;

/** What each source reported last. */
function createSources(clock: Pick<Clock, "now">) {
  const last = new Map<string, LastOfSource>();
  let refused = 0;
  return {
    last,
    /** Of a source that has appended since, what it appended counts. */
    restore(saved: ReturnType<Store["sources"]>) {
      for (const { name, time, set } of saved) if (!last.has(name)) last.set(name, { time, set });
    },
    /** The series that the snapshot ends; absent when its time is not after the last one. */
    take(snapshot: Snapshot): readonly Series[] | undefined {
      assertSound(snapshot);
      const { source, time, set } = snapshot;
      const before = last.get(source);
      if (before !== undefined && time <= before.time && before.time <= clock.now() + believedAheadMs) {
        refused++;
        return undefined;
      }
      last.set(source, { time, set });
      return before?.set === undefined || endsUnmarked(source) ? [] : endedSeries(before.set, set);
    },
    forget: (beforeMs: number): void => {
      for (const [source, { time }] of last) if (time < beforeMs) last.delete(source);
    },
    refused: () => refused,
  };
}

/** SQLite would refuse these again and again, and it would look like the disk's fault. */
function assertSound({ time, set, values }: Snapshot): void {
  if (!Number.isSafeInteger(time)) throw new Error(`time must be an integer, got ${time}`);
  if (values.length !== set.series.length)
    throw new Error(`unexpected values: got ${values.length}, want ${set.series.length}`);
}

/** Reading for somebody who looks must not stop the writing: what the disk does not give is left out. */
function* allSnapshots(snapshots: Snapshots, query: HistoryQuery): Generator<StoredSnapshot> {
  const { store } = snapshots;
  const staged = snapshots.staged();
  if (store !== undefined)
    for (const snapshot of storedHistory(store, query, ["damaged", "unavailable"])) {
      yield snapshot;
      if (snapshots.store !== store) return;
    }
  yield* staged;
}

function stateOf(
  snapshots: Snapshots,
  positions: Positions,
  connection: Connection,
  refused: number,
): JournalState {
  const segments = snapshots.store?.segments ?? [];
  const staged = snapshots.stagedCount();
  return defined({
    durable: connection.trouble === undefined,
    reason: connection.trouble,
    bytes: connection.read((store) => store.bytes()) ?? 0,
    snapshots: segments.reduce((sum, segment) => sum + rowsOf(segment), staged),
    staged,
    oldestTimeMs: segments[0]?.minTime ?? snapshots.staged()[0]?.time,
    dropped: { ...positions.lost(), ...(refused > 0 && { clock_backwards: refused }) },
    setAside: connection.setAside.count,
    lastSetAsideMs: connection.setAside.lastMs,
    cursors: positions.states(),
    orphans: positions.orphans(),
  });
}

interface CursorDeps {
  readonly snapshots: Snapshots;
  readonly positions: Positions;
  readonly connection: Connection;
  readonly commits: Commits;
}

/** Of one sink: its address changes now and then, and each may know two protocols. */
const mostAccepted = 8;

/** One sink's reading of the journal: from disk what is old, from memory what is new, in one order. */
function createCursor(position: Position, deps: CursorDeps): Cursor {
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
    acknowledge(range, changes = {}) {
      const samples = positions.settle(position, range, "delivered");
      positions.update(position, { notes: { ...position.notes, ...changes } });
      commits.settled();
      return samples;
    },
    discard(range, reason) {
      const samples = positions.settle(position, range, reason);
      commits.schedule();
      return samples;
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
      commits.settled();
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
    if (chains.size > mostSources) chains.clear();
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
