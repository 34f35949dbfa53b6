/** Reads the journal without a cursor: the past for the page and for export, and the figures of `journal stats`. */
import type { DatabaseSync } from "node:sqlite";
import { setAsides } from "./damage.ts";
import { sizeOf, within } from "./ranges.ts";
import type { ReadPositions, RowReader } from "./row-reader.ts";
import { named } from "./schema.ts";
import { rowsOf, type Segment } from "./segments.ts";
import { databaseBytes, storedCursors, storedSegments, type SavedCursor } from "./store.ts";
import type { HistoryQuery, JournalStats, StoredSnapshot } from "./types.ts";

interface Past {
  readonly segments: readonly Segment[];
  readonly rows: RowReader["rows"];
}

/**
 * Snapshots on disk that the query asks for, oldest first. Where far more are stored than asked for, only key rows are decoded, which
 * stand at most 60 rows and a quarter of an hour apart.
 */
export function* storedHistory(past: Past, query: HistoryQuery): Generator<StoredSnapshot> {
  const segments = past.segments.filter(
    ({ minTime, maxTime }) => maxTime >= query.fromMs && minTime <= query.toMs,
  );
  const rows = segments.reduce((sum, segment) => sum + rowsOf(segment), 0);
  const keysOnly = query.maxPoints !== undefined && rows > sparse * query.maxPoints;
  const positions: ReadPositions = new Map();
  for (const { first, last } of segments)
    for (const row of past.rows({ firstSeq: first, lastSeq: last }, positions, { keysOnly })) {
      const snapshot = row.decode();
      if (snapshot !== undefined) yield snapshot;
    }
}

/** Rows stored for each point asked for, over all sources, from which on key rows are dense enough. */
const sparse = 120;

/** Keeps what the query asks for, and of each source at most one snapshot a step. */
export function* selected(
  snapshots: Iterable<StoredSnapshot>,
  query: HistoryQuery,
): Generator<StoredSnapshot> {
  const { fromMs, toMs, maxPoints } = query;
  const steps = new Map<string, number>();
  for (const snapshot of snapshots) {
    if (!matches(snapshot, query)) continue;
    const step =
      maxPoints === undefined
        ? NaN
        : Math.floor(((snapshot.time - fromMs) * maxPoints) / (toMs - fromMs + 1));
    if (steps.get(snapshot.source) === step) continue;
    steps.set(snapshot.source, step);
    yield snapshot;
  }
}

function matches({ time, source, set }: StoredSnapshot, query: HistoryQuery): boolean {
  const { fromMs, toMs, series } = query;
  if (time < fromMs || time > toMs || (query.source !== undefined && query.source !== source)) return false;
  return series === undefined || set.series.some(({ name }) => series(name));
}

export function statsOf(database: DatabaseSync, path: string): JournalStats {
  const segments = storedSegments(database);
  const last = segments.at(-1)?.last ?? 0;
  const sources = database.prepare(`SELECT ${named("name last_time")} FROM source ORDER BY name`).all();
  return {
    ...sumsOf(segments),
    path,
    bytes: databaseBytes(database),
    seriesSets: count(database, "series_set"),
    sources: sources.map((row) => ({ name: String(row["name"]), lastTimeMs: Number(row["last_time"]) })),
    sinks: storedCursors(database).map((cursor) => waitingStats(cursor, last)),
    setAside: setAsides(path),
  };
}

function sumsOf(
  segments: readonly Segment[],
): Pick<JournalStats, "snapshots" | "samples" | "oldestTimeMs" | "newestTimeMs"> {
  const snapshots = segments.reduce((sum, segment) => sum + rowsOf(segment), 0);
  const samples = segments.reduce((sum, segment) => sum + segment.samples, 0);
  if (segments.length === 0) return { snapshots, samples };
  const oldestTimeMs = segments.reduce((least, { minTime }) => Math.min(least, minTime), Infinity);
  const newestTimeMs = segments.reduce((most, { maxTime }) => Math.max(most, maxTime), -Infinity);
  return { snapshots, samples, oldestTimeMs, newestTimeMs };
}

function waitingStats(
  { sink, waiting, block, goneMs }: SavedCursor,
  last: number,
): JournalStats["sinks"][number] {
  const ranges = within(waiting, { firstSeq: 0, lastSeq: last });
  return {
    sink,
    waiting: sizeOf(ranges),
    ranges,
    ...(block !== undefined && { address: block.address }),
    ...(goneMs !== undefined && { goneMs }),
  };
}

function count(database: DatabaseSync, table: "series_set"): number {
  return Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.["count"]);
}
