import assert from "node:assert/strict";
import test from "node:test";
import { silentLogger } from "../../src/runtime/log.ts";
import { createKnownSecrets } from "../../src/runtime/redact.ts";
import { createRecentEvents } from "../../src/status/recent-events.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { statusTime } from "../support/status.ts";
import { recordingLogger } from "../support/log.ts";

test("what is logged from info on is an event, newest first, with what identifies the case", () => {
  const clock = fakeClock(statusTime);
  const log = recordingLogger();
  const recent = createRecentEvents(log, clock);
  recent.log.debug("detail");
  recent.log.info("the machine slept", { asleep_s: 20 });
  recent.log.child({ source: "powermetrics" }).warn("cannot start", { reason: "vanished", nested: {} });
  assert.deepEqual(recent.list(), [
    { time: statusTime, level: "warn", message: "cannot start (source=powermetrics, reason=vanished)" },
    { time: statusTime, level: "info", message: "the machine slept (asleep_s=20)" },
  ]);
  assert.deepEqual(
    log.lines.map(({ level, message }) => `${level} ${message}`),
    ["debug detail", "info the machine slept", "warn cannot start"],
  );
});

test("events hide secrets, stay on one line, and are bounded", () => {
  const secrets = createKnownSecrets();
  secrets.add("hunter22");
  const recent = createRecentEvents(silentLogger, fakeClock(), secrets);
  recent.log.error("refused\n\tby hunter22", { url: "http://u:p@host/" });
  assert.equal(recent.list()[0]?.message, "refused by <secret> (url=http://u:***@host/)");
  for (let index = 0; index < 200; index++) recent.log.info("x".repeat(1000));
  assert.equal(recent.list().length, 50);
  assert.equal(recent.list()[0]?.message.length, 500);
});
