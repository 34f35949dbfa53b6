/** Damaged, foreign and newer databases: renamed aside, logged, counted, and never in the agent's way. */
import {
  closeSync,
  copyFileSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import assert from "node:assert/strict";
import { openDatabase } from "../../src/journal/database.ts";
import { setAsides } from "../../src/journal/files.ts";
import { openJournalReader } from "../../src/journal/reader.ts";
import { migrations, versionOf } from "../../src/journal/schema.ts";
import { seededRandom } from "../support/seeded-random.ts";
import {
  bench,
  drain,
  essence,
  metricOf,
  numbered,
  partsOf,
  snapshot,
  statsOf,
  type Bench,
} from "./fixtures.ts";

const start = Date.UTC(2026, 0, 1);

/** A journal of 400 snapshots for sink `a`, closed. */
function written({ open }: Bench): void {
  const journal = open();
  journal.cursor("a", { from: "now" });
  for (let seq = 1; seq <= 400; seq++) journal.append(numbered(seq));
  journal[Symbol.dispose]();
}

function beside(path: string): readonly string[] {
  return readdirSync(dirname(path)).filter((name) => /\.(damaged|newer|foreign)-[0-9TZ]+(-\d+)?$/.test(name));
}

/** It opens, takes what is given and gives it back, whatever was on the disk before. */
function assertWorks({ open }: Bench): void {
  const journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  drain(cursor);
  const fresh = snapshot(start + 86_400_000);
  assert.equal(journal.append(fresh), "appended");
  assert.equal(journal.commit(), true);
  assert.deepEqual(drain(cursor).map(essence), [essence(fresh)]);
  journal[Symbol.dispose]();
}

test("a file that is no database is renamed aside", (context) => {
  const at = bench(context);
  writeFileSync(at.path, "this is not a database, whatever its name says".repeat(100));
  const journal = at.open();
  assert.equal(journal.state().durable, true);
  assert.equal(journal.state().setAside, 1);
  assert.match(beside(at.path)[0] ?? "", /^journal\.db\.damaged-20260101T000000000Z$/);
  assert.equal(statsOf(at.path).setAside.length, 1);
  journal[Symbol.dispose]();
  assertWorks(at);
});

test("a database of something else is renamed aside, whole", (context) => {
  const at = bench(context);
  const other = new DatabaseSync(at.path);
  other.exec("CREATE TABLE photo (name TEXT); INSERT INTO photo VALUES ('cat')");
  other.close();
  assertWorks(at);
  const [aside = ""] = beside(at.path);
  assert.match(aside, /\.foreign-/);
  const kept = new DatabaseSync(`${dirname(at.path)}/${aside}`);
  assert.equal(kept.prepare("SELECT name FROM photo").get()?.["name"], "cat");
  kept.close();
});

test("a newer agent's journal is renamed aside and kept however many damaged ones follow", (context) => {
  const at = bench(context);
  written(at);
  const database = new DatabaseSync(at.path);
  database.exec(`PRAGMA user_version = ${migrations.length + 1}`);
  database.close();
  assertWorks(at);
  for (let count = 0; count < 5; count++) {
    truncateSync(at.path, 5000);
    assertWorks(at);
  }
  assert.equal(setAsides(at.path, "newer").length, 1);
  assert.equal(setAsides(at.path, "damaged").length, 2);
});

test("an empty file is a new journal", (context) => {
  const at = bench(context);
  writeFileSync(at.path, "");
  assertWorks(at);
  assert.deepEqual(beside(at.path), []);
});

test("truncated anywhere, the journal opens and works", (context) => {
  const at = bench(context);
  written(at);
  const copy = `${at.path}.copy`;
  copyFileSync(at.path, copy);
  const { size } = statSync(copy);
  for (let part = 1; part < 16; part++) {
    copyFileSync(copy, at.path);
    truncateSync(at.path, Math.floor((size * part) / 16));
    assertWorks(at);
  }
});

test("with bits flipped anywhere nothing false is read, and the journal works", (context) => {
  const at = bench(context);
  written(at);
  const original = readFileSync(at.path);
  const random = seededRandom(3);
  for (let round = 0; round < 60; round++) {
    const damaged = Buffer.from(original);
    for (let flip = 0; flip < 1 + (round % 3); flip++) {
      const at = Math.floor(random() * damaged.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(random() * 8));
    }
    writeFileSync(at.path, damaged);
    const journal = at.open();
    const read = drain(journal.cursor("a", { from: "oldest" }), 50);
    for (const one of read) assert.deepEqual(essence(one), essence(numbered((one.time - start) / 1000)));
    journal[Symbol.dispose]();
    assertWorks(at);
  }
});

test("a row with a wrong checksum is skipped with those that build on it, once for every sink, and counted", (context) => {
  const at = bench(context);
  written(at);
  const database = new DatabaseSync(at.path);
  database.exec("UPDATE snapshot SET row = x'00' WHERE seq = 100");
  database.close();
  const journal = at.open();
  const one = journal.cursor("a", { from: "now" });
  const other = journal.cursor("b", { from: "oldest" });
  const read = drain(one);
  assert.deepEqual(
    read.map(({ seq }) => seq),
    [...range(1, 99), ...range(121, 400)],
  );
  assert.equal(drain(other).length, 379);
  assert.equal(journal.state().dropped["corrupt"], 21);
  for (const { dropped, waiting } of journal.state().cursors) {
    assert.deepEqual(dropped, { corrupt: { snapshots: 21, samples: 84 } });
    assert.equal(waiting, 0);
  }
  assert.equal([...journal.history({ fromMs: 0, toMs: Infinity })].length, 379);
});

/** Makes the third leaf of the table of snapshots the first one again, as one bit may in a tree of pages. */
function repeatLeaf(path: string): void {
  const bytes = readFileSync(path);
  const pageSize = bytes.readUInt16BE(16);
  const tableInterior = 5;
  for (let page = 0; page < bytes.length; page += pageSize) {
    if (bytes[page] !== tableInterior) continue;
    const cell = (index: number): number => page + bytes.readUInt16BE(page + 12 + 2 * index);
    bytes.copy(bytes, cell(2), cell(0), cell(0) + 4);
  }
  writeFileSync(path, bytes);
}

test("rows that stand in no order are damage, not a past without an end", (context) => {
  const at = bench(context);
  written(at);
  repeatLeaf(at.path);
  const opened = openJournalReader(at.path, metricOf);
  assert.ok(opened.status === "open");
  using reader = opened.reader;
  let count = 0;
  for (const _ of reader.history({ fromMs: 0, toMs: Infinity })) assert.ok(++count <= 400, "without an end");
  assertWorks(at);
});

test("rows whose number of samples is damaged are read, and count as what they hold", (context) => {
  const at = bench(context);
  written(at);
  const database = new DatabaseSync(at.path);
  database.exec("UPDATE snapshot SET samples = 68 WHERE seq IN (7, 8, 300)");
  database.close();
  const journal = at.open();
  assert.equal(drain(journal.cursor("a", { from: "now" })).length, 400);
  const [{ delivered, dropped } = assert.fail()] = journal.state().cursors;
  assert.deepEqual(delivered, { snapshots: 400, samples: 1600 });
  assert.deepEqual(dropped, {});
});

test("a damaged cursor begins anew, a damaged segment ends the database", (context) => {
  const at = bench(context);
  written(at);
  const change = (sql: string): void => {
    const database = new DatabaseSync(at.path);
    database.exec(sql);
    database.close();
  };
  change("UPDATE cursor SET waiting = '[]'");
  const anew = at.open();
  assert.equal(anew.cursor("a", { from: "oldest" }).backlog().snapshots, 400);
  anew[Symbol.dispose]();
  change("UPDATE segment SET last = last + 1000000");
  const journal = at.open();
  assert.equal(journal.state().setAside, 1);
  assert.equal(journal.state().durable, true);
  assert.equal(journal.state().snapshots, 0);
});

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

test("damage that shows while the journal runs: a new database, losses counted, memory kept", async (context) => {
  const at = bench(context, { maxBytes: 2 ** 22 });
  const journal = at.open();
  const cursor = journal.cursor("a", { from: "now" });
  for (let index = 0; index < 2000; index++)
    journal.append(snapshot(start + index * 1000, { parts: partsOf(50) }));
  journal.commit();
  const file = openSync(at.path, "r+");
  for (let page = 1; page * 4096 < statSync(at.path).size; page++)
    writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, page * 4096);
  closeSync(file);
  const wal = openSync(`${at.path}-wal`, "w");
  closeSync(wal);
  drain(cursor);
  await at.clock.advance(60_000);
  journal.append(snapshot(start + 3_000_000, { parts: partsOf(50) }));
  assert.equal(journal.commit(), true);
  const state = journal.state();
  assert.equal(state.setAside, 1);
  drain(cursor);
  const [account] = journal.state().cursors;
  const { delivered, dropped } = account ?? {};
  assert.equal((delivered?.snapshots ?? 0) + (dropped?.["corrupt"]?.snapshots ?? 0), 2001);
  assert.equal((delivered?.samples ?? 0) + (dropped?.["corrupt"]?.samples ?? 0), 200_100);
  assert.ok((delivered?.snapshots ?? 0) > 100);
});

test("an older schema is brought up to date step by step, and what it held stays", (context) => {
  const { path } = bench(context);
  const steps = [
    "CREATE TABLE note (text TEXT); INSERT INTO note VALUES ('kept')",
    "ALTER TABLE note ADD COLUMN size INTEGER",
    "UPDATE note SET size = length(text)",
  ];
  for (const count of [1, 3, 3]) {
    const { database, lock } = openDatabase(path, 64, steps.slice(0, count));
    assert.equal(versionOf(database), count);
    if (count === 3)
      assert.deepEqual({ ...database.prepare("SELECT * FROM note").get() }, { text: "kept", size: 4 });
    database.close();
    lock.close();
  }
  assert.throws(() => openDatabase(path, 64, steps.slice(0, 2)), {
    message: "unexpected schema version: got 3, want at most 2",
  });
});
