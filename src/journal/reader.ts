/** Reads a journal from another process, `journal stats` while the agent runs: read-only, and nothing is repaired. */
import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { selected, statsOf, storedHistory } from "./archive.ts";
import { faultOf } from "./fault.ts";
import { rowReader, type RowReader } from "./row-reader.ts";
import { applicationId, migrations, pragma, versionOf } from "./schema.ts";
import type { Segment } from "./segments.ts";
import { storedSegments } from "./store.ts";
import type { HistoryQuery, JournalArchive, MetricOf, StoredSnapshot } from "./types.ts";

type JournalReader = JournalArchive & Disposable;

type OpenedReader =
  | { readonly status: "open"; readonly reader: JournalReader }
  /** One line in the house grammar. */
  | { readonly status: "unavailable"; readonly reason: string };

/** How long to wait for the agent to finish a checkpoint. */
const checkpointMs = 5000;

export function openJournalReader(path: string, metricOf: MetricOf): OpenedReader {
  if (!existsSync(path))
    return { status: "unavailable", reason: `cannot read journal ${path}: no such file or directory` };
  let database: DatabaseSync | undefined;
  try {
    database = openReadOnly(path, checkpointMs);
    const objection = objectionTo(database);
    if (objection === undefined) return { status: "open", reader: readerOf(database, path, metricOf) };
    database.close();
    return { status: "unavailable", reason: `cannot read journal ${path}: ${objection}` };
  } catch (error) {
    database?.close();
    return { status: "unavailable", reason: `cannot read journal ${path}: ${faultOf(error).reason}` };
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
function openReadOnly(path: string, patienceMs: number): DatabaseSync {
  const database = new DatabaseSync(path, { readOnly: true, timeout: patienceMs });
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

function objectionTo(database: DatabaseSync): string | undefined {
  const id = pragma(database, "application_id");
  if (id !== applicationId) return `unexpected application id: got ${id}, want ${applicationId}`;
  const version = versionOf(database);
  if (version < 1 || version > migrations.length)
    return `unexpected schema version: got ${version}, want at most ${migrations.length}`;
  return undefined;
}

function readerOf(database: DatabaseSync, path: string, metricOf: MetricOf): JournalReader {
  const { rows } = rowReader(database, metricOf);
  return {
    history: (query) => selected(readableHistory(segmentsOf(database), rows, query), query),
    stats: () => statsOf(database, path),
    [Symbol.dispose]: () => database.close(),
  };
}

/** Of a segment whose pages are damaged what stands before the damage. */
function* readableHistory(
  segments: readonly Segment[],
  rows: RowReader["rows"],
  query: HistoryQuery,
): Generator<StoredSnapshot> {
  for (const segment of segments)
    try {
      yield* storedHistory({ segments: [segment], rows }, query);
    } catch (error) {
      if (faultOf(error).kind !== "damaged") throw error;
    }
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
