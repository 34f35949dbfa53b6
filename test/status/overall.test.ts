/** The judgement over all, and the advice. */
import assert from "node:assert/strict";
import test from "node:test";
import { adviceFor, overallOf } from "../../src/status/overall.ts";
import { deliveryStatuses } from "../../src/delivery/types.ts";
import {
  sinkStatus,
  statusOf,
  statusTime,
  targetDown,
  targetNotYet,
  targetStatus,
} from "../support/status.ts";

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

test("a target that is down is a warning with its reason; of many the first is named", () => {
  assert.deepEqual(overallOf(statusOf({ targets: [targetStatus, targetNotYet] })).problems, []);
  const one =
    "macmon at 127.0.0.1:9090 cannot be scraped: cannot connect to 127.0.0.1:9090: connection refused";
  const few = overallOf(statusOf({ targets: [targetStatus, targetDown, targetDown] }));
  assert.deepEqual(few, { level: "warning", problems: [one, one] });
  const targets = [targetStatus, ...Array.from({ length: 31 }, () => targetDown)];
  assert.deepEqual(overallOf(statusOf({ targets })).problems, [
    "31 of 32 targets cannot be scraped, among them macmon at 127.0.0.1:9090: cannot connect to 127.0.0.1:9090: connection refused",
  ]);
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

test("clocks that are more than a day apart are a warning, which says what to do", () => {
  const judged = (skewMs: number, state: (typeof deliveryStatuses)[number] = "ok") =>
    overallOf(statusOf({ sinks: [{ ...sinkStatus, state, skewMs }] })).problems;
  const hour = 3_600_000;
  for (const skewMs of [-72 * hour, 72 * hour])
    assert.deepEqual(judged(skewMs), [
      "http://desk:9090/api/v1/write's clock and this machine's are 72 h apart: set the wrong one, nothing is held back",
    ]);
  assert.deepEqual(judged(-24 * hour), []);
  assert.equal(judged(-72 * hour, "holding").length, 1, "which says what to do itself");
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
  assert.match(adviceFor("503") ?? "", /keeps trying/);
  assert.equal(adviceFor("999"), undefined);
});
