/** Databases that are set aside: an event that is counted and logged, whose rows stay readable. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { openJournalReader } from "../../src/journal/reader.ts";
import { bench, drain, essence, metricOf, numbered, statsOf, type Bench } from "./fixtures.ts";
import { recordingLogger } from "../support/log.ts";

/** A journal of 400 snapshots, four samples each, closed: `a` waits for the last 300, `b` for all. */
function written({ open }: Bench): void {
  const journal = open();
  const a = journal.cursor("a", { from: "now" });
  journal.cursor("b", { from: "now" });
  for (let seq = 1; seq <= 400; seq++) journal.append(numbered(seq));
  a.acknowledge({ firstSeq: 1, lastSeq: 100 });
  journal[Symbol.dispose]();
}

function change({ path }: Bench, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

/** What is left of a page says that it has 65,535 free bytes too many. */
function spoilPage({ path }: Bench, table: string): void {
  const database = new DatabaseSync(path);
  const row = database.prepare("SELECT max(pageno) AS page FROM dbstat WHERE name = ?").get(table);
  database.close();
  const bytes = readFileSync(path);
  bytes.writeUInt16BE(0xffff, (Number(row?.["page"]) - 1) * 4096 + 1);
  writeFileSync(path, bytes);
}

const damages: Readonly<Record<string, (at: Bench) => void>> = {
  "a page of rows": (at) => spoilPage(at, "snapshot"),
  "the page of series": (at) => spoilPage(at, "series_set"),
  "the page of segments": (at) => spoilPage(at, "segment"),
  "a segment": (at) => change(at, "UPDATE segment SET last = last + 1000000"),
  "a row's number of samples": (at) =>
    change(at, "UPDATE snapshot SET samples = 3 WHERE seq = 200; DROP TABLE source"),
  "a table that is missing": (at) => change(at, "DROP TABLE source"),
  "the header's application": (at) => change(at, "PRAGMA application_id = 7"),
};

for (const [name, damage] of Object.entries(damages))
  test(`set aside for ${name}: counted and told once, and sinks begin with what comes`, (context) => {
    const at = bench(context);
    written(at);
    damage(at);
    const log = recordingLogger();
    const journal = at.open({ log });
    assert.equal(journal.state().setAside, 1);
    assert.equal(journal.state().lastSetAsideMs, at.clock.now());
    assert.equal(log.lines.filter(({ fields }) => "renamed_to" in fields).length, 1);
    journal.append(numbered(500));
    for (const sink of ["a", "b"])
      assert.deepEqual(drain(journal.cursor(sink, { from: "oldest" })).map(essence), [
        essence(numbered(500)),
      ]);
    journal[Symbol.dispose]();
    assert.equal(at.open({ log }).state().setAside, 0);
  });

test("what a database that is set aside still holds is read by export", (context) => {
  const at = bench(context);
  written(at);
  spoilPage(at, "segment");
  at.open();
  const [aside] = statsOf(at.path).setAside;
  const opened = openJournalReader(aside?.path ?? "", metricOf);
  assert.ok(opened.status === "open");
  assert.equal([...opened.reader.history({ fromMs: 0, toMs: Infinity })].length, 400);
  opened.reader[Symbol.dispose]();
});

test("a database found damaged only after a while in memory: what came since is kept", async (context) => {
  const at = bench(context);
  written(at);
  spoilPage(at, "snapshot");
  const other = new DatabaseSync(`${at.path}.lock`);
  other.exec("BEGIN EXCLUSIVE");
  const journal = at.open();
  const cursor = journal.cursor("a", { from: "now" });
  for (let seq = 501; seq <= 503; seq++) journal.append(numbered(seq));
  assert.equal(journal.state().durable, false);
  other.close();
  await at.clock.advance(120_000);
  assert.equal(journal.state().durable, true);
  assert.equal(journal.state().setAside, 1);
  assert.equal(cursor.backlog().snapshots, 3);
  assert.equal(drain(cursor).length, 3);
});

test("a database whose schema has other letters in other cases is read like any other", (context) => {
  const it = bench(context);
  written(it);
  const text = readFileSync(it.path, "latin1");
  const recased = text.replaceAll(/\b[a-z_]+ (?=INTEGER|TEXT|BLOB)/g, (column) => column.toUpperCase());
  assert.notEqual(recased, text);
  writeFileSync(it.path, recased, "latin1");
  const journal = it.open();
  assert.equal(drain(journal.cursor("a", { from: "now" })).length, 300);
  assert.equal([...journal.history({ fromMs: 0, toMs: Infinity })].length, 400);
  assert.deepEqual([journal.state().setAside, statsOf(it.path).sources.length], [0, 1]);
  journal[Symbol.dispose]();
});
