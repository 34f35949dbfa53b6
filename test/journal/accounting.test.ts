/** Whatever happens in whatever order: appended = delivered + dropped + waiting, and what waits can be read. */
import test from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "../support/property.ts";
import { openJournal } from "../../src/journal/journal.ts";
import type { Cursor, Journal } from "../../src/journal/types.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import {
  basicOptions,
  essence,
  faultyDisk,
  partsOf,
  snapshot,
  systemError,
  type FaultyDisk,
} from "./fixtures.ts";
import { disposableFolder, fastParent } from "../support/folder.ts";

const sinks = ["a", "b"] as const;
const parts = partsOf(100);
const start = Date.UTC(2026, 0, 1);

type Step =
  | { readonly kind: "append"; readonly count: number }
  | {
      readonly kind: "deliver" | "discard" | "freeze";
      readonly sink: 0 | 1;
      readonly newest: boolean;
      readonly count: number;
    }
  | { readonly kind: "wait" | "fail" | "floor" | "mend" | "restart" };

const sink = fc.constantFrom<0 | 1>(0, 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant("append" as const), count: fc.integer({ min: 1, max: 120 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom("deliver" as const, "discard" as const, "freeze" as const),
      sink,
      newest: fc.boolean(),
      count: fc.integer({ min: 1, max: 150 }),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("wait" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom("fail" as const, "floor" as const, "mend" as const, "restart" as const),
    }),
  },
);

/** A journal under test, with what it was given since it was opened. */
class Run {
  readonly #folder = disposableFolder({ parent: fastParent });
  readonly #path = join(this.#folder.path, "journal.db");
  readonly #clock: FakeClock = fakeClock();
  readonly #disk: FaultyDisk = faultyDisk();
  readonly #values: Float64Array[] = [];
  #journal: Journal;
  #cursors: readonly Cursor[];
  #owed = [0, 0];

  constructor() {
    this.#journal = this.#open();
    this.#cursors = this.#openCursors();
  }

  #open(): Journal {
    const options = {
      ...basicOptions(this.#path, this.#clock),
      maxBytes: 2 ** 18,
      minFreeBytes: 1000,
      memoryBytes: 256 * 1024,
    };
    return openJournal({ ...options, disk: this.#disk });
  }

  #openCursors(): readonly Cursor[] {
    return sinks.map((name) => this.#journal.cursor(name, { from: "oldest" }));
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case "append":
        for (let count = 0; count < step.count; count++) this.#append();
        return;
      case "deliver":
      case "discard":
      case "freeze":
        this.#move(step);
        return;
      case "wait":
        await this.#clock.advance(70_000);
        return;
      case "fail":
        this.#disk.fault = systemError("EIO", -5);
        return;
      case "floor":
        this.#disk.free = 0;
        return;
      case "mend":
        this.#disk.fault = undefined;
        this.#disk.free = Infinity;
        return;
      case "restart":
        this.#restart();
    }
  }

  #append(): void {
    const one = snapshot(start + this.#values.length * 1000, { parts });
    this.#values.push(one.values);
    assert.equal(this.#journal.append(one), "appended");
    this.#owed = this.#owed.map((count) => count + 1);
  }

  #move({
    kind,
    sink,
    newest,
    count,
  }: Extract<Step, { readonly count: number; readonly sink: number }>): void {
    const cursor = this.#cursors[sink];
    const range = newest ? cursor?.ranges().at(-1) : cursor?.ranges()[0];
    if (cursor === undefined || range === undefined) return;
    const batch = cursor.read(range, { maxSamples: Infinity, maxSnapshots: count, newest });
    const [first] = batch;
    const last = batch.at(-1);
    if (first === undefined || last === undefined) return;
    for (const one of batch) assert.deepEqual(one.values, this.#values[(one.time - start) / 1000]);
    const bounds = { firstSeq: first.seq, lastSeq: last.seq };
    if (kind === "freeze") cursor.freeze({ ...bounds, protocol: "v2" });
    else
      assert.equal(
        (kind === "deliver" ? cursor.acknowledge(bounds) : cursor.discard(bounds, "rejected")).snapshots,
        batch.length,
      );
    const frozen = cursor.frozen();
    if (kind !== "freeze" || frozen === undefined) return;
    assert.deepEqual(
      cursor.read(frozen, { maxSamples: Infinity, maxSnapshots: Infinity }).map(essence),
      batch.map(essence),
    );
  }

  /** Staged snapshots that the disk refuses are the loss of a restart: what is owed after it is what was stored. */
  #restart(): void {
    const durable = this.#journal.commit();
    const before = this.#journal.state().cursors.map(({ waiting }) => waiting);
    this.#journal[Symbol.dispose]();
    this.#journal = this.#open();
    this.#cursors = this.#openCursors();
    this.#owed = this.#journal.state().cursors.map(({ waiting }) => waiting);
    if (durable) assert.deepEqual(this.#owed, before);
  }

  /** `appended` and what waited at the last start are owed; each must be accounted for. */
  check(): void {
    for (const [index, { delivered, dropped, waiting }] of this.#journal.state().cursors.entries()) {
      const settled = [delivered, ...Object.values(dropped)];
      assert.equal(
        settled.reduce((sum, { snapshots }) => sum + snapshots, waiting),
        this.#owed[index],
      );
      for (const { snapshots, samples } of settled) assert.equal(samples, snapshots * 2 * parts.length);
    }
  }

  end(): void {
    for (const cursor of this.#cursors)
      for (const range of cursor.ranges())
        assert.equal(
          cursor.read(range, { maxSamples: Infinity, maxSnapshots: Infinity }).length,
          range.lastSeq - range.firstSeq + 1,
        );
    this.check();
    this.#journal[Symbol.dispose]();
    this.#folder[Symbol.dispose]();
  }
}

test("every snapshot and every sample is accounted for, whatever happens", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      const run = new Run();
      for (const one of steps) {
        await run.take(one);
        run.check();
      }
      run.end();
    }),
    { numRuns: Number(process.env["JOURNAL_RUNS"] ?? 15) },
  );
});
