/** What a source logs, and how often. */
import assert from "node:assert/strict";
import test from "node:test";
import { createReport } from "../../src/source/report.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { recordingLogger } from "../support/log.ts";
import { collectEvents } from "./events.ts";

test("messages beyond the rate are held back, and their number is logged when the minute is over", async () => {
  const clock = fakeClock();
  const log = recordingLogger();
  const report = createReport(collectEvents(), log, clock);
  for (let line = 1; line <= 12; line++) report.message(`line ${line}`);
  await clock.advance(60_000);
  report.message("line 13");
  report.flushMessages();
  assert.deepEqual(log.texts, [
    ...Array.from({ length: 10 }, (_, at) => `warn powermetrics said {"line":"line ${at + 1}"}`),
    'warn powermetrics said: lines held back {"lines":2}',
    'warn powermetrics said {"line":"line 13"}',
  ]);
});
