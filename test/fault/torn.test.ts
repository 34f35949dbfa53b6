/** The last write of a journal, torn or spoilt anywhere: it is there as a whole or not at all, and everything before it is. */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import test from "node:test";
import { openJournal } from "../../src/journal/journal.ts";
import { basicOptions, bench, essence, numbered, unlimited, type Bench } from "../journal/fixtures.ts";

/** Every byte takes half a minute a test: FAULT_EVERY_BYTE=1. Otherwise the ends of pages and frames, and some between. */
const everyByte = process.env["FAULT_EVERY_BYTE"] === "1";
const where = everyByte ? "at every byte" : "around every border";
const frameBytes = 4096 + 24;
const logHeader = 32;

const [first, last] = [40, 46] as const;

interface Torn {
  readonly at: Bench;
  readonly path: string;
  /** The log's bytes before the last write, and all of them. */
  readonly before: number;
  readonly log: Buffer;
}

/** The files of a living journal, whose last write was snapshots 41 to 46. */
function lastWrite(at: Bench): Torn {
  const journal = at.open();
  journal.cursor("a", { from: "now" });
  const write = (from: number, to: number): number => {
    for (let seq = from; seq <= to; seq++) assert.equal(journal.append(numbered(seq)), "appended");
    assert.equal(journal.commit(), true);
    return readFileSync(`${at.path}-wal`).length;
  };
  write(1, 20);
  const before = write(21, first);
  write(first + 1, last);
  const path = join(dirname(at.path), "torn.db");
  return { at, path, before, log: readFileSync(`${at.path}-wal`) };
}

/** What waits for the sink after a start on these files; the bench would keep each of the thousands of journals to the end. */
function recovered({ at, path }: Torn, log: Uint8Array): number {
  copyFileSync(at.path, path);
  writeFileSync(`${path}-wal`, log);
  rmSync(`${path}-shm`, { force: true });
  using journal = openJournal(basicOptions(path, at.clock));
  assert.equal(journal.state().setAside, 0);
  const cursor = journal.cursor("a", { from: "now" });
  const read = cursor.ranges().flatMap((range) => cursor.read(range, unlimited));
  assert.deepEqual(
    read.map(essence),
    read.map((_, index) => essence(numbered(index + 1))),
  );
  assert.deepEqual(journal.state().dropped, {});
  return read.length;
}

function places(from: number, to: number): readonly number[] {
  const all = Array.from({ length: to - from }, (_, index) => from + index);
  if (everyByte) return all;
  return all.filter((at) => {
    const within = (at - logHeader) % frameBytes;
    return within % 512 === 0 || within < 26 || within > frameBytes - 3;
  });
}

test(`the last write cut off ${where}: all of it is there or none, and everything before it`, (context) => {
  const torn = lastWrite(bench(context));
  assert.ok(torn.log.length > torn.before);
  assert.equal(recovered(torn, torn.log), last);
  for (const at of places(torn.before, torn.log.length))
    assert.equal(recovered(torn, torn.log.subarray(0, at)), first, `cut off at ${at}`);
});

test(`a bit of the last write flipped ${where}: none of it is there, and everything before it`, (context) => {
  const torn = lastWrite(bench(context));
  for (const at of places(torn.before, torn.log.length)) {
    const spoilt = Buffer.from(torn.log);
    spoilt[at] = (spoilt[at] ?? 0) ^ (1 << (at % 8));
    assert.equal(recovered(torn, spoilt), first, `flipped at ${at}`);
  }
});
