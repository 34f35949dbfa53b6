import test from "node:test";
import assert from "node:assert/strict";
import { appendFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openTail } from "../../src/daemon/tail.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { disposableFolder } from "../support/folder.ts";

function folder(): { log: string } & Disposable {
  const { path, [Symbol.dispose]: dispose } = disposableFolder();
  return { log: join(path, "agent.log"), [Symbol.dispose]: dispose };
}

test("the last lines come whole, however long the log is", () => {
  using here = folder();
  const lines = Array.from({ length: 20_000 }, (_line, index) => `line ${index} ä`);
  writeFileSync(here.log, `${lines.join("\n")}\n`);
  assert.equal(openTail(here.log, 3).last, `${lines.slice(-3).join("\n")}\n`);
  assert.equal(openTail(here.log, 100_000).last, `${lines.join("\n")}\n`);
});

test("an empty log has no last lines, a missing one is an error of the system", () => {
  using here = folder();
  assert.throws(() => openTail(here.log, 3), { code: "ENOENT" });
  writeFileSync(here.log, "");
  assert.equal(openTail(here.log, 3).last, "");
});

test("what is written later is followed, across rotation and emptying", async () => {
  using here = folder();
  writeFileSync(here.log, "old\n");
  const clock = fakeClock();
  const stop = new AbortController();
  const tail = openTail(here.log, 10);
  let seen = "";
  const write = (text: string): Promise<boolean> => Promise.resolve((seen += text) !== "");
  const following = tail.follow(write, clock, stop.signal);
  appendFileSync(here.log, "new\n");
  await clock.advance(1000);
  assert.equal(seen, "new\n");

  appendFileSync(here.log, "last before rotation\n");
  renameSync(here.log, `${here.log}.0`);
  await clock.advance(1000);
  writeFileSync(here.log, "first after rotation\n");
  await clock.advance(1000);
  assert.equal(seen, "new\nlast before rotation\nfirst after rotation\n");

  truncateSync(here.log);
  await clock.advance(1000);
  appendFileSync(here.log, "again\n");
  await clock.advance(1000);
  assert.match(seen, /again\n$/);
  stop.abort();
  await following;
});

test("following ends when the reader is gone", async () => {
  using here = folder();
  writeFileSync(here.log, "");
  const clock = fakeClock();
  const following = openTail(here.log, 1).follow(
    () => Promise.resolve(false),
    clock,
    new AbortController().signal,
  );
  appendFileSync(here.log, "line\n");
  await clock.advance(1000);
  await following;
  assert.equal(clock.pending, 0);
});
