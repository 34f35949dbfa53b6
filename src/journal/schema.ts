/** The layout of the database: the identity in its header, the tables, and the steps from one version to the next. */
import type { DatabaseSync } from "node:sqlite";

/** "MPMA", in the header of every journal, so that nobody's other database is taken for one. */
export const applicationId = 0x4d504d41;

/**
 *     segment  1 ──< snapshot      a run of snapshots that is read on its own and deleted as a whole
 *        │                            │ source, series, ended
 *        └──< segment_set >── series_set
 *
 * `snapshot.chain` is the number of the key row that the row's values build on, `depth` how many rows lie between; both stay within
 * a segment. Ids of sets and of sources are never used twice, since readers remember them: of sources the newest is kept. `ended` is the set of series that the source no longer reports since its last snapshot.
 */
const tables = `
  CREATE TABLE source (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, last_time INTEGER NOT NULL,
    last_set INTEGER NOT NULL) STRICT;
  CREATE TABLE series_set (id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, content BLOB NOT NULL,
    crc INTEGER NOT NULL) STRICT;
  CREATE TABLE segment (first INTEGER PRIMARY KEY, last INTEGER NOT NULL, min_time INTEGER NOT NULL,
    max_time INTEGER NOT NULL, samples INTEGER NOT NULL, bytes INTEGER NOT NULL, crc INTEGER NOT NULL) STRICT;
  CREATE TABLE segment_set (segment INTEGER NOT NULL, series_set INTEGER NOT NULL,
    PRIMARY KEY (segment, series_set)) STRICT, WITHOUT ROWID;
  CREATE INDEX segment_of_set ON segment_set (series_set);
  CREATE TABLE snapshot (seq INTEGER PRIMARY KEY, source INTEGER NOT NULL, time INTEGER NOT NULL,
    series INTEGER NOT NULL, ended INTEGER, chain INTEGER NOT NULL, depth INTEGER NOT NULL,
    samples INTEGER NOT NULL, crc INTEGER NOT NULL, row BLOB NOT NULL) STRICT;
  CREATE INDEX key_row ON snapshot (seq) WHERE depth = 0;
  CREATE TABLE cursor (sink TEXT PRIMARY KEY, waiting TEXT NOT NULL, frozen TEXT NOT NULL,
    crc INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;

/**
 * Version 0.2: what a sink's block looked like, so that the block is found again, and what delivery remembers of its receiver.
 * `forget_request` is written by `journal forget` in another process and read by the agent.
 */
const blocks = `
  ALTER TABLE cursor ADD COLUMN state TEXT NOT NULL DEFAULT '';
  CREATE TABLE forget_request (sink TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
`;

/** `migrations[v]` leads from version v to v + 1; a new database takes them all. Never edit one that was released. */
export const migrations: readonly string[] = [
  tables,
  "ALTER TABLE cursor ADD COLUMN accepted TEXT NOT NULL DEFAULT '[]'",
  blocks,
];

export function versionOf(database: DatabaseSync): number {
  return pragma(database, "user_version");
}

/** Each step is a transaction of its own, so that a crash between two leaves a version that exists. */
export function migrate(database: DatabaseSync, steps: readonly string[] = migrations): void {
  for (let version = versionOf(database); version < steps.length; version++)
    database.exec(`BEGIN IMMEDIATE; ${steps[version] ?? ""};
      PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version + 1}; COMMIT`);
}

/** The number that a pragma reports. */
export function pragma(database: DatabaseSync, name: string): number {
  const [value] = Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {});
  if (typeof value !== "number")
    throw new Error(`unexpected pragma ${name}: got ${typeof value}, want a number`);
  return value;
}

/** Columns under names of our own: SQLite tells them as the schema spells them, and damage may change the case of a letter there. */
export function named(columns: string): string {
  return columns
    .split(" ")
    .map((column) => `${column} AS ${column}`)
    .join(", ");
}
