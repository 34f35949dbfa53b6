/** What the journal does to an open database. Everything here throws what SQLite throws; `volume.ts` decides what that means. */
import { statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { SeriesSet } from "../metric/series.ts";
import { damage } from "./fault.ts";
import type { SeqSet } from "./ranges.ts";
import { rowReader, type RowReader } from "./row-reader.ts";
import { rowWriter } from "./row-writer.ts";
import { named, pragma, versionOf } from "./schema.ts";
import { segmentChecksum, type Segment, type SegmentLimits } from "./segments.ts";
import type { CursorNotes, FrozenBatch, MetricOf, SeqRange, SinkBlock, StoredSnapshot } from "./types.ts";

/** A cursor as it is stored; the last waiting range is open. */
export interface SavedCursor {
  readonly sink: string;
  readonly waiting: SeqSet;
  readonly frozen?: FrozenBatch;
  /** What delivery noted about receivers that have taken samples. */
  readonly accepted: readonly string[];
  readonly block?: SinkBlock;
  readonly goneMs?: number;
  readonly notes: CursorNotes;
}

export interface SavedSource {
  readonly name: string;
  readonly time: number;
  /** Absent when damaged. */
  readonly set: SeriesSet | undefined;
}

/** `synced` waits for the drive; `written` survives the process, not the power. */
export type Durability = "synced" | "written";

export interface Store extends Disposable {
  readonly database: DatabaseSync;
  readonly rows: RowReader["rows"];
  /** Oldest first. */
  readonly segments: readonly Segment[];
  cursors(): readonly SavedCursor[];
  /** Cursors whose checksum is wrong, until cursors are written again. */
  damagedCursors(): number;
  sources(): readonly SavedSource[];
  /** One transaction: snapshots from the front, at most one segment's worth, and all cursors if given. Returns how many it took. */
  write(
    snapshots: readonly StoredSnapshot[],
    cursors: readonly SavedCursor[] | undefined,
    durability: Durability,
  ): number;
  deleteSegment(segment: Segment): void;
  samplesIn(range: SeqRange): number;
  /** Corrects the numbers of samples that rows say they hold. */
  recount(snapshots: readonly StoredSnapshot[]): void;
  hasForgetRequests(): boolean;
  /** Sinks that `journal forget` asks to be forgotten; the requests are removed. */
  forgetRequests(): readonly string[];
  timeOf(seq: number): number | undefined;
  /** Sizes of the newest rows of the range, newest first. */
  newest(range: SeqRange, limit: number): readonly { readonly seq: number; readonly samples: number }[];
  /** Of the database and its log. */
  bytes(): number;
  /** Gives free pages and the log back to the volume. */
  shrink(): void;
}

/** Snapshots a transaction may hold, so that none takes long. */
const longestWrite = 512;

export function openStore(
  database: DatabaseSync,
  lock: Disposable,
  limits: SegmentLimits,
  metricOf: MetricOf,
): Store {
  const reader = rowReader(database, metricOf);
  const writer = rowWriter(database, limits);
  const log = `${database.location() ?? ""}-wal`;
  const selectSources = database.prepare(
    "SELECT name AS name, last_time AS time, last_set AS id FROM source",
  );
  const sumSamples = database.prepare("SELECT sum(samples) AS sum FROM snapshot WHERE seq BETWEEN ? AND ?");
  const saveCount = database.prepare("UPDATE snapshot SET samples = ? WHERE seq = ?");
  const selectTime = database.prepare(`SELECT ${named("time")} FROM snapshot WHERE seq = ?`);
  const selectNewest = database.prepare(
    `SELECT ${named("seq samples")} FROM snapshot WHERE seq BETWEEN ? AND ? ORDER BY seq DESC LIMIT ?`,
  );
  const saveCursor = database.prepare(
    "INSERT INTO cursor (sink, waiting, frozen, accepted, state, crc) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const selectForgotten = database.prepare(`SELECT ${named("sink")} FROM forget_request`);
  let segments = storedSegments(database);

  /** All or nothing; whatever fails, the next rows begin chains of their own. */
  function transact<T>(durability: Durability, work: () => T): T {
    database.exec(`PRAGMA synchronous = ${durability === "synced" ? "FULL" : "NORMAL"}; BEGIN IMMEDIATE`);
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      writer.reset();
      rollBack(database);
      throw error;
    }
  }

  function saveCursors(cursors: readonly SavedCursor[]): void {
    database.exec("DELETE FROM cursor");
    for (const { sink, waiting, frozen, accepted, ...state } of cursors) {
      const texts = [waiting, frozen ?? null, accepted, state satisfies CursorText].map((value) =>
        JSON.stringify(value),
      );
      saveCursor.run(sink, ...texts, cursorChecksum(sink, ...texts));
    }
  }

  return {
    database,
    rows: reader.rows,
    get segments() {
      return segments;
    },
    cursors: () => storedCursors(database),
    damagedCursors: () => damagedCursors(database),
    sources: () =>
      selectSources.all().map((row) => ({
        name: String(row["name"]),
        time: Number(row["time"]),
        set: reader.set(Number(row["id"])),
      })),
    write(snapshots, cursors, durability) {
      const current = segments.at(-1);
      const written = transact(durability, () => {
        if (cursors !== undefined) saveCursors(cursors);
        return snapshots.length === 0 ? undefined : writer.write(snapshots.slice(0, longestWrite), current);
      });
      if (written === undefined) return 0;
      segments = [
        ...(written.segment.first === current?.first ? segments.slice(0, -1) : segments),
        written.segment,
      ];
      return written.count;
    },
    deleteSegment(segment) {
      transact("written", () => deleteSegment(database, segment));
      if (segment === segments.at(-1)) writer.reset();
      segments = segments.filter((one) => one !== segment);
    },
    samplesIn: ({ firstSeq, lastSeq }) => Number(sumSamples.get(firstSeq, lastSeq)?.["sum"] ?? 0),
    recount(snapshots) {
      transact("written", () => {
        for (const { seq, values } of snapshots) saveCount.run(values.length, seq);
      });
    },
    hasForgetRequests: () => selectForgotten.get() !== undefined,
    forgetRequests: () =>
      transact("written", () => {
        const sinks = selectForgotten.all().map((row) => String(row["sink"]));
        database.exec("DELETE FROM forget_request");
        return sinks;
      }),
    timeOf(seq) {
      const time = selectTime.get(seq)?.["time"];
      return time === undefined ? undefined : Number(time);
    },
    newest: ({ firstSeq, lastSeq }, limit) =>
      selectNewest
        .all(firstSeq, lastSeq, limit)
        .map((row) => ({ seq: Number(row["seq"]), samples: Number(row["samples"]) })),
    bytes: () => databaseBytes(database, log),
    shrink() {
      database.exec("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
    },
    [Symbol.dispose]() {
      database.close();
      lock[Symbol.dispose]();
    },
  };
}

/** Pages in the file, free ones too, and the write-ahead log. */
export function databaseBytes(database: DatabaseSync, log = `${database.location() ?? ""}-wal`): number {
  const pages = pragma(database, "page_count") * pragma(database, "page_size");
  return pages + (statSync(log, { throwIfNoEntry: false })?.size ?? 0);
}

/** @throws a fault when a segment's checksum is wrong: then nothing is known for certain about what is there. */
export function storedSegments(database: DatabaseSync): readonly Segment[] {
  return [...segmentRows(database)].map(({ crc, ...segment }) => {
    if (segmentChecksum(segment) !== crc) throw damage("unexpected checksum of a segment");
    return segment;
  });
}

function segmentRows(database: DatabaseSync): Iterable<Segment & { readonly crc: number }> {
  const columns = `${named("first last samples bytes crc")}, min_time AS minTime, max_time AS maxTime`;
  const rows = database.prepare(`SELECT ${columns} FROM segment ORDER BY first`).iterate();
  return rows as unknown as Iterable<Segment & { crc: number }>;
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

function damagedCursors(database: DatabaseSync): number {
  return cursorRows(database).length - storedCursors(database).length;
}

function cursorRows(database: DatabaseSync): readonly StoredCursor[] {
  const version = versionOf(database);
  const accepted = version < 2 ? "'[]' AS accepted" : named("accepted");
  const state = version < 3 ? "'' AS state" : named("state");
  return database
    .prepare(`SELECT ${named("sink waiting frozen crc")}, ${accepted}, ${state} FROM cursor`)
    .all() as unknown as StoredCursor[];
}

/** What the column `state` holds, as JSON; empty in a row that version 0.1 wrote. */
type CursorText = Pick<SavedCursor, "block" | "goneMs" | "notes">;

interface StoredCursor {
  readonly sink: string;
  readonly waiting: string;
  readonly frozen: string;
  readonly accepted: string;
  readonly state: string;
  readonly crc: number;
}

/** Columns that came later count where they hold something, so that a cursor from before them stays sound. */
function cursorChecksum(...texts: readonly string[]): number {
  return crc32(texts.filter((text, at) => at < 3 || (text !== "[]" && text !== "")).join(" "));
}

/** Texts with the right checksum are what `saveCursors` wrote. */
function restoredCursor({ sink, waiting, frozen, accepted, state }: StoredCursor): SavedCursor {
  const batch = JSON.parse(frozen) as FrozenBatch | null;
  return {
    sink,
    waiting: JSON.parse(waiting) as SeqSet,
    accepted: JSON.parse(accepted) as readonly string[],
    notes: {},
    ...(batch !== null && { frozen: batch }),
    ...(state !== "" && (JSON.parse(state) as CursorText)),
  };
}

function deleteSegment(database: DatabaseSync, { first, last }: Segment): void {
  database.exec(`
    DELETE FROM snapshot WHERE seq BETWEEN ${first} AND ${last};
    DELETE FROM segment WHERE first = ${first};
    DELETE FROM segment_set WHERE segment = ${first};
    DELETE FROM series_set WHERE id NOT IN (SELECT series_set FROM segment_set)
      AND id NOT IN (SELECT last_set FROM source)`);
}

/** SQLite may have rolled back by itself, and a disk that refuses a commit may refuse this too: the first error tells. */
function rollBack(database: DatabaseSync): void {
  if (!database.isTransaction) return;
  try {
    database.exec("ROLLBACK");
  } catch {
    // The connection is closed and opened anew.
  }
}
