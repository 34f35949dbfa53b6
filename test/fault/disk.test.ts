/** What disks do to a journal, seen from the receivers: live samples go on, and what is lost is counted. */
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";
import { setAsides } from "../../src/journal/files.ts";
import { pageBytes } from "../../src/journal/database.ts";
import type { Random } from "../../src/runtime/random.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { faultyDisk, statsOf, systemError } from "../journal/fixtures.ts";
import { total } from "./account.ts";
import { pusher, second, type Pusher } from "./pusher.ts";
import { startReceiver, type Receiver } from "./receiver.ts";
import { smallVolume } from "../support/small-volume.ts";
import { recordingLogger, type LogLine } from "../support/log.ts";

function history(): Promise<readonly Receiver[]> {
  return Promise.all((["remote_write", "otlp"] as const).map((kind) => startReceiver(kind)));
}

const errors: readonly (readonly [string, number])[] = [
  ["ENOSPC", -28],
  ["EROFS", -30],
  ["EIO", -5],
];

for (const [code, errno] of errors)
  test(`${code} for an hour costs receivers nothing, and nothing is missing on the disk afterwards`, async (context) => {
    const receivers = await history();
    const disk = faultyDisk();
    const it = await pusher(context, { receivers, journal: { disk } });
    await it.collect(30, 10 * second);
    disk.fault = systemError(code, errno);
    await it.collect(360, 10 * second);
    assert.equal(it.journal().state().durable, false);
    await it.advance(10 * second);
    assertAllSent(it, receivers);
    disk.fault = undefined;
    await it.collect(30, 10 * second);
    await it.advance(120 * second);
    assert.equal(it.journal().state().durable, true);
    assertAllSent(it, receivers);
    assert.equal(statsOf(it.path).snapshots, 420);
  });

function assertAllSent(it: Pusher, receivers: readonly Receiver[]): void {
  it.assertAccounted();
  for (const receiver of receivers) {
    const { collected, sent } = it.accountOf(receiver);
    assert.equal(sent, collected.samples);
  }
}

test("while the disk refuses and receivers are dead, what memory cannot hold is counted for each", async (context) => {
  const receivers = await history();
  const disk = faultyDisk();
  const it = await pusher(context, { receivers, journal: { disk, memoryBytes: 20_000 } });
  await it.collect(3, 10 * second);
  disk.fault = systemError("ENOSPC", -28);
  for (const receiver of receivers) await receiver.stop();
  await it.collect(200, 10 * second);
  it.assertAccounted();
  disk.fault = undefined;
  for (const receiver of receivers) await receiver.start();
  await it.drained();
  it.assertAccounted();
  for (const receiver of receivers) assert.ok((it.accountOf(receiver).lost["memory"] ?? 0) > 0);
});

test("a volume that is really full costs receivers nothing, and the journal goes on from there after a restart", async (context) => {
  const volume = smallVolume("4m");
  if (volume instanceof Error) {
    context.skip(volume.message);
    return;
  }
  const { folder } = volume;
  const receivers = await history();
  const path = join(folder, "journal.db");
  const it = await pusher(context, { receivers, journal: { path } });
  context.after(() => {
    volume.remove();
  });
  await it.collect(60, 10 * second);
  const ballast = join(folder, "ballast");
  assert.throws(() => writeFileSync(ballast, Buffer.alloc(2 ** 23)), { code: "ENOSPC" });
  await it.collect(360, 10 * second, { parts: Array.from({ length: 150 }, (_, index) => `part${index}`) });
  assert.equal(it.journal().state().durable, false);
  await it.advance(10 * second);
  assertAllSent(it, receivers);
  rmSync(ballast);
  await it.advance(120 * second);
  assert.equal(it.journal().state().durable, true);
  await it.restart();
  await it.collect(60, 10 * second);
  await it.advance(10 * second);
  assertAllSent(it, receivers);
});

test("rows damaged on the disk while receivers were away are counted for each, and all others arrive", async (context) => {
  const receivers = await history();
  const it = await pusher(context, { receivers });
  await it.collect(6, 10 * second);
  for (const receiver of receivers) await receiver.stop();
  await it.collect(600, 10 * second);
  await it.restart(() => {
    const database = new DatabaseSync(it.path);
    const rows = database.prepare("UPDATE snapshot SET crc = crc + 1 WHERE seq % 97 = 0").run();
    assert.ok(rows.changes > 3);
    database.close();
  });
  for (const receiver of receivers) await receiver.start();
  await it.drained();
  it.assertAccounted();
  for (const receiver of receivers) assert.ok((it.accountOf(receiver).lost["corrupt"] ?? 0) > 0);
});

test("a sink whose cursor is damaged on the disk gets all that the journal holds, rather than to miss what waited", async (context) => {
  const receiver = await startReceiver("remote_write");
  const it = await pusher(context, { receivers: [receiver] });
  await it.collect(6, 10 * second);
  await it.drained();
  await receiver.stop();
  await it.collect(60, 10 * second);
  await it.restart(() => {
    const database = new DatabaseSync(it.path);
    assert.equal(database.prepare("UPDATE cursor SET crc = crc + 1").run().changes, 1);
    database.close();
  });
  await receiver.start();
  const { sent, collected } = it.accountOf(receiver);
  assert.equal(it.accountOf(receiver).waiting, collected.samples);
  await it.drained();
  assert.equal(receiver.taken.samples, sent + collected.samples);
  assert.equal(it.accountOf(receiver).sent, receiver.taken.samples);
  await it.restart();
  assert.equal(it.accountOf(receiver).waiting, 0);
});

test("bits flipped where the journal keeps something: what arrives is what was collected, the rest is counted, or the database is set aside", async (context) => {
  const receiver = await startReceiver("remote_write");
  const heard: LogLine[] = [];
  const it = await pusher(context, { receivers: [receiver], journal: { log: recordingLogger(heard) } });
  await it.collect(3, 10 * second);
  const random = seededRandom(5);
  const rounds = { arrived: 0, corrupt: 0, setAside: 0, again: 0 };
  for (let round = 0; round < 40; round++) {
    await it.drained();
    const start = it.accountOf(receiver);
    await receiver.stop();
    await it.collect(40, 10 * second);
    const before = it.accountOf(receiver);
    assert.equal(
      before.waiting + total(before.lost) - total(start.lost),
      before.collected.samples - start.collected.samples,
    );
    heard.length = 0;
    await it.restart(() => flipBit(it.path, random));
    const { samples: held } = statsOf(it.path);
    await receiver.start();
    await it.drained();
    const after = it.accountOf(receiver);
    const sent = after.sent - before.sent;
    const corrupt = total(after.lost) - total(before.lost);
    const became = outcomeOf(heard) ?? (corrupt > 0 ? "corrupt" : "arrived");
    rounds[became]++;
    assert.equal(receiver.taken.samples, after.sent);
    const owed = became === "again" ? held : before.waiting;
    if (became !== "setAside") assert.equal(sent + corrupt, owed, `round ${round}: ${became}`);
    assert.equal(it.journal().state().setAside, became === "setAside" ? 1 : 0);
  }
  const told = JSON.stringify(rounds);
  context.diagnostic(told);
  assert.ok(rounds.arrived >= 2 && rounds.corrupt >= 2 && rounds.setAside >= 2, told);
  assert.ok(setAsides(it.path, "damaged").length > 0);
});

/** What the log says became of a journal: nothing, set aside, or a cursor that begins anew. */
function outcomeOf(heard: readonly LogLine[]): "setAside" | "again" | undefined {
  const errors = heard.filter(({ level }) => level === "error");
  if (errors.some(({ fields }) => "renamed_to" in fields)) return "setAside";
  return errors.length > 0 ? "again" : undefined;
}

/** Every other time on the page of the newest rows, else on any: what nothing is kept in says nothing of damage. */
function flipBit(path: string, random: Random): void {
  const bytes = readFileSync(path);
  const newest = newestRows(path);
  const pages = Array.from({ length: bytes.length / pageBytes }, (_, index) => index + 1);
  const page = random() < 0.5 ? newest : Math.ceil(random() * pages.length);
  const places = inUse(bytes, page);
  const at = places[Math.floor(random() * places.length)] ?? 0;
  bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 8));
  writeFileSync(path, bytes);
}

/** Counted from one. */
function newestRows(path: string): number {
  const database = new DatabaseSync(path);
  const sql = "SELECT pageno FROM dbstat WHERE name = 'snapshot' AND pagetype = 'leaf' ORDER BY path DESC";
  const page = Number(database.prepare(sql).get()?.["pageno"]);
  database.close();
  return page;
}

/** A page's header and the places of its cells at its front, its cells at its end: sqlite.org/fileformat.html, 1.6. */
function inUse(file: Buffer, page: number): readonly number[] {
  const start = (page - 1) * pageBytes;
  const header = page === 1 ? 100 : 0;
  const cells = file.readUInt16BE(start + header + 3);
  const content = file.readUInt16BE(start + header + 5);
  return Array.from({ length: pageBytes }, (_, index) => index)
    .filter((at) => at < header + 12 + 2 * cells || at >= content)
    .map((at) => start + at);
}
