/**
 * The journal as a whole: numbers snapshots, and puts together what keeps, writes, reads and forgets them.
 *
 *     append ─► snapshots in memory ──commits──► segments in the store ──retention──► gone
 *                        └─────────── cursors read both ───────────┘
 *
 * Use: `append` each snapshot; for each sink open a `cursor`, then `read`, `freeze`, send, `acknowledge`; dispose of the journal last.
 *
 * Reading order: `types.ts`, what is promised; this file; `snapshots.ts`, where snapshots are; `positions.ts`, what sinks wait for;
 * `cursor.ts`; `commits.ts` and `retention.ts`, what is written and deleted when; `store.ts`, `segments.ts`, `row-codec.ts`,
 * `series-sets.ts` and `schema.ts`, what is on the disk; `connection.ts`, `database.ts` and `files.ts`, what a disk may do;
 * `reader.ts`, reading without a cursor.
 */
import { endedSeries, type Series } from "../metric/series.ts";
import { endsUnmarked, type LastOfSource, type Snapshot } from "../meter/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import { defined } from "../runtime/defined.ts";
import { createCommits } from "./commits.ts";
import { createConnection, type Connection } from "./connection.ts";
import { createCursor } from "./cursor.ts";
import { createPositions, type Positions } from "./positions.ts";
import { selected, storedHistory } from "./reader.ts";
import { rowsOf } from "./segments.ts";
import { createSnapshots, type Snapshots } from "./snapshots.ts";
import type { Store } from "./store.ts";
import type { Cursor, HistoryQuery, Journal, JournalOptions, JournalState, StoredSnapshot } from "./types.ts";

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
  const commits = createCommits(options, snapshots, positions, connection);
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
    refused: () => refused,
  };
}

/** SQLite would refuse these again and again, and it would look like the disk's fault. */
function assertSound({ time, set, values }: Snapshot): void {
  if (!Number.isSafeInteger(time)) throw new Error(`time must be an integer, got ${time}`);
  if (values.length !== set.series.length)
    throw new Error(`unexpected values: got ${values.length}, want ${set.series.length}`);
}

function* allSnapshots(snapshots: Snapshots, query: HistoryQuery): Generator<StoredSnapshot> {
  const { store } = snapshots;
  const staged = snapshots.staged();
  if (store !== undefined)
    for (const snapshot of storedHistory(store, query)) {
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
