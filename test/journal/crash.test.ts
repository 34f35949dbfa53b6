/** The journal and kill -9: what was committed is there, what was frozen is frozen, and no more than one commit interval is lost. More rounds: JOURNAL_KILLS=50. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import test from "node:test";
import assert from "node:assert/strict";
import { openJournal } from "../../src/journal/journal.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { basicOptions, bench, essence, numbered } from "./fixtures.ts";

const kills = Number(process.env["JOURNAL_KILLS"] ?? 5);
const appender = fileURLToPath(new URL("appender.ts", import.meta.url));
const ticker = fileURLToPath(new URL("ticker.ts", import.meta.url));

interface Said {
  readonly committed: number;
  readonly frozen: readonly [first: number, last: number] | undefined;
}

/** Appends from `seq` on in a process of its own, killed after it has said `lines` lines. */
async function appendUntilKilled(path: string, seq: number, lines: number): Promise<Said> {
  const child = spawn(process.execPath, [appender, path, String(seq)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let committed = seq;
  let frozen: Said["frozen"];
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, first = 0, last = 0] = line
      .split(" ")
      .map((part, index) => (index === 0 ? part : Number(part)));
    if (word === "committed") committed = Number(first);
    else frozen = [Number(first), Number(last)];
    count++;
    if (count === lines) child.kill("SIGKILL");
  }
  return { committed, frozen };
}

test(`after kill -9 all that was committed is there, ${kills} times`, async (context) => {
  const { path, open } = bench(context);
  const random = seededRandom(kills);
  let seq = 0;
  for (let kill = 0; kill < kills; kill++) {
    const said = await appendUntilKilled(path, seq, 1 + Math.floor(random() * 60));
    const journal = open();
    assert.equal(journal.state().setAside, 0);
    const cursor = journal.cursor("a", { from: "now" });
    const all = [...journal.history({ fromMs: 0, toMs: Infinity })];
    assert.ok(all.length >= said.committed);
    assert.deepEqual(
      all.map(essence),
      all.map((_, index) => essence(numbered(index + 1))),
    );
    const frozen = cursor.frozen();
    if (said.frozen !== undefined) assert.ok(frozen !== undefined && frozen.firstSeq >= said.frozen[0]);
    if (frozen !== undefined) {
      const batch = cursor.read(frozen, { maxSamples: Infinity, maxSnapshots: Infinity });
      assert.deepEqual(
        batch.map((one) => one.seq),
        [0, 1, 2, 3].map((more) => frozen.firstSeq + more).filter((one) => one <= frozen.lastSeq),
      );
    }
    assert.equal(cursor.ranges().at(-1)?.lastSeq, all.length);
    seq = all.length;
    journal[Symbol.dispose]();
  }
});

/** Appends a snapshot a second in a process of its own, on a fake clock, and kills it; returns how many it said it had committed. */
async function tickThenKill(path: string, count: number): Promise<number> {
  const child = spawn(process.execPath, [ticker, path, String(count)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let committed = NaN;
  for await (const line of createInterface({ input: child.stdout })) {
    committed = Number(line);
    child.kill("SIGKILL");
  }
  return committed;
}

test("kill -9 costs at most one commit interval: what was committed before is there, exactly", async (context) => {
  const { path, clock } = bench(context);
  const { commitIntervalMs } = basicOptions(path, clock);
  for (const count of [1, 9, 10, 11, 29, 34]) {
    const own = `${path}.${count}`;
    const committed = await tickThenKill(own, count);
    using journal = openJournal(basicOptions(own, clock));
    const all = [...journal.history({ fromMs: 0, toMs: Infinity })];
    assert.equal(all.length, committed);
    assert.deepEqual(
      all.map(essence),
      all.map((_, index) => essence(numbered(index + 1))),
    );
    assert.equal(journal.cursor("a", { from: "oldest" }).backlog().snapshots, committed);
    assert.ok((count - committed) * 1000 < commitIntervalMs, `lost ${count - committed} of ${count}`);
  }
});
