import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { openRestarts, pauseBeforeRestart } from "../../src/daemon/restarts.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { temporaryFolder } from "../support/folder.ts";
import { recordingLogger } from "../support/log.ts";

const minute = 60_000;

function file(t: test.TestContext): string {
  return join(temporaryFolder(t), "restarts");
}

test("pauses double from 30 s to 10 minutes over processes that know nothing of each other", (t) => {
  const path = file(t);
  const pauses = Array.from({ length: 8 }, () => openRestarts(path, silentLogger).next(1000) / 1000);
  assert.deepEqual(pauses, [30, 60, 120, 240, 480, 600, 600, 600]);
});

test("a source that delivered nothing is not tried again as soon", (t) => {
  const path = file(t);
  const pauses = Array.from({ length: 6 }, () => openRestarts(path, silentLogger).next(0) / 1000);
  assert.deepEqual(pauses, [60, 120, 240, 480, 600, 600]);
});

test("a source that delivered for ten minutes begins anew with 30 s", (t) => {
  const path = file(t);
  for (let life = 0; life < 5; life++) openRestarts(path, silentLogger).next(9 * minute);
  assert.equal(openRestarts(path, silentLogger).next(10 * minute), 30_000);
  assert.equal(openRestarts(path, silentLogger).next(1), 60_000);
});

test("a file that holds something else counts as none, and one that cannot be written is told", (t) => {
  const path = file(t);
  for (const content of ["", "-3", "1e9", "99999999999", "x".repeat(100)]) {
    writeFileSync(path, content);
    assert.equal(openRestarts(path, silentLogger).next(1), 30_000, content);
    assert.equal(readFileSync(path, "utf8"), "1\n");
  }
  rmSync(path);
  mkdirSync(path);
  const log = recordingLogger();
  assert.equal(openRestarts(path, log).next(1), 30_000);
  assert.match(
    log.texts.join("\n"),
    /^warn cannot write .*restarts: .*; pauses between restarts do not grow/,
  );
});

test("that powermetrics is to write line by line is known to later lives, whatever else is counted", (t) => {
  const path = file(t);
  assert.equal(openRestarts(path, silentLogger).lineBuffered, false);
  assert.equal(openRestarts(path, silentLogger).remember(), true);
  assert.equal(openRestarts(path, silentLogger).next(1), 30_000);
  assert.equal(openRestarts(path, silentLogger).lineBuffered, true);
  assert.equal(openRestarts(path, silentLogger).next(1), 60_000);
  assert.equal(openRestarts(join(path, "nowhere"), silentLogger).remember(), false);
});

test("the pause is told with its cause and length, and ends early when the agent is to stop", async () => {
  const clock = fakeClock();
  const log = recordingLogger();
  const stop = new AbortController();
  const ended = { reason: "aborted", message: "unexpected end of powermetrics: signal SIGABRT" };
  let over = 0;
  const wait = async (): Promise<void> => {
    await pauseBeforeRestart(ended, 30_000, { clock, log }, stop.signal);
    over++;
  };
  const [first, second] = [wait(), wait()];
  await clock.advance(29_999);
  assert.equal(over, 0);
  await clock.advance(1);
  await first;
  await second;
  const third = wait();
  stop.abort();
  await third;
  assert.equal(over, 3);
  assert.match(
    log.texts[0] ?? "",
    /^error .*SIGABRT; all else goes on, and the agent asks .*"restart_in_s":30/,
  );
});
