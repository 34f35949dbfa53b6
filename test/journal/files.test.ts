/** Files that change under an open journal, or that do not belong together when it is opened. */
import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { watchFiles } from "../../src/journal/files.ts";
import { openJournalReader } from "../../src/journal/reader.ts";
import { createStore } from "../../src/journal/store.ts";
import type { Journal } from "../../src/journal/types.ts";
import { basicOptions, bench, drain, metricOf, numbered, statsOf, type Bench } from "./fixtures.ts";
import { openJournal } from "../../src/journal/journal.ts";
import { recordingLogger, type LogLine } from "../support/log.ts";

/** What a user, a script or a disk tool may do to the files of a running agent. */
const changes: Readonly<Record<string, (path: string) => void>> = {
  "the log is deleted": (path) => unlinkSync(`${path}-wal`),
  "the database is deleted": (path) => unlinkSync(path),
  "both are deleted": (path) => {
    unlinkSync(path);
    unlinkSync(`${path}-wal`);
  },
  "the database is replaced by an empty file": (path) => {
    unlinkSync(path);
    writeFileSync(path, "");
  },
  "the database is replaced by a directory": (path) => {
    unlinkSync(path);
    mkdirSync(path);
  },
  "the database is renamed away": (path) => renameSync(path, `${path}.mine`),
  "the log is cut off": (path) => truncateSync(`${path}-wal`, 0),
  "the log is replaced": (path) => {
    unlinkSync(`${path}-wal`);
    writeFileSync(`${path}-wal`, "something else");
  },
  "the log is replaced by a directory": (path) => {
    unlinkSync(`${path}-wal`);
    mkdirSync(`${path}-wal`);
  },
};

/** A crash: nothing is closed, another process reads what is on the disk. */
function stored(path: string): number {
  const opened = openJournalReader(path, metricOf);
  if (opened.status !== "open") return 0;
  using reader = opened.reader;
  return [...reader.history({ fromMs: 0, toMs: Infinity })].length;
}

for (const [name, change] of Object.entries(changes))
  test(`${name} while the agent runs: told, counted, and what was committed is on the disk or counted`, async (context) => {
    const lines: LogLine[] = [];
    const { open, path, clock } = bench(context, { log: recordingLogger(lines) });
    const journal = open();
    const cursor = journal.cursor("a", { from: "now" });
    for (let seq = 1; seq <= 60; seq++) {
      journal.append(numbered(seq));
      if (seq % 6 === 0) journal.commit();
    }
    change(path);
    journal.append(numbered(61));
    await clock.advance(200_000);
    assert.equal(journal.state().durable, true);
    assert.ok(journal.state().setAside >= 1);
    assert.ok(
      lines.some(({ level, message }) => level === "error" && message.includes("changed while in use")),
    );
    const lost = journal.state().cursors[0]?.dropped["corrupt"]?.snapshots ?? 0;
    assert.equal(stored(path) + lost, 61);
    if (name !== "the log is cut off") assert.equal(lost, 0, "what is open is written anew");
    assert.equal(drain(cursor).length + lost, 61);
  });

for (const [name, change] of Object.entries({
  deleted: (log: string) => unlinkSync(log),
  replaced: (log: string) => {
    renameSync(log, `${log}.mine`);
    writeFileSync(log, "something else, and longer than the log was before");
  },
}))
  test(`a log that is ${name} during a write is noticed before the next one`, (context) => {
    const { open, path } = bench(context);
    const journal = open();
    journal.append(numbered(1));
    journal.commit();
    const files = watchFiles(path);
    change(`${path}-wal`);
    files.written();
    assert.match(files.change()?.reason ?? "", /^the log (is gone|was replaced)$/);
  });

test("where a database can't be saved, what is still in memory is written again, and the rest is counted", async (context) => {
  const { open, path, clock } = bench(context);
  const before = open();
  before.cursor("a", { from: "now" });
  for (let seq = 1; seq <= 20; seq++) before.append(numbered(seq));
  before[Symbol.dispose]();
  const journal = open();
  for (let seq = 21; seq <= 25; seq++) journal.append(numbered(seq));
  journal.commit();
  mkdirSync(`${path}.copy`);
  truncateSync(path, 1024);
  journal.append(numbered(26));
  await clock.advance(20_000);
  assert.equal(journal.state().durable, true);
  const lost = journal.state().cursors[0]?.dropped["corrupt"]?.snapshots;
  assert.deepEqual([lost, stored(path)], [20, 6]);
  journal[Symbol.dispose]();
  assert.equal(open().state().cursors[0]?.waiting, 6);
});

function emptied({ open, path }: Bench): Journal {
  const journal = open();
  journal.cursor("a", { from: "now" });
  for (let seq = 1; seq <= 60; seq++) journal.append(numbered(seq));
  journal.commit();
  // As after a crash: files without their process.
  for (const end of ["", "-wal"]) writeFileSync(`${path}.crashed${end}`, readFileSync(path + end));
  return journal;
}

for (const [name, bytes] of [
  ["an empty database", Buffer.alloc(0)],
  ["another file", Buffer.from("something else entirely ".repeat(40))],
] as const)
  test(`${name} beside a log: both are set aside before the log is deleted, and nothing is overwritten`, (context) => {
    const at = bench(context);
    emptied(at)[Symbol.dispose]();
    writeFileSync(at.path, bytes);
    renameSync(`${at.path}.crashed-wal`, `${at.path}-wal`);
    const log = readFileSync(`${at.path}-wal`);
    const journal = at.open();
    assert.equal(journal.state().setAside, 1);
    const [aside] = statsOf(at.path).setAside;
    assert.ok(aside !== undefined);
    assert.deepEqual(readFileSync(`${aside.path}-wal`), log);
    if (bytes.length === 0) assert.equal(stored(aside.path), 60);
    else assert.deepEqual(readFileSync(aside.path), bytes);
  });

test("a lock that is gone is taken again; where another agent has it, the journal works from memory", async (context) => {
  const { open, path, clock } = bench(context);
  const journal = open();
  journal.append(numbered(1));
  unlinkSync(`${path}.lock`);
  assert.equal(journal.commit(), true);
  assert.ok(existsSync(`${path}.lock`));
  unlinkSync(`${path}.lock`);
  const other = new DatabaseSync(`${path}.lock`);
  other.exec("BEGIN EXCLUSIVE");
  journal.append(numbered(2));
  assert.equal(journal.commit(), false);
  assert.match(journal.state().reason ?? "", /another process/);
  other.close();
  await clock.advance(120_000);
  assert.deepEqual([journal.state().durable, journal.state().setAside], [true, 0]);
});

test("a second writer's rows are not damage: a database in use is never renamed", (context) => {
  const { open, path } = bench(context);
  const journal = open();
  journal.append(numbered(1));
  journal.commit();
  const other = new DatabaseSync(path);
  other.exec(
    "INSERT INTO snapshot SELECT 2, source, time, series, ended, 2, depth, samples, crc, row FROM snapshot",
  );
  journal.append(numbered(2));
  journal.commit();
  assert.equal(journal.state().setAside, 0);
  assert.match(journal.state().reason ?? "", /another process has it open/);
  other.close();
});

test("rows of a commit that seemed to fail are ours: the journal goes on from them", (context) => {
  const at = bench(context);
  const journal = at.open();
  const cursor = journal.cursor("a", { from: "now" });
  journal.append(numbered(1));
  journal.commit();
  journal.append(numbered(2));
  journal.append(numbered(3));
  const [database, lock] = [new DatabaseSync(at.path), new DatabaseSync(":memory:")];
  const other = createStore(database, lock, at.path, 2 ** 26, metricOf);
  other.write([{ ...numbered(2), seq: 2 }], undefined, "synced");
  other[Symbol.dispose]();
  journal.commit();
  assert.ok(journal.commit());
  assert.equal(drain(cursor).length, 3);
  assert.deepEqual([journal.state().setAside, statsOf(at.path).snapshots], [0, 3]);
});

test("nobody but owner and group may read the files, also those of an older journal", (context) => {
  const at = bench(context);
  const path = join(dirname(at.path), "state", "journal.db");
  openJournal(basicOptions(path, at.clock))[Symbol.dispose]();
  chmodSync(path, 0o644);
  const journal = openJournal(basicOptions(path, at.clock));
  context.after(() => journal[Symbol.dispose]());
  const mode = (file: string): number => statSync(file).mode & 0o777;
  for (const end of ["", "-wal", "-shm", ".lock"]) assert.equal(mode(path + end) & 0o137, 0, end);
  assert.equal(mode(dirname(path)) & 0o027, 0);
});
