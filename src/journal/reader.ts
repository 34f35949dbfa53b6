/**
 * Reads the journal without a cursor: the past for the page and for export, the figures of `journal stats`, and all that from another
 * process while the agent runs: read-only, and nothing is repaired.
 */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { defined } from "../runtime/defined.ts";
import { faultOf, refuseOther, type Fault } from "./database.ts";
import { setAsides } from "./files.ts";
import { rangeBefore, sizeOf, within } from "./ranges.ts";
import { named, versionOf } from "./schema.ts";
import { createRowReader, rangeOf, rowsOf, storedSegments } from "./segments.ts";
import type { ReadChains, ReadRows, Segment } from "./segments.ts";
import { createSetReader } from "./series-sets.ts";
import { sizeReader, storedCursors } from "./store.ts";
import type { HistoryQuery, JournalArchive, JournalStats, MetricOf, StoredSnapshot } from "./types.ts";

type JournalReader = JournalArchive & Disposable;

type OpenedReader =
  | { readonly status: "open"; readonly reader: JournalReader }
  /** One line in the house grammar. */
  | { readonly status: "unavailable"; readonly reason: string };

/** How long to wait for the agent to finish a checkpoint. */
const checkpointMs = 5000;

export function openJournalReader(path: string, metricOf: MetricOf): OpenedReader {
  const unavailable = (reason: string): OpenedReader => ({
    status: "unavailable",
    reason: `cannot read journal ${path}: ${reason}`,
  });
  if (!existsSync(path)) return unavailable("no such file or directory");
  let database: DatabaseSync | undefined;
  try {
    database = openReadOnly(path);
    refuseOther(database);
    return { status: "open", reader: createReader(database, path, metricOf) };
  } catch (error) {
    database?.close();
    return unavailable(faultOf(error).reason);
  }
}

/** Asks the agent to forget a sink, by a row that it reads at its next commit. Says why it can't. */
export function requestForget(path: string, sink: string): string | undefined {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: checkpointMs });
    database.prepare("INSERT OR IGNORE INTO forget_request VALUES (?)").run(sink);
    return undefined;
  } catch (error) {
    return `cannot write journal ${path}: ${faultOf(error).reason}`;
  } finally {
    database?.close();
  }
}

/**
 * A database in WAL mode that no process has open needs a log file created, which a reader without write permission can't; without
 * a log and without a writer nothing changes under the reader, so it may be called immutable.
 */
function openReadOnly(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: checkpointMs });
  try {
    versionOf(database);
    return database;
  } catch (error) {
    database.close();
    if (existsSync(`${path}-wal`)) throw error;
    const url = pathToFileURL(path);
    url.searchParams.set("immutable", "1");
    return new DatabaseSync(url, { readOnly: true });
  }
}

function createReader(database: DatabaseSync, path: string, metricOf: MetricOf): JournalReader {
  const rows = createRowReader(database, createSetReader(database, metricOf));
  return {
    history: (query) => selected(storedHistory({ segments: segmentsOf(database), rows }, query), query),
    stats: () => statsOf(database, path),
    [Symbol.dispose]: () => database.close(),
  };
}

/** Where the list of segments is damaged, all rows as one. */
function segmentsOf(database: DatabaseSync): readonly Segment[] {
  try {
    return storedSegments(database);
  } catch (error) {
    if (faultOf(error).kind !== "damaged") throw error;
    const range = database.prepare("SELECT min(seq) AS first, max(seq) AS last FROM snapshot").get();
    const [first, last] = [Number(range?.["first"] ?? 0), Number(range?.["last"] ?? -1)];
    return [{ first, last, minTime: -Infinity, maxTime: Infinity, samples: 0, bytes: 0 }];
  }
}

/** Rows stored for each point asked for, over all sources, from which on key rows are dense enough. */
const sparse = 120;

/**
 * Snapshots on disk that the query asks for, oldest first; of a segment that meets one of the faults to `skip` what stands before it. Where
 * far more are stored than asked for, only key rows are decoded, which stand at most 60 rows and a quarter of an hour apart.
 */
export function* storedHistory(
  { segments, rows }: { readonly segments: readonly Segment[]; readonly rows: ReadRows },
  { fromMs, toMs, maxPoints = Infinity, aboutPoints = maxPoints, source }: HistoryQuery,
  skip: readonly Fault["kind"][] = ["damaged"],
): Generator<StoredSnapshot> {
  const wanted = segments.filter(({ minTime, maxTime }) => maxTime >= fromMs && minTime <= toMs);
  const keysOnly = wanted.reduce((sum, segment) => sum + rowsOf(segment), 0) > sparse * aboutPoints;
  const chains: ReadChains = new Map();
  for (const segment of wanted)
    try {
      for (const row of rows(rangeOf(segment), chains, { keysOnly })) {
        if (source?.(row.source() ?? "") === false) continue;
        const snapshot = row.decode();
        if (snapshot !== undefined) yield snapshot;
      }
    } catch (error) {
      if (!skip.includes(faultOf(error).kind)) throw error;
    }
}

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
    // The end of a source is no point among others.
    if (steps.get(snapshot.source) === step && snapshot.set.series.length > 0) continue;
    steps.set(snapshot.source, step);
    yield snapshot;
  }
}

function matches(snapshot: StoredSnapshot, { fromMs, toMs, series, source }: HistoryQuery): boolean {
  const { time, set } = snapshot;
  if (time < fromMs || time > toMs || source?.(snapshot.source) === false) return false;
  return series === undefined || set.series.some(({ name }) => series(name));
}

function statsOf(database: DatabaseSync, path: string): JournalStats {
  const segments = storedSegments(database);
  const stored = rangeBefore((segments.at(-1)?.last ?? 0) + 1);
  const sources = database.prepare(`SELECT ${named("name last_time")} FROM source ORDER BY name`).all();
  const sets = database.prepare("SELECT count(*) AS count FROM series_set").get();
  return {
    path,
    bytes: sizeReader(database)(),
    ...sumsOf(segments),
    seriesSets: Number(sets?.["count"]),
    sources: sources.map((row) => ({ name: String(row["name"]), lastTimeMs: Number(row["last_time"]) })),
    sinks: storedCursors(database).map(({ sink, waiting, block, goneMs }) => {
      const ranges = within(waiting, stored);
      return defined({ sink, waiting: sizeOf(ranges), ranges, address: block?.address, goneMs });
    }),
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
