/** By which clock the journal deletes what is old. */
import assert from "node:assert/strict";
import test from "node:test";
import { scrapedSource, stampedSource } from "../../src/meter/snapshot.ts";
import { bench, day, drain, essence, snapshot, statsOf } from "./fixtures.ts";
import { recordingLogger, type LogLine } from "../support/log.ts";

const minute = 60_000;

test("a clock days ahead for some seconds, or for minutes, deletes nothing; one that stays so deletes and says how much", async (context) => {
  const lines: LogLine[] = [];
  const { open, clock } = bench(context, { log: recordingLogger(lines) });
  const journal = open();
  journal.cursor("a", { from: "now" });
  const collect = async (count: number): Promise<void> => {
    for (let taken = 0; taken < count; taken++) {
      journal.append(snapshot(clock.now()));
      await clock.advance(minute);
    }
  };
  await collect(60);
  for (const [minutes, lost] of [
    [0.1, 0],
    [9, 0],
  ] as const) {
    clock.step(8 * day);
    await clock.advance(minutes * minute);
    await collect(1);
    clock.step(-8 * day);
    await collect(20);
    assert.equal(journal.state().dropped["max_age"] ?? 0, lost);
  }
  clock.step(8 * day);
  await collect(20);
  const gone = journal.state().dropped["max_age"] ?? 0;
  assert.ok(gone >= 60, `${gone}`);
  const told = lines.filter(({ message }) => message.startsWith("dropped snapshots"));
  assert.equal(
    told.reduce((sum, { fields }) => sum + Number(fields["snapshots"]), 0),
    gone,
  );
});

test("in the first ten minutes nothing is deleted for its age, since no time has been trusted yet", async (context) => {
  const { open, clock } = bench(context);
  const before = open();
  before.cursor("a", { from: "now" });
  before.append(snapshot(clock.now()));
  before.assign([]);
  before[Symbol.dispose]();
  clock.step(30 * day);
  const journal = open();
  journal.append(snapshot(clock.now()));
  await clock.advance(9 * minute);
  assert.deepEqual(journal.state().dropped, {});
  for (let taken = 0; taken < 5; taken++) {
    journal.append(snapshot(clock.now()));
    await clock.advance(minute);
  }
  assert.deepEqual(journal.state().dropped, { max_age: 1 });
});

test("a source that reports no more is forgotten after max_age, a younger one keeps what it is to end", async (context) => {
  const { path, open, clock } = bench(context, { commitIntervalMs: minute });
  let journal = open();
  for (let pod = 0; pod < 30; pod++)
    journal.append(snapshot(clock.now(), { source: stampedSource(`pod${pod}`, 0), parts: [`pod${pod}`] }));
  const collect = async (days: number): Promise<void> => {
    for (let quarter = 0; quarter < 4 * days; quarter++) {
      journal.append(snapshot(clock.now()));
      await clock.advance(day / 4);
    }
  };
  await collect(2);
  const node = scrapedSource("node");
  journal.append(snapshot(clock.now(), { source: node, parts: ["a", "b"] }));
  await collect(7);
  assert.deepEqual([...journal.sources().keys()], ["powermetrics", node]);
  assert.deepEqual(
    statsOf(path).sources.map(({ name }) => name),
    ["powermetrics", node],
  );
  assert.ok(statsOf(path).seriesSets <= 3, `${statsOf(path).seriesSets} sets`);

  journal[Symbol.dispose]();
  journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  const pods = [1, 2].map((pod) => stampedSource(`pod${pod}`, 0));
  for (const source of [...pods, node]) journal.append(snapshot(clock.now(), { source, parts: ["a"] }));
  assert.equal(journal.commit(), true);
  const read = drain(cursor);
  assert.deepEqual(
    read.map(({ source, ended }) => [source, ended.length]),
    [...pods.map((source) => [source, 0]), [node, 2]],
  );
  journal[Symbol.dispose]();
  journal = open();
  const again = drain(journal.cursor("b", { from: "oldest" })).slice(-3);
  assert.deepEqual(again.map(essence), read.map(essence));
  assert.deepEqual(journal.state().dropped, {});
});

test("of a source that reports no more a cursor forgets after max_age when it was sent last", async (context) => {
  const { open, clock } = bench(context, { commitIntervalMs: minute });
  let journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  const collect = async (source: string, days: number): Promise<void> => {
    for (let quarter = 0; quarter < 4 * days; quarter++) {
      const taken = snapshot(clock.now(), { source });
      journal.append(taken);
      drain(cursor);
      cursor.note({ newest: { ...cursor.notes().newest, [source]: taken.time }, memory: "kept" });
      await clock.advance(day / 4);
    }
  };
  const known = (): readonly string[] =>
    Object.keys(journal.cursor("a", { from: "now" }).notes().newest ?? {});
  await collect("pod", 1);
  await collect("node", 6);
  assert.deepEqual(known(), ["pod", "node"]);
  await collect("node", 3);
  assert.deepEqual(known(), ["node"]);
  journal[Symbol.dispose]();
  journal = open();
  assert.deepEqual(known(), ["node"]);
  assert.equal(journal.cursor("a", { from: "now" }).notes().memory, "kept");
});
