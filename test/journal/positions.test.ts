/** Sinks whose block is gone: their backlog stays within the journal's bounds, comes back with the block, and goes counted. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import type { Journal, SinkAssignment } from "../../src/journal/types.ts";
import { bench, day, drain, essence, numbered, snapshot, statsOf } from "./fixtures.ts";
import { recordingLogger, type LogLine } from "../support/log.ts";

function assignment(name: string, was?: string, address = `http://${name}/`): SinkAssignment {
  const block = { type: "remote_write", name, address, position: 0, hash: "0" };
  return { sink: name, block, ...(was !== undefined && { was }) };
}

/** A journal of 30 snapshots, four samples each, that `a` and `b` wait for. */
function waiting(open: () => Journal): Journal {
  const journal = open();
  for (const one of [assignment("a"), assignment("b")])
    journal.cursor(one.sink, { from: "now", block: one.block });
  for (let seq = 1; seq <= 30; seq++) journal.append(numbered(seq));
  return journal;
}

test("a block that is gone keeps its backlog and nothing more, across restarts, until it is back", (context) => {
  const { open, path, clock } = bench(context);
  const journal = waiting(open);
  journal.assign([assignment("b", "b")]);
  journal.append(numbered(31));
  const orphan = {
    sink: "a",
    address: "http://a/",
    waiting: 30,
    goneMs: clock.now(),
    untilMs: clock.now() + 7 * day,
  };
  assert.deepEqual(journal.state().orphans, [orphan]);
  journal[Symbol.dispose]();
  const next = open();
  assert.deepEqual(next.state().orphans, [orphan]);
  assert.deepEqual(
    statsOf(path).sinks.map(({ sink, waiting, goneMs }) => [sink, waiting, goneMs]),
    [
      ["a", 30, clock.now()],
      ["b", 31, undefined],
    ],
  );
  next.assign([assignment("a", "a"), assignment("b", "b")]);
  next.append(numbered(32));
  assert.deepEqual(next.state().orphans, []);
  assert.deepEqual(
    drain(next.cursor("a", { from: "now" })).map(essence),
    [...Array.from({ length: 30 }, (_, index) => index + 1), 32].map((seq) => essence(numbered(seq))),
  );
});

test("under another id the backlog, the frozen batch and what is known of the receiver go on", (context) => {
  const { open } = bench(context);
  const journal = waiting(open);
  const cursor = journal.cursor("a", { from: "now" });
  cursor.freeze({ firstSeq: 1, lastSeq: 3, protocol: "two" });
  cursor.accept("there");
  cursor.note({ newest: { powermetrics: 5 } });
  journal.assign([assignment("c", "a", "http://a/"), assignment("b", "b")]);
  const renamed = journal.cursor("c", { from: "now" });
  assert.deepEqual(renamed.frozen(), { firstSeq: 1, lastSeq: 3, protocol: "two" });
  assert.deepEqual(renamed.notes(), { newest: { powermetrics: 5 } });
  assert.equal(renamed.backlog().snapshots, 30);
  journal[Symbol.dispose]();
  const next = open();
  assert.deepEqual(next.cursor("c", { from: "now" }).notes(), { newest: { powermetrics: 5 } });
  assert.deepEqual(next.cursor("c", { from: "now" }).accepted(), ["there"]);
});

test("an orphan is forgotten on request of another process: counted, logged; a configured sink is not", async (context) => {
  const lines: LogLine[] = [];
  const { open, path, clock } = bench(context, { log: recordingLogger(lines) });
  const journal = waiting(open);
  journal.assign([assignment("b", "b")]);
  await clock.advance(10_000);
  const other = new DatabaseSync(path);
  other.exec("INSERT INTO forget_request VALUES ('a'), ('b'), ('unknown')");
  other.close();
  journal.append(numbered(31));
  await clock.advance(10_000);
  assert.deepEqual(journal.state().orphans, []);
  assert.equal(journal.state().dropped["forgotten"], 30);
  assert.deepEqual(journal.state().cursors[0]?.dropped, { forgotten: { snapshots: 30, samples: 120 } });
  assert.equal(journal.cursor("b", { from: "now" }).backlog().snapshots, 31);
  assert.ok(
    lines.some(
      ({ message, fields }) => message.startsWith("dropped the backlog of a") && fields["samples"] === 120,
    ),
  );
  assert.ok(lines.some(({ message }) => message.startsWith("cannot forget b")));
  journal[Symbol.dispose]();
  assert.deepEqual(
    open()
      .sinks()
      .map(({ sink }) => sink),
    ["b"],
  );
});

test("what an orphan waits for goes with its age like any other's, counted, and the orphan with it", async (context) => {
  const { open, clock } = bench(context, { maxAgeMs: 3_600_000 });
  const journal = open();
  journal.cursor("a", { from: "now" });
  for (let count = 0; count < 30; count++) journal.append(snapshot(clock.now() + count));
  journal.assign([]);
  for (let minutes = 0; minutes < 70; minutes++) {
    await clock.advance(60_000);
    journal.append(snapshot(clock.now()));
  }
  await clock.advance(10_000);
  assert.deepEqual(journal.state().orphans, []);
  assert.deepEqual(journal.sinks(), []);
  assert.deepEqual(journal.state().cursors, [
    {
      sink: "a",
      delivered: { snapshots: 0, samples: 0 },
      dropped: { max_age: { snapshots: 30, samples: 120 } },
      waiting: 0,
    },
  ]);
});

test("orphans do not exceed the journal's size", async (context) => {
  const { open, clock } = bench(context, { maxBytes: 2 ** 18 });
  const journal = open();
  journal.cursor("a", { from: "now" });
  const rounds = 3000;
  for (let count = 0; count < rounds; count++) {
    if (count === rounds / 2) journal.assign([]);
    journal.append(snapshot(clock.now() + count));
    if (count % 100 === 0) await clock.advance(10_000);
  }
  await clock.advance(60_000);
  const { cursors, bytes, orphans } = journal.state();
  assert.ok(bytes <= 2 ** 18, `${bytes}`);
  assert.equal((cursors[0]?.dropped["max_size"]?.snapshots ?? 0) + (orphans[0]?.waiting ?? 0), rounds / 2);
});
