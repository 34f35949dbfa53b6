/** By which clock the journal deletes what is old. */
import assert from "node:assert/strict";
import test from "node:test";
import { bench, day, snapshot } from "./fixtures.ts";
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
