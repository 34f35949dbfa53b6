/** What a receiver's refusal costs before and after it has taken something, and in which protocol delivery goes on. */
import assert from "node:assert/strict";
import test from "node:test";
import { createReceiverHealth } from "../../src/delivery/receiver-health.ts";
import { fakeClock } from "../support/fake-clock.ts";
import {
  badRequest,
  delivered,
  forbidden,
  holding,
  minute,
  perSnapshot,
  rig,
  second,
  sentTimes,
  switchTo,
  tooLarge,
  unavailable,
  valuesIn,
} from "./rig.ts";
import { recordingLogger, type LogLine } from "../support/log.ts";

for (const [name, outcome] of Object.entries({
  "rejects a batch": badRequest,
  "takes none of a batch's samples": { ...delivered, code: "400", rejected: perSnapshot },
  "finds a single sample too large": tooLarge,
}))
  test(`a receiver that ${name} before it has taken anything is asked again after 1, 2, 4 minutes, and nothing is lost`, async (context) => {
    const it = rig(context, { proven: false });
    await it.begin();
    it.answer = ({ times }) => (times.length === 0 ? delivered : outcome);
    const times = [it.append()];
    await it.clock.advance(5 * second + 7 * minute);
    assert.deepEqual(
      it.seen.map(({ at }) => (at - 5 * second) / minute),
      [0, 1, 3, 7],
    );
    assert.equal(it.delivery().state().status, "refused");
    assert.match(
      it.delivery().state().lastFailure?.reason ?? "",
      /taken nothing from this block yet|single sample/,
    );
    assert.deepEqual(it.counts, { sent: 0, dropped: {}, renewed: 0 });
    it.answer = () => delivered;
    await it.clock.advance(8 * minute);
    assert.deepEqual(sentTimes(it.seen.slice(4)), times);
    assert.equal(it.counts.sent, perSnapshot);
    await it.abort();
  });

test("that a receiver has taken something is remembered across a restart", async (context) => {
  const it = rig(context, { proven: false });
  await it.begin();
  it.append();
  await it.clock.advance(10 * second);
  assert.equal(it.counts.sent, perSnapshot);
  await it.restart();
  it.answer = ({ times }) => (times.length === 0 ? delivered : badRequest);
  it.append();
  await it.clock.advance(10 * second);
  assert.deepEqual(it.counts.dropped, { rejected: perSnapshot });
  await it.abort();
});

test("what has been taken in a protocol that is configured no more proves nothing", async (context) => {
  const it = rig(context, { proven: false, sink: { protocols: ["two"] } });
  it.cursor().accept("receiver one");
  it.cursor().accept("elsewhere two");
  await it.begin();
  it.answer = ({ times }) => (times.length === 0 ? delivered : badRequest);
  it.append();
  await it.clock.advance(10 * second);
  assert.equal(it.delivery().state().status, "refused");
  assert.deepEqual(it.counts.dropped, {});
  await it.abort();
});

test("a batch that is refused in both protocols is dropped, and the next one goes in the one that was taken before", async (context) => {
  const it = rig(context);
  await it.begin();
  const bad = it.append();
  it.answer = ({ protocol, times }) => {
    if (!times.includes(bad)) return delivered;
    return protocol === "two" ? switchTo("one") : badRequest;
  };
  await it.clock.advance(10 * second);
  const good = it.append();
  await it.clock.advance(10 * second);
  assert.deepEqual(
    it.seen.map(({ protocol, times }) => [protocol, times[0]]),
    [
      ["two", bad],
      ["one", bad],
      ["two", good],
    ],
  );
  assert.deepEqual(it.counts, { sent: perSnapshot, dropped: { rejected: perSnapshot }, renewed: 0 });
  await it.abort();
});

test("a receiver that refuses the second protocol as well is asked in the first one again", async (context) => {
  const it = rig(context, { proven: false });
  await it.begin();
  it.answer = ({ protocol, times }) => {
    if (times.length === 0) return delivered;
    return protocol === "two" ? switchTo("one") : badRequest;
  };
  it.append();
  await it.clock.advance(10 * second);
  it.answer = ({ protocol }) => (protocol === "two" ? delivered : badRequest);
  await it.clock.advance(minute);
  assert.deepEqual(
    it.seen.map(({ protocol }) => protocol),
    ["two", "one", "two"],
  );
  assert.deepEqual(it.counts, { sent: perSnapshot, dropped: {}, renewed: 0 });
  await it.abort();
});

test("a single snapshot that is interrupted between its parts goes on where it was", async (context) => {
  const it = rig(context, { divisible: true });
  await it.begin();
  let refusals = 1;
  it.answer = (seen) => {
    if (seen.times.length === 0) return delivered;
    const values = valuesIn(seen);
    if (values.length > 2) return tooLarge;
    return values.includes(3) && refusals-- > 0 ? forbidden : delivered;
  };
  it.append(holding([1, 2, 3, 4]));
  await it.clock.advance(2 * minute);
  assert.deepEqual(it.seen.map(valuesIn), [
    [1, 2, 3, 4],
    [1, 2],
    [3, 4],
    [3, 4],
  ]);
  assert.deepEqual(it.counts, { sent: 4, dropped: {}, renewed: 0 });
  await it.abort();
});

test("of a part that fails for now the same bytes go again", async (context) => {
  const it = rig(context, { divisible: true });
  await it.begin();
  let failures = 3;
  it.answer = (seen) => {
    if (seen.times.length === 0) return delivered;
    if (valuesIn(seen).length > 1) return tooLarge;
    return failures-- > 0 ? unavailable : delivered;
  };
  it.append(holding([1, 2]));
  await it.clock.advance(minute);
  const texts = it.seen.slice(1).map(({ text }) => text);
  assert.equal(texts.length, 5);
  assert.equal(new Set(texts).size, 2);
  assert.equal(it.counts.sent, 2);
  await it.abort();
});

function healthOf({ accepted = [] }: { readonly accepted?: string[] } = {}) {
  const clock = fakeClock();
  const lines: LogLine[] = [];
  const health = createReceiverHealth(
    { id: "remote_write/test", target: "receiver", protocols: ["two", "one"] },
    {
      backoff: { minMs: 100, maxMs: 30 * second },
      memory: { accepted: () => accepted, accept: (key) => void accepted.push(key) },
      clock,
      random: () => 0.5,
      log: recordingLogger(lines),
    },
  );
  return { clock, health, lines };
}

test("alone: waits double until the receiver is reached, and what it asks for is quiet time", () => {
  const { health, lines } = healthOf();
  assert.equal(health.status, "starting");
  assert.deepEqual(
    [1, 2, 3].map(() => health.failed(unavailable)),
    [100, 200, 400],
  );
  assert.deepEqual([health.status, health.quietMs], ["retrying", 0]);
  assert.equal(health.failed({ ...unavailable, afterMs: minute }), minute);
  assert.equal(health.quietMs, minute);
  health.report("draining");
  assert.equal(health.status, "retrying", "what fails is reported before what the loop is at");
  health.reached();
  assert.deepEqual([health.status, health.failed(unavailable)], ["ok", 100]);
  assert.deepEqual(
    lines.map(({ level, message }) => `${level} ${message}`),
    [
      "warn cannot deliver to remote_write/test: service unavailable",
      "info reached remote_write/test again",
      "warn cannot deliver to remote_write/test: service unavailable",
    ],
  );
});

test("alone: a refusal waits 1, 2, 4, 8 and 15 minutes and goes on in the protocol that was taken last", () => {
  const { health } = healthOf({ accepted: ["receiver two", "receiver one", "elsewhere two"] });
  assert.deepEqual([health.protocol, health.proven], ["two", true]);
  const waits = [1, 2, 3, 4, 5, 6].map(() => health.refused(forbidden) / minute);
  assert.deepEqual([waits, health.status, health.protocol], [[1, 2, 4, 8, 15, 15], "refused", "one"]);
  health.reached();
  assert.equal(health.refused(forbidden), minute);
});

test("alone: four switches in a row cost no time, a fifth does", () => {
  const { health } = healthOf();
  const switches = ["one", "two", "one", "two", "one"].map((protocol) =>
    health.switchTo({ status: "switch", code: "415", reason: "unsupported", protocol }),
  );
  assert.deepEqual(
    [switches, health.status, health.protocol],
    [[0, 0, 0, 0, 30 * second], "retrying", "two"],
  );
});

test("alone: a wake keeps all quiet for the herd's sake, the end of a long outage only the backlog", async () => {
  const { health, clock } = healthOf();
  for (const [outageMs, quietMs] of [
    [4 * minute, 0],
    [6 * minute, 15 * second],
  ] as const) {
    health.failed(unavailable);
    await clock.advance(outageMs);
    health.reached();
    assert.deepEqual([health.backlogQuietMs, health.quietMs], [quietMs, 0]);
  }
  health.woke();
  assert.equal(health.quietMs, 15 * second);
  await clock.advance(15 * second);
  assert.deepEqual([health.backlogQuietMs, health.quietMs], [0, 0]);
});
