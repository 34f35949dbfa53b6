/** A journal whose files were damaged anywhere opens, gives back nothing false, and takes what comes. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";
import fc from "../support/property.ts";
import { openJournalReader } from "../../src/journal/reader.ts";
import type { Journal } from "../../src/journal/types.ts";
import { bench, drain, essence, metricOf, numbered, snapshot, type Bench } from "../journal/fixtures.ts";
import { fuzz } from "./fuzzing.ts";
import { damage } from "./mutation.ts";

const start = Date.UTC(2026, 0, 1);

interface Files {
  readonly database: Buffer;
  readonly log: Buffer;
}

/** A journal as a killed agent leaves it: some rows in the database, some in the write-ahead log alone. */
function leftBehind({ open, path }: Bench): Files {
  const journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  fill(journal, 1, 250);
  drain(cursor, 100);
  journal[Symbol.dispose]();
  const again = open();
  again.cursor("a", { from: "now" });
  fill(again, 251, 400);
  const files = { database: readFileSync(path), log: readFileSync(`${path}-wal`) };
  again[Symbol.dispose]();
  return files;
}

function fill(journal: Journal, first: number, last: number): void {
  for (let seq = first; seq <= last; seq++) {
    journal.append(numbered(seq));
    if (seq % 25 === 0) journal.commit();
  }
}

function place({ path }: Bench, { database, log }: Files): void {
  for (const name of readdirSync(dirname(path))) rmSync(join(dirname(path), name), { recursive: true });
  writeFileSync(path, database);
  writeFileSync(`${path}-wal`, log);
}

/** Words of SQLite's format and of our own statements. */
const words = [
  ...["SQLite format 3\0", "CREATE TABLE ", "snapshot", "powermetrics", "[]", "WAL"],
  ...["\x0d\0\0\0", "\xff".repeat(9), "\0".repeat(64), "\x37\x7f\x06\x82"],
];
const edits = damage(words);
const same = fc.constant((bytes: Buffer): Buffer => bytes);

fuzz("with database or log damaged anywhere it opens, reads nothing false, and works", {
  inputs: fc.oneof(fc.tuple(edits, same), fc.tuple(same, edits), fc.tuple(edits, edits)),
  costs: 2,
  prepare(context) {
    const at = bench(context);
    const files = leftBehind(at);
    place(at, files);
    assertWorks(at, { whole: 400 });
    return ([edit, editLog]) => {
      place(at, { database: edit(files.database), log: editLog(files.log) });
      assertReads(at);
      assertWorks(at);
    };
  },
});

/** What a checksum must notice, since SQLite does not: other bytes or numbers where rows, their sets and their sources are. */
type Change = (database: DatabaseSync) => void;

function changed(
  table: string,
  id: string,
  column: string,
  to: (was: SQLOutputValue) => SQLInputValue,
): Arbitrary {
  return fc.nat().map((which) => (database) => {
    const rows = database.prepare(`SELECT ${id} AS id, ${column} AS was FROM ${table} ORDER BY ${id}`).all();
    const row = rows[which % rows.length];
    if (row === undefined) return;
    const update = database.prepare(`UPDATE OR IGNORE ${table} SET ${column} = ? WHERE ${id} = ?`);
    update.run(to(row["was"] ?? null), row["id"] ?? null);
  });
}
type Arbitrary = fc.Arbitrary<Change>;

const bytesChanged = (table: string, id: string, column: string): Arbitrary =>
  damage(["\0", "\x01", "\xff"]).chain((edit) =>
    changed(table, id, column, (was) => (was instanceof Uint8Array ? edit(Buffer.from(was)) : "")),
  );
const numberChanged = (column: string): Arbitrary =>
  fc
    .integer({ min: -3, max: 3 })
    .chain((by) => changed("snapshot", "seq", column, (was) => Number(was) + by));

const change: Arbitrary = fc.oneof(
  { weight: 6, arbitrary: bytesChanged("snapshot", "seq", "row") },
  { weight: 3, arbitrary: bytesChanged("series_set", "id", "content") },
  ...["time", "series", "chain", "depth", "ended", "source"].map(numberChanged),
  changed("series_set", "id", "key", (was) => `${String(was)}x`),
  changed("source", "id", "name", () => "pmset"),
);

fuzz("a row that was changed under its checksum, or whose set or source was, is left out and counted", {
  inputs: fc.array(change, { minLength: 1, maxLength: 4 }),
  costs: 2,
  prepare(context) {
    const at = bench(context);
    const files = leftBehind(at);
    return (changes) => {
      place(at, files);
      const database = new DatabaseSync(at.path);
      for (const apply of changes) apply(database);
      database.close();
      assertReads(at);
      assertWorks(at, { counted: 400 });
    };
  },
});

/** A reader changes nothing: what it meets, the agent will meet. */
function assertReads({ path }: Bench): void {
  const opened = openJournalReader(path, metricOf);
  if (opened.status === "unavailable") {
    assert.match(opened.reason, /^cannot read journal [^\n]+$/);
    return;
  }
  using reader = opened.reader;
  attempt(() => [...reader.history({ fromMs: 0, toMs: Infinity })].forEach(assertTrue));
  attempt(() => reader.stats());
}

/** A reader has no database to begin anew with: SQLite's own complaint is the user's answer. */
function attempt(act: () => unknown): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Error && "errcode" in error)) throw error;
  }
}

function assertTrue(one: Parameters<typeof essence>[0]): void {
  assert.deepEqual(essence(one), essence(numbered((one.time - start) / 1000)));
}

interface Expected {
  /** So many snapshots must be read. */
  readonly whole?: number;
  /** So many must be read or counted as lost. */
  readonly counted?: number;
}

/** Without expectations damage may have taken any. */
function assertWorks({ open }: Bench, { whole, counted }: Expected = {}): void {
  const journal = open();
  const cursor = journal.cursor("b", { from: "oldest" });
  const read = drain(cursor, 50);
  read.forEach(assertTrue);
  if (whole !== undefined) assert.equal(read.length, whole);
  journal.cursor("a", { from: "now" });
  const fresh = snapshot(start + 86_400_000);
  assert.equal(journal.append(fresh), "appended");
  assert.equal(journal.commit(), true);
  assert.deepEqual(drain(cursor).map(essence), [essence(fresh)]);
  const { waiting, dropped } = journal.state().cursors.find(({ sink }) => sink === "b") ?? {};
  assert.equal(waiting, 0);
  const losses = Object.values(dropped ?? {});
  for (const { snapshots, samples } of losses) assert.ok(snapshots >= 0 && samples >= 0);
  const lost = losses.reduce((sum, { snapshots }) => sum + snapshots, 0);
  if (counted !== undefined) assert.equal(read.length + lost, counted);
  journal[Symbol.dispose]();
}
