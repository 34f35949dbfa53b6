/** The journal in foul weather: a disk that is full, read-only, too small, or gone, and what that costs. */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import assert from "node:assert/strict";
import { bytesOf } from "../../src/journal/files.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { Cursor, Journal } from "../../src/journal/types.ts";
import { fakeClock } from "../support/fake-clock.ts";
import {
  assertAccounted,
  basicOptions,
  bench,
  day,
  drain,
  essence,
  faultyDisk,
  partsOf,
  snapshot,
  systemError,
} from "./fixtures.ts";
import { smallVolume } from "../support/small-volume.ts";

const start = Date.UTC(2026, 0, 1);

const errors: readonly (readonly [string, number])[] = [
  ["ENOSPC", -28],
  ["EROFS", -30],
  ["EIO", -5],
];

for (const [code, errno] of errors)
  test(`with ${code} live snapshots go on from memory, and all is committed when it ends`, async (context) => {
    const { open, clock } = bench(context);
    const disk = faultyDisk();
    const journal = open({ disk });
    const cursor = journal.cursor("a", { from: "now" });
    journal.append(snapshot(start));
    await clock.advance(10_000);
    disk.fault = systemError(code, errno);
    const taken = [1, 2, 3, 4].map((index) => snapshot(start + index * 1000));
    for (const one of taken) journal.append(one);
    assert.equal(journal.commit(), false);
    assert.equal(journal.state().durable, false);
    assert.ok(journal.state().reason);
    assert.equal(journal.state().staged, 4);
    assert.deepEqual(drain(cursor).slice(1).map(essence), taken.map(essence));
    cursor.freeze({ firstSeq: 5, lastSeq: 5, protocol: "v1" });
    disk.fault = undefined;
    await clock.advance(120_000);
    assert.equal(journal.state().durable, true);
    assert.equal(journal.state().staged, 0);
    assert.equal([...journal.history({ fromMs: 0, toMs: Infinity })].length, 5);
    journal[Symbol.dispose]();
    assert.equal(open().cursor("a", { from: "oldest" }).backlog().snapshots, 0);
  });

test("what memory can't hold is lost oldest first and counted per sink", async (context) => {
  const { open, clock } = bench(context);
  const disk = faultyDisk();
  const journal = open({ disk, memoryBytes: 288 * 100 });
  const cursor = journal.cursor("a", { from: "now" });
  disk.fault = systemError("ENOSPC", -28);
  for (let index = 0; index < 250; index++) journal.append(snapshot(start + index * 1000));
  await clock.advance(10_000);
  assert.equal(journal.state().dropped["memory"], 150);
  assert.deepEqual(cursor.ranges(), [{ firstSeq: 151, lastSeq: 250 }]);
  assertAccounted(journal.state().cursors[0], 250, 4);
  disk.fault = undefined;
  await clock.advance(120_000);
  journal[Symbol.dispose]();
  assert.equal(drain(open().cursor("a", { from: "now" })).length, 100);
});

test("a path that can't be opened means memory, and the cursor of an earlier run is found when it can", async (context) => {
  const { path, open, clock } = bench(context);
  const first = open();
  first.cursor("a", { from: "now" });
  for (let index = 0; index < 5; index++) first.append(snapshot(start + index * 1000));
  first[Symbol.dispose]();
  execFileSync("mv", [path, `${path}.away`]);
  mkdirSync(path);
  const journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  assert.equal(journal.state().durable, false);
  journal.append(snapshot(start + 5000));
  assert.equal(cursor.backlog().snapshots, 1);
  rmSync(path, { recursive: true });
  execFileSync("mv", [`${path}.away`, path]);
  await clock.advance(120_000);
  assert.equal(journal.state().durable, true);
  assert.equal(cursor.backlog().snapshots, 6);
  assert.equal(journal.append(snapshot(start + 6000)), "appended");
  assert.deepEqual(
    drain(cursor).map(({ time }) => time - start),
    [0, 1000, 2000, 3000, 4000, 5000, 6000],
  );
});

test("two agents do not write to one journal", (context) => {
  const { open } = bench(context);
  const one = open();
  const other = open();
  assert.equal(one.state().durable, true);
  assert.match(other.state().reason ?? "", /another process/);
  one[Symbol.dispose]();
  assert.equal(other.commit(), true);
});

/** Appends until `count`, committing as the interval would. */
async function fill(
  journal: Journal,
  count: number,
  advance: (ms: number) => Promise<void>,
  each?: (index: number) => void,
): Promise<void> {
  for (let index = 0; index < count; index++) {
    journal.append(snapshot(start + index * 1000, { parts: partsOf(150) }));
    each?.(index);
    if (index % 20 === 19) await advance(20_000);
  }
}

test("the files stay within the size, the oldest go first, and every loss is counted exactly", async (context) => {
  const { path, open, clock } = bench(context, { maxBytes: 2 ** 20 });
  const journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  let largest = 0;
  await fill(
    journal,
    3000,
    (ms) => clock.advance(ms),
    () => {
      largest = Math.max(
        largest,
        statSync(path).size + (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0),
      );
    },
  );
  assert.ok(largest <= 2 ** 20, `${largest} bytes`);
  const [state] = journal.state().cursors;
  assertAccounted(state, 3000, 300);
  const lost = state?.dropped["max_size"]?.snapshots ?? 0;
  assert.ok(lost > 500);
  assert.equal(journal.state().dropped["max_size"], lost);
  const rest = drain(cursor, 100);
  assert.equal(rest.length, 3000 - lost);
  assert.equal(rest[0]?.seq, lost + 1);
  assertAccounted(journal.state().cursors[0], 3000, 300);
});

test("under pressure delivered snapshots go before older ones that wait", async (context) => {
  const { open, clock } = bench(context, { maxBytes: 2 ** 20 });
  const journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  await fill(
    journal,
    6000,
    (ms) => clock.advance(ms),
    (index) => {
      if (index >= 600) cursor.acknowledge({ firstSeq: index + 1, lastSeq: index + 1 });
    },
  );
  assert.equal(cursor.backlog().snapshots, 600);
  assert.deepEqual(journal.state().dropped, {});
  assert.equal(drain(cursor).length, 600);
});

test("delivered snapshots leave after the history, waiting ones after the greatest age", async (context) => {
  const { open, clock } = bench(context, { historyMs: 3_600_000, maxAgeMs: 2 * 3_600_000 });
  const journal = open();
  const prompt = journal.cursor("prompt", { from: "now" });
  await fill(journal, 1000, (ms) => clock.advance(ms));
  drain(prompt);
  await clock.advance(3_600_000);
  journal.append(snapshot(clock.now()));
  await clock.advance(10_000);
  assert.ok(journal.state().snapshots < 200);
  assert.deepEqual(journal.state().dropped, {});
  const late = journal.cursor("late", { from: "now" });
  for (let index = 1; index < 100; index++) journal.append(snapshot(clock.now() + index));
  await clock.advance(day);
  journal.append(snapshot(clock.now()));
  await clock.advance(10_000);
  assert.equal(late.backlog().snapshots, 1);
  assert.equal(journal.state().cursors[1]?.dropped["max_age"]?.snapshots, 99);
});

test("below the floor of free disk the journal gives way, then keeps to memory, then resumes", async (context) => {
  const { path, open, clock } = bench(context, { minFreeBytes: 1000 });
  const disk = faultyDisk();
  const journal = open({ disk });
  const cursor = journal.cursor("a", { from: "now" });
  await fill(journal, 500, (ms) => clock.advance(ms));
  const before = bytesOf(path);
  disk.free = 999;
  journal.append(snapshot(start + 3_000_000, { parts: partsOf(150) }));
  await clock.advance(60_000);
  assert.ok(bytesOf(path) < before / 2);
  assert.match(journal.state().reason ?? "", /less than 1000 bytes are free/);
  assert.equal(cursor.backlog().snapshots, 1);
  assert.equal(journal.state().dropped["disk_floor"], 500);
  assertAccounted(journal.state().cursors[0], 501, 300);
  disk.free = 2000;
  await clock.advance(120_000);
  assert.equal(journal.state().durable, true);
  assert.equal(journal.state().staged, 0);
});

test("a volume that is really full costs nothing but durability, and is used again", async (context) => {
  const volume = smallVolume("512k");
  if (volume instanceof Error) {
    context.skip(volume.message);
    return;
  }
  const { folder } = volume;
  const clock = fakeClock();
  const journal = openJournal(basicOptions(join(folder, "journal.db"), clock));
  context.after(() => {
    journal[Symbol.dispose]();
    volume.remove();
  });
  const cursor: Cursor = journal.cursor("a", { from: "now" });
  await fill(journal, 100, (ms) => clock.advance(ms));
  assert.equal(journal.state().durable, true);
  const ballast = join(folder, "ballast");
  assert.throws(() => writeFileSync(ballast, Buffer.alloc(2 ** 20)), { code: "ENOSPC" });
  for (let index = 100; index < 3000; index++)
    journal.append(snapshot(start + index * 1000, { parts: partsOf(150) }));
  await clock.advance(60_000);
  assert.equal(journal.state().durable, false);
  assert.equal(cursor.backlog().snapshots, 3000);
  rmSync(ballast);
  execFileSync("mount", ["-o", "remount,size=8m", folder]);
  await clock.advance(180_000);
  assert.equal(journal.state().durable, true);
  assert.equal(journal.state().staged, 0);
  assert.equal(drain(cursor).length, 3000);
});
