/**
 * What the journal does in an open database: segments with their rows, cursors, sources. Everything here throws what SQLite throws;
 * `connection.ts` decides what that means.
 */
import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import { watchFiles } from "./files.ts";
import type { SeqSet } from "./ranges.ts";
import {
  createRowReader,
  createSegmentWriter,
  deleteSegment,
  deleteSources,
  storedSegments,
} from "./segments.ts";
import type { Segment } from "./segments.ts";
import { named, versionOf } from "./schema.ts";
import { createSetReader, createSetWriter, type ReadSet } from "./series-sets.ts";
import type { CursorNotes, FrozenBatch, MetricOf, SeqRange, SinkBlock, StoredSnapshot } from "./types.ts";

/** Where a sink stands, as it is stored. */
export interface SavedCursor {
  sink: string;
  /** The last range is open, except of an orphan. */
  waiting: SeqSet;
  frozen: FrozenBatch | undefined;
  /** What delivery noted about receivers that have taken samples. */
  accepted: readonly string[];
  /** Absent where no configuration has named it yet. */
  block: SinkBlock | undefined;
  /** Since when it is an orphan, milliseconds since the Unix epoch. */
  goneMs: number | undefined;
  notes: CursorNotes;
}

/** `synced` waits for the drive; `written` survives the process, not the power. */
export type Durability = "synced" | "written";

export type Store = ReturnType<typeof createStore>;

/** Snapshots a transaction may hold, so that none takes long. */
const longestWrite = 512;

export function createStore(
  database: DatabaseSync,
  lock: DatabaseSync,
  path: string,
  journalBytes: number,
  metricOf: MetricOf,
) {
  const readSet = createSetReader(database, metricOf);
  const writer = createSegmentWriter(database, createSetWriter(database), journalBytes);
  const saveCursors = createCursorWriter(database);
  const transact = createTransact(database, () => writer.reset());
  let segments = storedSegments(database);

  return {
    ...createRowQueries(database, transact),
    ...createForgetRequests(database, transact),
    ...createFileOperations(database, lock),
    /** Whether the files at the path are still those that are open. */
    files: watchFiles(path),
    rows: createRowReader(database, readSet),
    /** Oldest first. */
    get segments() {
      return segments;
    },
    cursors: () => storedCursors(database),
    /** Cursors whose checksum is wrong, until cursors are written again. */
    damagedCursors: () => cursorRows(database).length - storedCursors(database).length,
    sources: () => storedSources(database, readSet),
    /** One transaction: snapshots from the front, at most one segment's worth, and all cursors if given. Returns how many it took. */
    write(
      snapshots: readonly StoredSnapshot[],
      cursors: readonly SavedCursor[] | undefined,
      durability: Durability,
    ): number {
      const current = segments.at(-1);
      const written = transact(durability, () => {
        if (cursors !== undefined) saveCursors(cursors);
        return writer.write(snapshots.slice(0, longestWrite), current);
      });
      if (written === undefined) return 0;
      const { segment, count } = written;
      segments = [...(segment.first === current?.first ? segments.slice(0, -1) : segments), segment];
      return count;
    },
    /** Sources of which there is no snapshot any more, and nothing since `beforeMs`. */
    forgetSources(beforeMs: number) {
      if (transact("written", () => deleteSources(database, beforeMs)) > 0) writer.reset();
    },
    deleteSegment(segment: Segment) {
      transact("written", () => deleteSegment(database, segment));
      if (segment === segments.at(-1)) writer.reset();
      segments = segments.filter((one) => one !== segment);
    },
  };
}

type Transact = <T>(durability: Durability, work: () => T) => T;

/** sqlite.org/pragma.html: in WAL mode FULL waits for the drive at each commit, NORMAL does not. */
const levels: Readonly<Record<Durability, string>> = { synced: "FULL", written: "NORMAL" };

/** All or nothing. */
function createTransact(database: DatabaseSync, onFailure: () => void): Transact {
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  let set: Durability | undefined;

  return (durability, work) => {
    if (durability !== set) database.exec(`PRAGMA synchronous = ${levels[durability]}`);
    set = durability;
    begin.run();
    try {
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      onFailure();
      rollBack(database);
      throw error;
    }
  };
}

/** SQLite may have rolled back by itself, and a disk that refuses a commit may refuse this too: the first error is the one that counts. */
function rollBack(database: DatabaseSync): void {
  if (!database.isTransaction) return;
  try {
    database.exec("ROLLBACK");
  } catch {
    // The connection is closed and opened anew.
  }
}

function createRowQueries(database: DatabaseSync, transact: Transact) {
  const sumSamples = database.prepare("SELECT sum(samples) AS sum FROM snapshot WHERE seq BETWEEN ? AND ?");
  const saveCount = database.prepare("UPDATE snapshot SET samples = ? WHERE seq = ?");
  const selectTime = database.prepare(`SELECT ${named("time")} FROM snapshot WHERE seq = ?`);
  const selectNewest = database.prepare(
    `SELECT ${named("seq samples")} FROM snapshot WHERE seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?`,
  );
  return {
    samplesIn: ({ firstSeq, lastSeq }: SeqRange) => Number(sumSamples.get(firstSeq, lastSeq)?.["sum"] ?? 0),
    /** Corrects the numbers of samples that rows say they hold. */
    recount(snapshots: readonly StoredSnapshot[]) {
      transact("written", () => {
        for (const { seq, values } of snapshots) saveCount.run(values.length, seq);
      });
    },
    timeOf(seq: number): number | undefined {
      const time = selectTime.get(seq)?.["time"];
      return time === undefined ? undefined : Number(time);
    },
    /** Sizes of the newest rows of the range, newest first. */
    newest: ({ firstSeq, lastSeq }: SeqRange, limit: number) =>
      selectNewest.all(firstSeq, lastSeq, limit) as unknown as readonly { seq: number; samples: number }[],
  };
}

function createForgetRequests(database: DatabaseSync, transact: Transact) {
  const select = database.prepare(`SELECT ${named("sink")} FROM forget_request`);
  return {
    hasForgetRequests: () => select.get() !== undefined,
    /** Sinks that `journal forget` asks to be forgotten; the requests are removed. */
    takeForgetRequests: () =>
      transact("written", () => {
        const sinks = select.all().map((row) => String(row["sink"]));
        database.exec("DELETE FROM forget_request");
        return sinks;
      }),
  };
}

function createFileOperations(database: DatabaseSync, lock: DatabaseSync) {
  return {
    /** Of the database and its log. */
    bytes: sizeReader(database),
    /** While the database is open it can be read, even when its files are gone from their path. */
    copyTo(path: string) {
      database.prepare("VACUUM INTO ?").run(path);
    },
    /** Gives free pages and the log back to the volume. */
    shrink() {
      database.exec("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
    },
    [Symbol.dispose]() {
      database.close();
      lock.close();
    },
  };
}

/** Reads what the database takes: pages in the file, free ones too, and the write-ahead log; bytes. Asked at every commit, so prepared once. */
export function sizeReader(database: DatabaseSync): () => number {
  const inPages = database.prepare(
    "SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size",
  );
  const log = `${database.location() ?? ""}-wal`;
  return () => Number(inPages.get()?.["bytes"] ?? 0) + (statSync(log, { throwIfNoEntry: false })?.size ?? 0);
}

/** What each source appended last; the set is absent where it is damaged. */
function storedSources(database: DatabaseSync, readSet: ReadSet) {
  const rows = database.prepare("SELECT name AS name, last_time AS time, last_set AS id FROM source").all();
  return rows.map((row) => ({
    name: String(row["name"]),
    time: Number(row["time"]),
    set: readSet(Number(row["id"])),
  }));
}

/** All cursors at once: they are few, and one checksum a row finds damage. */
function createCursorWriter(database: DatabaseSync): (cursors: readonly SavedCursor[]) => void {
  const insert = database.prepare(
    "INSERT INTO cursor (sink, waiting, frozen, accepted, state, crc) VALUES (?, ?, ?, ?, ?, ?)",
  );
  return (cursors) => {
    database.exec("DELETE FROM cursor");
    for (const { sink, waiting, frozen, accepted, block, goneMs, notes } of cursors) {
      const state: CursorText = { block, goneMs, notes };
      const texts = [waiting, frozen ?? null, accepted, state].map((value) => JSON.stringify(value));
      insert.run(sink, ...texts, cursorChecksum(sink, ...texts));
    }
  };
}

/** Without those whose checksum is wrong. */
export function storedCursors(database: DatabaseSync): readonly SavedCursor[] {
  return cursorRows(database)
    .filter(
      ({ sink, waiting, frozen, accepted, state, crc }) =>
        cursorChecksum(sink, waiting, frozen, accepted, state) === crc,
    )
    .map(restoredCursor);
}

/** What the column `state` holds, as JSON; empty in a row that version 0.1 wrote. */
type CursorText = Pick<SavedCursor, "block" | "goneMs" | "notes">;

interface CursorRow {
  readonly sink: string;
  readonly waiting: string;
  readonly frozen: string;
  readonly accepted: string;
  readonly state: string;
  readonly crc: number;
}

function cursorRows(database: DatabaseSync): readonly CursorRow[] {
  const version = versionOf(database);
  const accepted = version < 2 ? "'[]' AS accepted" : named("accepted");
  const state = version < 3 ? "'' AS state" : named("state");
  return database
    .prepare(`SELECT ${named("sink waiting frozen crc")}, ${accepted}, ${state} FROM cursor`)
    .all() as unknown as CursorRow[];
}

/** Columns that came later count where they hold something, so that a cursor from before them stays sound. */
function cursorChecksum(...texts: readonly string[]): number {
  return crc32(texts.filter((text, at) => at < 3 || (text !== "[]" && text !== "")).join(" "));
}

/** Texts with the right checksum are what `createCursorWriter` wrote. */
function restoredCursor({ sink, waiting, frozen, accepted, state }: CursorRow): SavedCursor {
  const { block, goneMs, notes = {} } = (state === "" ? {} : JSON.parse(state)) as Partial<CursorText>;
  return {
    sink,
    waiting: JSON.parse(waiting) as SeqSet,
    frozen: (JSON.parse(frozen) as FrozenBatch | null) ?? undefined,
    accepted: JSON.parse(accepted) as readonly string[],
    block,
    goneMs,
    notes,
  };
}
