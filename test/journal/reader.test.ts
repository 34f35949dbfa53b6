/** Reading without a cursor: the past for the page, and the journal from another process. */
import { closeSync, openSync, statSync, writeFileSync, writeSync } from "node:fs";
import { basename } from "node:path";
import { StatementSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import assert from "node:assert/strict";
import { setAsides } from "../../src/journal/files.ts";
import { openJournalReader } from "../../src/journal/reader.ts";
import type { Journal } from "../../src/journal/types.ts";
import { bench, essence, metricOf, numbered, partsOf, snapshot } from "./fixtures.ts";

const start = Date.UTC(2026, 0, 1);

/** Some segments of 2000 snapshots in all, a second apart, opened anew so that all of them are on disk. */
function reopened(context: TestContext): { readonly path: string; readonly journal: Journal } {
  const { path, open } = bench(context);
  const before = open();
  for (let index = 0; index < 2000; index++)
    before.append(snapshot(start + index * 1000, { parts: partsOf(50) }));
  before[Symbol.dispose]();
  return { path, journal: open() };
}

test("the agent's own history leaves out what a damaged page held, and nothing is set aside for it", (context) => {
  const { path, journal } = reopened(context);
  const file = openSync(path, "r+");
  const pages = statSync(path).size / 4096;
  for (let page = Math.floor(pages / 2); page < pages / 2 + 10; page++)
    writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, page * 4096);
  closeSync(file);
  const read = [...journal.history({ fromMs: 0, toMs: Infinity })];
  assert.ok(read.length > 500 && read.length < 2000, `${read.length}`);
  assert.equal(read.at(-1)?.time, start + 1_999_000);
  const { setAside, durable } = journal.state();
  assert.deepEqual([setAside, durable], [0, true]);
});

test("where the disk can't read a segment the agent's own history goes on behind it, and writing is not held up", (context) => {
  const { path, journal } = reopened(context);
  const past = { fromMs: 0, toMs: Infinity };
  failReading(context, 1000);
  const read = [...journal.history(past)];
  assert.ok(read.length > 500 && read.length < 2000, `${read.length}`);
  assert.deepEqual([read[0]?.time, read.at(-1)?.time], [start, start + 1_999_000]);
  assert.equal(journal.state().durable, true);
  journal.append(snapshot(start + 2_000_000));
  assert.equal(journal.commit(), true);

  const opened = openJournalReader(path, metricOf);
  assert.ok(opened.status === "open");
  using reader = opened.reader;
  assert.throws(() => [...reader.history(past)], /disk I\/O error/, "an export says so");
});

type ReadAll = (this: StatementSync, ...values: number[]) => ReturnType<StatementSync["all"]>;

/** Reading any range of snapshots that the one of this number is in is an I/O error. */
function failReading(context: TestContext, seq: number): void {
  const all = Reflect.get(StatementSync.prototype, "all") as ReadAll;
  const failing: ReadAll = function (...values) {
    const [first = 0, last = 0] = values;
    if (this.sourceSQL.includes("FROM snapshot WHERE seq BETWEEN") && first <= seq && last >= seq)
      throw Object.assign(new Error("disk I/O error"), { code: "ERR_SQLITE_ERROR", errcode: 10 });
    return all.apply(this, values);
  };
  context.mock.method(StatementSync.prototype, "all", failing);
}

test("another process reads while the agent writes, and changes nothing", (context) => {
  const { path, open } = bench(context);
  const journal = open();
  journal.cursor("a", { from: "now" });
  for (let seq = 1; seq <= 100; seq++) journal.append(numbered(seq));
  journal.commit();
  const opened = openJournalReader(path, metricOf);
  assert.equal(opened.status, "open");
  const { snapshots, samples, sinks } = opened.reader.stats();
  assert.deepEqual([snapshots, samples, sinks.map(({ waiting }) => waiting)], [100, 400, [100]]);
  const past = opened.reader.history({ fromMs: 0, toMs: Infinity });
  const first = past.next();
  assert.ok(first.done !== true);
  assert.deepEqual(essence(first.value), essence(numbered(1)));
  journal.append(numbered(101));
  assert.equal(journal.commit(), true);
  assert.equal([...past].length, 99);
  assert.equal(opened.reader.stats().snapshots, 101);
  opened.reader[Symbol.dispose]();
  journal[Symbol.dispose]();
  const closed = openJournalReader(path, metricOf);
  assert.equal(closed.status === "open" && closed.reader.stats().snapshots, 101);
});

test("a reader says why there is nothing to read", (context) => {
  const { path } = bench(context);
  const reasonOf = (): string => {
    const opened = openJournalReader(path, metricOf);
    return opened.status === "unavailable" ? opened.reason.replace(path, "F") : opened.status;
  };
  assert.equal(reasonOf(), "cannot read journal F: no such file or directory");
  writeFileSync(path, "no database at all ".repeat(60));
  assert.equal(reasonOf(), "cannot read journal F: file is not a database");
  assert.equal(basename(path), "journal.db");
  assert.deepEqual(setAsides(path), []);
});
