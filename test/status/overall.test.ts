/** The judgement over all, and what the status remembers. */
import assert from "node:assert/strict";
import test from "node:test";
import { silentLogger } from "../../src/runtime/log.ts";
import { adviceFor, overallOf } from "../../src/status/overall.ts";
import { rememberEvents } from "../../src/status/recent.ts";
import { createSnapshotMemory } from "../../src/status/history.ts";
import { createKnownSecrets } from "../../src/runtime/redact.ts";
import { deliveryStatuses } from "../../src/delivery/types.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { recordingLogger, snapshotOf } from "../endpoint/endpoint.ts";
import { sinkStatus, statusOf, statusTime } from "../support/status.ts";

test("all is well while sources deliver and sinks keep up", () => {
  assert.deepEqual(overallOf(statusOf()), { level: "ok", problems: [] });
});

test("the most urgent problem decides, and each is named", () => {
  const [source] = statusOf().sources;
  assert.ok(source);
  const { level, problems } = overallOf(
    statusOf({
      sources: [
        { ...source, up: false, lastFailure: { time: statusTime, reason: "powermetrics exited: code 1" } },
      ],
      sinks: [{ ...sinkStatus, state: "retrying" }],
    }),
  );
  assert.equal(level, "failing");
  assert.deepEqual(problems, [
    "powermetrics fails: powermetrics exited: code 1",
    "cannot deliver by remote_write to http://desk:9090/api/v1/write, data waits",
  ]);
});

test("a source without a first sample is starting, one that fell silent fails", () => {
  const [source] = statusOf().sources;
  assert.ok(source);
  const { lastSample: _, ...silent } = source;
  assert.equal(overallOf(statusOf({ sources: [silent] })).level, "starting");
  const old = { ...source, lastSample: statusTime - 16_000 };
  assert.deepEqual(overallOf(statusOf({ sources: [old] })), {
    level: "failing",
    problems: ["no sample of powermetrics for 16 s"],
  });
});

test("every state of a sink has its level", () => {
  const levels = deliveryStatuses.map((state) => [
    state,
    overallOf(statusOf({ sinks: [{ ...sinkStatus, state }] })).level,
  ]);
  assert.deepEqual(Object.fromEntries(levels), {
    starting: "starting",
    ok: "ok",
    draining: "ok",
    retrying: "warning",
    refused: "failing",
    holding: "warning",
    stopped: "ok",
  });
});

test("a journal that works from memory is a warning", () => {
  const journal = {
    durable: false,
    reason: "no space left",
    bytes: 0,
    snapshots: 0,
    dropped: {},
    setAside: 0,
  };
  assert.deepEqual(overallOf(statusOf({ journal })), {
    level: "warning",
    problems: ["the journal works from memory: no space left"],
  });
});

test("a journal whose database was set aside is a warning for a day", () => {
  const journal = { durable: true, bytes: 0, snapshots: 0, dropped: {}, setAside: 1 };
  const hour = 3_600_000;
  const levelAfter = (ms: number): string =>
    overallOf(statusOf({ journal: { ...journal, lastSetAside: statusTime - ms } })).level;
  assert.equal(levelAfter(23 * hour), "warning");
  assert.equal(levelAfter(25 * hour), "ok");
});

test("common failures come with what to do, others speak for themselves", () => {
  assert.match(adviceFor("401") ?? "", /credentials/);
  assert.match(adviceFor("503") ?? "", /goes on trying/);
  assert.equal(adviceFor("999"), undefined);
});

test("what is logged from info on is an event, newest first, with what identifies the case", () => {
  const clock = fakeClock(statusTime);
  const { log, logged } = recordingLogger();
  const recent = rememberEvents(log, clock);
  recent.log.debug("detail");
  recent.log.info("the machine slept", { asleep_s: 20 });
  recent.log.child({ source: "powermetrics" }).warn("cannot start", { reason: "vanished", nested: {} });
  assert.deepEqual(recent.list(), [
    { time: statusTime, level: "warn", message: "cannot start (source=powermetrics, reason=vanished)" },
    { time: statusTime, level: "info", message: "the machine slept (asleep_s=20)" },
  ]);
  assert.deepEqual(logged, ["debug detail", "info the machine slept", "warn cannot start"]);
});

test("events hide secrets, stay on one line, and are bounded", () => {
  const secrets = createKnownSecrets();
  secrets.add("hunter22");
  const recent = rememberEvents(silentLogger, fakeClock(), secrets);
  recent.log.error("refused\n\tby hunter22", { url: "http://u:p@host/" });
  assert.equal(recent.list()[0]?.message, "refused by <secret> (url=http://u:***@host/)");
  for (let index = 0; index < 200; index++) recent.log.info("x".repeat(1000));
  assert.equal(recent.list().length, 50);
  assert.equal(recent.list()[0]?.message.length, 500);
});

test("without a journal the last ten minutes are kept, a second apart", () => {
  const remembered = createSnapshotMemory();
  for (let time = 0; time <= 20 * 60_000; time += 100) remembered.put({ ...snapshotOf(1), time });
  const kept = remembered.since(10 * 60_000);
  assert.equal(kept.at(-1)?.time, 20 * 60_000);
  assert.ok((kept[0]?.time ?? Infinity) <= 10 * 60_000 + 1000);
  assert.ok(kept.length > 590 && kept.length < 1300, String(kept.length));
});
