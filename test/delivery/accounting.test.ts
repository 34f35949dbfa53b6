/** Nothing is lost silently: in any order of events every sample is sent, dropped under a reason, or still waits. */
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import test, { type TestContext } from "node:test";
import fc from "../support/property.ts";
import {
  badRequest,
  delivered,
  forbidden,
  hour,
  minute,
  perSnapshot,
  reset,
  rig,
  second,
  switchTo,
  tooLarge,
  unavailable,
  type Rig,
  type Seen,
} from "./rig.ts";
import { createAccounting, createBatchAccount } from "../../src/delivery/accounting.ts";
import type { Outcome } from "../../src/sink/sink.ts";
import { bench, faultyDisk, snapshot } from "../journal/fixtures.ts";

type Mood =
  "good" | "busy" | "lost" | "stored but lost" | "bad" | "forbids" | "small" | "picky" | "partial" | "hangs";

const moods: readonly Mood[] = [
  "good",
  "busy",
  "lost",
  "stored but lost",
  "bad",
  "forbids",
  "small",
  "picky",
  "partial",
  "hangs",
];

type Event =
  | { readonly kind: "collect"; readonly count: number; readonly everyMs: number }
  | { readonly kind: "mood"; readonly mood: Mood }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "wake" | "restart" | "lose" | "poison" };

const events: fc.Arbitrary<readonly Event[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("collect" as const),
        count: fc.integer({ min: 1, max: 12 }),
        everyMs: fc.constantFrom(second, 10 * second, 10 * minute),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("mood" as const), mood: fc.constantFrom(...moods) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.constantFrom(second, minute, hour) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("wake", "restart", "lose", "poison") }) },
  ),
  { maxLength: 25 },
);

/** A receiver that keeps what it took, once. */
function model(it: Rig) {
  const stored = new Set<string>();
  const world = { mood: "good" as Mood };

  function store({ times, part }: Seen): void {
    for (const time of times) stored.add(`${part} ${time}`);
  }

  function answer(seen: Seen): Outcome | undefined {
    const { times, protocol } = seen;
    switch (world.mood) {
      case "good":
        break;
      case "busy":
        return { ...unavailable, code: "429", afterMs: 7 * second };
      case "lost":
        return reset;
      case "stored but lost":
        store(seen);
        return reset;
      case "bad":
        return times.length > 0 ? badRequest : delivered;
      case "forbids":
        return forbidden;
      case "small":
        if (times.length > 2) return tooLarge;
        break;
      case "picky":
        if (protocol === "two") return switchTo("one");
        break;
      case "partial":
        store(seen);
        return { ...delivered, rejected: Math.min(1, times.length), reason: "one was bad" };
      case "hangs":
        return undefined;
    }
    store(seen);
    return delivered;
  }

  it.answer = answer;
  return { stored, world };
}

async function live(it: Rig, world: { mood: Mood }, event: Event): Promise<number> {
  switch (event.kind) {
    case "collect":
      return (await it.collect(event.count, event.everyMs)).length;
    case "mood":
      world.mood = event.mood;
      return 0;
    case "pass":
      await it.clock.advance(event.ms);
      return 0;
    case "wake":
      it.delivery().woke();
      return 0;
    case "restart":
      await it.restart();
      return 0;
    case "lose": {
      const [range] = it.cursor().ranges();
      if (range !== undefined)
        it.cursor().discard({ ...range, lastSeq: Math.min(range.firstSeq + 1, range.lastSeq) }, "max_size");
      return 0;
    }
    case "poison":
      it.poison = (times) => times.some((time) => time % 7 === 0);
      return 0;
  }
}

const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

function lostByJournal(it: Rig): number {
  const state = it
    .journal()
    .state()
    .cursors.find(({ sink }) => sink === "remote_write/test");
  return state?.dropped["max_size"]?.samples ?? 0;
}

async function check(context: TestContext, story: readonly Event[], bodies: number): Promise<void> {
  const it = rig(context, { sink: { maxSamples: 8 * perSnapshot }, bodies });
  const { stored, world } = model(it);
  it.start();
  let collected = 0;
  let lostBefore = 0;
  for (const event of story) {
    if (event.kind === "restart") lostBefore += lostByJournal(it);
    collected += await live(it, world, event);
    const lost = lostBefore + lostByJournal(it);
    const waiting = it.cursor().backlog().snapshots * perSnapshot;
    assert.equal(it.counts.sent + total(it.counts.dropped) + lost + waiting, collected * perSnapshot);
  }
  world.mood = "good";
  await it.restart();
  await it.clock.advance(hour);
  assert.deepEqual(it.cursor().ranges(), []);
  assert.ok((stored.size * perSnapshot) / bodies >= it.counts.sent, "what is counted as sent was stored");
  await it.abort();
  it.journal()[Symbol.dispose]();
}

test("collected = sent + dropped by reason + lost by the journal + waiting, after every event, and in the end nothing waits", async (context) => {
  await fc.assert(
    fc.asyncProperty(events, fc.constantFrom(1, 2, 4), (story, bodies) => check(context, story, bodies)),
    { numRuns: Number(process.env["DELIVERY_RUNS"] ?? 40), endOnFailure: true },
  );
});

test("what a sink remembers of a batch is on the disk when its acknowledgement is, though the journal writes at once below the floor", async (context) => {
  const disk = faultyDisk();
  const { path, clock, open } = bench(context, { disk, minFreeBytes: 1000 });
  const journal = open();
  const cursor = journal.cursor("otlp", { from: "now" });
  // More segments than are deleted at a time.
  for (let seq = 1; seq <= 40; seq++) {
    journal.append(snapshot(clock.now()));
    await clock.advance(20 * minute);
  }
  const range = { firstSeq: 40, lastSeq: 40 };
  cursor.freeze({ ...range, protocol: "protobuf" });
  await clock.advance(20 * second);
  disk.free = 999;
  const listener = { requested: () => undefined, sent: () => undefined, dropped: () => undefined };
  const memory = { save: () => "as of 40", restore: () => undefined };
  createBatchAccount({ memory }, cursor, createAccounting(listener, clock)).settle(range, perSnapshot, {});

  // As kill -9 leaves it.
  for (const end of ["", "-wal"]) cpSync(path + end, `${path}.copy${end}`);
  const found = open({ path: `${path}.copy` }).cursor("otlp", { from: "now" });
  assert.deepEqual([found.notes().memory, found.frozen()], ["as of 40", undefined]);
});
