/** When the journal writes: batches that are frozen are its commits, and the timer's are what nobody sends. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import { damage } from "../../src/journal/database.ts";
import { bytesOf } from "../../src/journal/files.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { withTicks, type FakeClock } from "../support/fake-clock.ts";
import { assertAccounted, bench, faultyDisk, partsOf, snapshot } from "./fixtures.ts";

const start = Date.UTC(2026, 0, 1);

/** A journal that counts what it writes, by a clock made of the bench's. */
function counting(context: TestContext, clockOf: (clock: FakeClock) => Clock = (clock) => clock) {
  const { open, clock } = bench(context);
  const ticking = clockOf(clock);
  const count = { writes: 0 };
  const disk = { ...faultyDisk(), beforeWrite: () => void (count.writes += 1) };
  return { clock, ticking, count, journal: open({ clock: ticking, disk }) };
}

test("a batch that is frozen is the commit of what came before it, so that each batch costs one write", async (context) => {
  const { clock, journal, count } = counting(context);
  const cursor = journal.cursor("a", { from: "now" });
  const send = async (seq: number): Promise<void> => {
    journal.append(snapshot(start + seq * 10_000));
    await clock.advance(5000);
    const batch = { firstSeq: seq, lastSeq: seq };
    cursor.freeze({ ...batch, protocol: "v1" });
    assert.equal(journal.state().staged, 0);
    cursor.acknowledge(batch);
    await clock.advance(5000);
  };
  await send(1);
  count.writes = 0;
  for (let seq = 2; seq <= 11; seq++) await send(seq);
  assert.equal(count.writes, 10);

  // What nobody sends is committed within the interval, and what was delivered last within two.
  journal.append(snapshot(start + 200_000));
  await clock.advance(10_000);
  assert.equal(journal.state().staged, 0);
  cursor.acknowledge({ firstSeq: 12, lastSeq: 12 });
  count.writes = 0;
  await clock.advance(19_000);
  assert.equal(count.writes, 0);
  await clock.advance(1000);
  assert.equal(count.writes, 1);
});

test("at a common tick a batch is frozen before the commit that it makes needless", async (context) => {
  const { clock, ticking, journal, count } = counting(context, withTicks);
  const cursor = journal.cursor("a", { from: "now" });
  journal.append(snapshot(start));
  const batch = { firstSeq: 1, lastSeq: 1, protocol: "v1" };
  const sent = ticking.sleep(10_000, undefined, { align: "early", rank: 1 }).then(() => cursor.freeze(batch));
  count.writes = 0;
  await clock.advance(20_000);
  await sent;
  assert.equal(count.writes, 1);
});

test("of two sinks in one tick the first batch is the commit, and the second waits for no drive", async (context) => {
  const { clock, ticking, journal, count } = counting(context, withTicks);
  const cursors = ["a", "b"].map((sink) => journal.cursor(sink, { from: "now" }));
  const send = async (seq: number): Promise<void> => {
    journal.append(snapshot(start + seq * 10_000));
    const batch = { firstSeq: seq, lastSeq: seq };
    const sends = cursors.map(async (cursor) => {
      await ticking.sleep(5000, undefined, { align: "early", rank: 1 });
      cursor.freeze({ ...batch, protocol: "v1" });
      cursor.acknowledge(batch);
    });
    await clock.advance(10_000);
    await Promise.all(sends);
  };
  await send(1);
  count.writes = 0;
  for (let seq = 2; seq <= 11; seq++) await send(seq);
  assert.equal(count.writes, 20);
});

test("batches do not hold up a clean-up", async (context) => {
  const { open, clock } = bench(context);
  const before = open();
  for (let seq = 1; seq <= 600; seq++) before.append(snapshot(start + seq * 1000_000));
  before[Symbol.dispose]();
  clock.step(2e9);
  const journal = open({ historyMs: 0 });
  const cursor = journal.cursor("a", { from: "now" });
  // Nothing is deleted for its age before the clock has been trusted for ten minutes.
  await clock.advance(590_000);
  for (let seq = 601; seq <= 750; seq++) {
    journal.append(snapshot(start + 2e9 + seq));
    cursor.freeze({ firstSeq: seq, lastSeq: seq, protocol: "v1" });
    cursor.acknowledge({ firstSeq: seq, lastSeq: seq });
    await clock.advance(150);
  }
  assert.ok(journal.state().snapshots <= 150, `${journal.state().snapshots} snapshots are left`);
});

test("where batches are frozen and none is settled, the journal keeps to its size all the same", async (context) => {
  const { path, open, clock } = bench(context, { maxBytes: 2 ** 20 });
  const journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  for (let seq = 1; seq <= 600; seq++) {
    for (let index = 0; index < 5; index++)
      journal.append(snapshot(start + (5 * seq + index) * 1000, { parts: partsOf(150) }));
    cursor.freeze({ firstSeq: 5 * seq, lastSeq: 5 * seq, protocol: "v1" });
    await clock.advance(5000);
  }
  assert.ok(bytesOf(path) <= 2 ** 20, `${bytesOf(path)} bytes`);
  assertAccounted(journal.state().cursors[0], 3000, 300);
});

test("a batch that is frozen in a damaged database is written to the next one within the interval", async (context) => {
  const { open, clock } = bench(context);
  const disk = faultyDisk();
  const journal = open({ disk });
  const cursor = journal.cursor("a", { from: "now" });
  journal.append(snapshot(start));
  disk.beforeWrite = () => {
    delete disk.beforeWrite;
    throw damage("page 7 is torn");
  };
  cursor.freeze({ firstSeq: 1, lastSeq: 1, protocol: "v1" });
  assert.equal(journal.state().setAside, 1);
  await clock.advance(10_000);
  assert.equal(journal.state().staged, 0);
});
