/**
 * The journal as a whole: numbers snapshots, and puts together what commits, keeps, reads and forgets them.
 *
 *     append ─► tail (memory) ──every commit interval──► segments (disk) ──retention──► gone
 *                  └────────────── cursors read both ──────────────┘
 */
import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { endedSeries, type SeriesSet } from "../metric/series.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import { selected, statsOf, storedHistory } from "./archive.ts";
import { openCursor } from "./cursor.ts";
import { setAsides } from "./damage.ts";
import { ledger, type Ledger } from "./ledger.ts";
import { assignSinks, forget, orphansOf, tendOrphans } from "./orphans.ts";
import { open, union } from "./ranges.ts";
import { firstNumberWithoutDisk, resume, type Occasion } from "./resume.ts";
import { samplesIn, type Counted } from "./samples.ts";
import { rowsOf, seqsOf } from "./segments.ts";
import { tail, type Tail } from "./tail.ts";
import { createTrustedTime } from "./trusted-time.ts";
import type {
  Cursor,
  Disk,
  HistoryQuery,
  Journal,
  JournalOptions,
  JournalState,
  JournalStats,
  StoredSnapshot,
} from "./types.ts";
import { volume, type Volume } from "./volume.ts";
import { writing } from "./writing.ts";

const defaultMemoryBytes = 16 * 2 ** 20;
/** A minute of snapshots of the largest Mac at one a second, so that a live push after a commit still reads from memory. */
const keptBytes = 2 ** 17;
/**
 * A source's last time that lies further ahead of the clock came from a clock that was wrong: the source goes on from the present
 * then, once out of order, instead of being refused until the wrong time has come.
 */
const believedAheadMs = 300_000;

interface LastOfSource {
  readonly time: number;
  readonly set: SeriesSet | undefined;
}

interface Parts {
  readonly options: JournalOptions;
  readonly recent: Tail;
  readonly book: Ledger;
  readonly place: Volume;
}

/** Never throws for what the disk does: a journal that can't be opened works in memory and tries again. */
export function openJournal(options: JournalOptions): Journal {
  const { clock } = options;
  const disk = options.disk ?? systemDisk;
  const recent = tail({ keptBytes, stagedBytes: options.memoryBytes ?? defaultMemoryBytes }, (range) => {
    book.lose(range, "memory");
  });
  const sources = new Map<string, LastOfSource>();
  const latest = new Map<string, StoredSnapshot>();
  const cursors = new Map<string, Cursor>();
  let clockBackwards = 0;
  let occasion: Occasion = "fresh";
  /** Sinks whose cursors could not be read, and that were not opened since; which ones they are may be damaged too. */
  let unreadable = 0;
  /** Kept while a database is opened in its place, to count what it held. */
  let former: Counted | undefined;

  const book = ledger((set) => samplesIn(set, recent, former ?? place.store));
  const place = volume(
    { ...options, disk },
    {
      opened(store) {
        const objection = resume(store, recent, book, occasion, clock.now());
        former = undefined;
        if (objection !== undefined) return objection;
        const first = occasion === "fresh";
        occasion = "again";
        if (first) noteUnreadable(store.damagedCursors());
        for (const { name, time, set } of store.sources())
          if (!sources.has(name)) sources.set(name, { time, set });
        return undefined;
      },
      closing(store, then) {
        former = store;
        if (then === "replace") book.lose({ firstSeq: 0, lastSeq: recent.first - 1 }, "corrupt");
      },
    },
  );
  const parts: Parts = { options, recent, book, place };
  const time = createTrustedTime(clock);
  const room = { now: () => time.now(), freeBytes: () => disk.freeBytes(options.path) };
  const writer = writing({
    ...options,
    recent,
    book,
    place,
    bounds: options,
    room,
    tend: () => tendOrphans(parts, time.now()),
  });

  place.recover();
  if (place.trouble !== undefined) {
    beginWithoutDisk();
    writer.schedule();
  }

  /** Unless a database was opened, and what failed came after. */
  function beginWithoutDisk(): void {
    if (occasion !== "fresh") return;
    occasion = "late";
    recent.startAt(firstNumberWithoutDisk(clock.now()));
  }

  function isBackwards({ source, time }: Snapshot): boolean {
    const last = sources.get(source)?.time ?? -Infinity;
    return time <= last && last <= clock.now() + believedAheadMs;
  }

  function noteUnreadable(count: number): void {
    unreadable = count;
    if (count > 0)
      options.log.error(`cannot read ${count} cursors of journal ${options.path}: wrong checksum`, {
        consequence: "all that the journal holds is delivered again",
      });
  }

  /** A sink whose cursor is damaged is owed everything: what was delivered goes twice, what waited is not lost. */
  function startOf(sink: string, from: "oldest" | "now"): "oldest" | "now" {
    if (unreadable === 0 || book.accounts().some((account) => account.sink === sink)) return from;
    unreadable--;
    return "oldest";
  }

  function newCursor(sink: string, { from: wanted, block }: Parameters<Journal["cursor"]>[1]): Cursor {
    const from = startOf(sink, wanted);
    const account = book.open(sink, from, recent.next, () => {
      const stored = from === "oldest" && place.store !== undefined ? seqsOf(place.store.segments) : [];
      return union(stored, [{ firstSeq: from === "oldest" ? recent.first : recent.next, lastSeq: open }]);
    });
    account.block ??= block;
    const cursor = openCursor(account, { ledger: book, tail: recent, volume: place, writing: writer });
    cursors.set(sink, cursor);
    return cursor;
  }

  return {
    append(snapshot) {
      assertSound(snapshot);
      if (isBackwards(snapshot)) {
        clockBackwards++;
        return "dropped";
      }
      const before = sources.get(snapshot.source)?.set;
      const ended = before === undefined ? [] : endedSeries(before, snapshot.set);
      const stored: StoredSnapshot = { ...snapshot, ended, seq: recent.next };
      recent.push(stored);
      sources.set(snapshot.source, { time: snapshot.time, set: snapshot.set });
      latest.set(snapshot.source, stored);
      recent.trim();
      writer.schedule();
      return "appended";
    },
    commit: () => writer.commit(),
    cursor: (sink, wanted) => cursors.get(sink) ?? newCursor(sink, wanted),
    sinks: () => book.accounts().map(({ sink, block }) => ({ sink, ...(block !== undefined && { block }) })),
    assign(assignments) {
      assignSinks(parts, assignments, clock.now());
      for (const sink of cursors.keys())
        if (!assignments.some((one) => one.sink === sink && one.was === sink)) cursors.delete(sink);
      writer.schedule();
    },
    forget(sink) {
      const account = book.account(sink);
      if (account !== undefined && forget(parts, account, "forgotten")) cursors.delete(sink);
      writer.schedule();
    },
    latest: () => [...latest.values()],
    state: () => stateOf(parts, clockBackwards),
    history: (query) => selected(allSnapshots(parts, query), query),
    stats: () => place.read((store) => statsOf(store.database, options.path)) ?? statsWithoutDisk(parts),
    [Symbol.dispose]() {
      writer.commit();
      writer[Symbol.dispose]();
      place.close();
    },
  };
}

const systemDisk: Disk = {
  freeBytes(path) {
    try {
      const { bavail, bsize } = statfsSync(dirname(path));
      return bavail * bsize;
    } catch {
      return undefined;
    }
  },
};

/** SQLite would refuse these again and again, and it would look like the disk's fault. */
function assertSound({ time, set, values }: Snapshot): void {
  if (!Number.isSafeInteger(time)) throw new Error(`time must be an integer, got ${time}`);
  if (values.length !== set.series.length)
    throw new Error(`unexpected values: got ${values.length}, want ${set.series.length}`);
}

function* allSnapshots({ recent, place }: Parts, query: HistoryQuery): Generator<StoredSnapshot> {
  const { store } = place;
  const staged = recent.staged();
  if (store !== undefined)
    for (const snapshot of storedHistory(store, query)) {
      yield snapshot;
      if (place.store !== store) return;
    }
  yield* staged;
}

function stateOf(parts: Parts, clockBackwards: number): JournalState {
  const { recent, book, place } = parts;
  const segments = place.store?.segments ?? [];
  const staged = recent.stagedCount();
  const oldestTimeMs = segments[0]?.minTime ?? recent.staged()[0]?.time;
  return {
    durable: place.trouble === undefined,
    ...(place.trouble === undefined ? {} : { reason: place.trouble }),
    bytes: place.read((store) => store.bytes()) ?? 0,
    snapshots: segments.reduce((sum, segment) => sum + rowsOf(segment), staged),
    staged,
    ...(oldestTimeMs === undefined ? {} : { oldestTimeMs }),
    dropped: { ...book.lost(), ...(clockBackwards === 0 ? {} : { clock_backwards: clockBackwards }) },
    setAside: place.setAside.count,
    ...(place.setAside.lastMs === undefined ? {} : { lastSetAsideMs: place.setAside.lastMs }),
    cursors: book.states(recent.next),
    orphans: orphansOf(parts),
  };
}

function statsWithoutDisk({ options, recent, book }: Parts): JournalStats {
  const staged = recent.staged();
  return {
    path: options.path,
    bytes: 0,
    snapshots: staged.length,
    samples: staged.reduce((sum, { values }) => sum + values.length, 0),
    seriesSets: 0,
    sources: [],
    sinks: book.states(recent.next).map(({ sink, waiting }) => ({ sink, waiting, ranges: [] })),
    setAside: setAsides(options.path),
  };
}
