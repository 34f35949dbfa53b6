/** Which snapshots go first: live ones, a backlog, and those ahead of the receiver's clock. */
import assert from "node:assert/strict";
import test, { type TestContext } from "node:test";
import {
  delivered,
  hour,
  minute,
  perSnapshot,
  rig,
  second,
  sentTimes,
  unavailable,
  type Rig,
  type RigOptions,
} from "./rig.ts";

const small = { maxSamples: 10 * perSnapshot };

/** A receiver that has been away for `ms` while a snapshot came every 10 s. */
async function outage(context: TestContext, ms: number, options: RigOptions = {}) {
  const it = rig(context, { sink: small, ...options });
  it.start();
  await it.clock.advance(0);
  it.answer = () => unavailable;
  const missed = await it.collect(ms / (10 * second), 10 * second);
  const before = it.seen.length;
  it.answer = () => delivered;
  return { it, missed, resumed: () => it.seen.slice(before) };
}

async function until(it: Rig, done: () => boolean, each = second): Promise<void> {
  for (let turn = 0; !done(); turn++) {
    assert.ok(turn < 2000, "never came");
    await it.clock.advance(each);
  }
}

const ascending = (times: readonly number[]): readonly number[] => times.toSorted((a, b) => a - b);

test("a young backlog goes oldest first, and live snapshots follow in order", async (context) => {
  const { it, missed, resumed } = await outage(context, 30 * minute, { pacing: { drainRate: perSnapshot } });
  const live: number[] = [];
  for (let turn = 0; it.cursor().ranges().length > 0; turn++) {
    assert.ok(turn < 100);
    live.push(...(await it.collect(1, 10 * second)));
  }
  const times = sentTimes(resumed());
  assert.deepEqual(times, [...missed, ...live].slice(0, times.length));
  assert.ok(live.length > 3);
  await it.abort();
});

test("a backlog of more than an hour waits for live snapshots, which never wait for more than a batch of it", async (context) => {
  const { it, missed, resumed } = await outage(context, 3 * hour, { pacing: { drainRate: perSnapshot } });
  const live = await it.collect(200, 10 * second);
  await it.clock.advance(10 * second);
  const batches = resumed();
  assert.deepEqual(ascending(sentTimes(batches)), [...missed, ...live], "each once");
  const backlog = sentTimes(batches).filter((time) => missed.includes(time));
  const [tried = 0, ...others] = backlog;
  assert.equal(tried, missed[0], "what was tried all the time goes first");
  const overtaking = batches[1]?.times.filter((time) => missed.includes(time)) ?? [];
  assert.deepEqual(overtaking, missed.slice(-overtaking.length), "then the newest");
  assert.deepEqual(others.slice(overtaking.length), missed.slice(1, -overtaking.length), "then oldest first");
  const wallOffset = it.clock.now() - it.clock.monotonic();
  for (const time of live) {
    const cameAt = time - wallOffset;
    if (cameAt < (batches[0]?.at ?? 0)) continue;
    const sentAt = batches.find(({ times }) => times.includes(time))?.at ?? Infinity;
    assert.ok(sentAt - cameAt <= 5 * second, `${sentAt - cameAt} ms`);
  }
  await it.abort();
});

test("where nothing may overtake, a recording goes in its own order however old it is", async (context) => {
  const { it, missed, resumed } = await outage(context, 3 * hour, { pacing: { mayOvertake: false } });
  await it.clock.advance(minute);
  assert.deepEqual(sentTimes(resumed()), missed);
  await it.abort();
});

test("a backlog drains at its pace, and says so", async (context) => {
  const { it, resumed } = await outage(context, 20 * minute, { pacing: { drainRate: 2 * perSnapshot } });
  await until(it, () => resumed().length > 1);
  assert.equal(it.delivery().state().status, "draining");
  assert.ok(it.delivery().state().backlog.snapshots > 0);
  await until(it, () => it.cursor().ranges().length === 0);
  const batches = resumed().slice(1, -1);
  const [first, last] = [batches[0], batches.at(-1)];
  const samples = (sentTimes(batches).length - 10) * perSnapshot;
  assert.equal(samples / (((last?.at ?? 0) - (first?.at ?? 0)) / 1000), 2 * perSnapshot);
  await it.clock.advance(minute);
  assert.equal(it.delivery().state().status, "ok");
  await it.abort();
});

test("after a long outage the backlog waits for its share of the herd's delay, after a short one it does not", async (context) => {
  for (const [ms, delay] of [
    [20 * minute, 15 * second],
    [2 * minute, 0],
  ] as const) {
    const { it, resumed } = await outage(context, ms);
    await until(it, () => resumed().length > 0, 100);
    await it.clock.advance(16 * second);
    const [first, second_] = resumed();
    assert.equal((second_?.at ?? NaN) - (first?.at ?? NaN), delay);
    await it.abort();
  }
});

test("after wake nothing goes before the herd's delay is over, then the same bytes as before it", async (context) => {
  const it = rig(context);
  it.start();
  await it.clock.advance(0);
  it.append();
  it.answer = () => unavailable;
  await it.clock.advance(minute);
  const before = it.seen.length;
  const probes = it.probes.length;
  it.delivery().woke();
  assert.equal(it.counts.renewed, 1);
  it.answer = () => delivered;
  it.append();
  await it.clock.advance(15 * second - 1);
  assert.equal(it.seen.length, before);
  assert.equal(it.probes.length, probes);
  await it.clock.advance(1);
  assert.equal(it.probes.length, probes + 1);
  assert.equal(it.seen[before]?.text, it.seen[0]?.text);
  assert.equal(it.counts.sent, 2 * perSnapshot);
  await it.abort();
});

test("a wake begins the backoff anew", async (context) => {
  const it = rig(context);
  it.start();
  await it.clock.advance(0);
  it.append();
  it.answer = () => unavailable;
  await it.clock.advance(10 * minute);
  it.delivery().woke();
  await it.clock.advance(15 * second + 700);
  assert.deepEqual(
    it.probes.slice(1).map(({ at }) => Math.round(at - (it.probes[1]?.at ?? 0))),
    [0, 100, 300, 700],
  );
  await it.abort();
});

test("a request under way at wake ends as it may, and is not sent twice", async (context) => {
  const it = rig(context);
  it.start();
  await it.clock.advance(0);
  it.answer = () => {
    if (it.seen.length === 1) it.delivery().woke();
    return delivered;
  };
  it.append();
  await it.clock.advance(minute);
  assert.equal(it.seen.length, 1);
  assert.equal(it.counts.sent, perSnapshot);
  await it.abort();
});

test("samples more than 5 minutes ahead of the receiver are held, and earlier ones pass them", async (context) => {
  const it = rig(context);
  it.skewMs = -10 * minute;
  it.start();
  await it.clock.advance(0);
  const now = it.append();
  const early = it.append({ source: "other", time: now - 6 * minute });
  await it.clock.advance(5 * second);
  assert.deepEqual(sentTimes(it.seen), [early]);
  await it.clock.advance(minute);
  assert.equal(it.delivery().state().status, "holding");
  assert.equal(it.delivery().state().skewMs, -10 * minute);
  await it.clock.advance(5 * minute);
  assert.deepEqual(sentTimes(it.seen), [early, now], "their time has come");
  assert.deepEqual(it.counts.dropped, {});
  await it.abort();
});

test("once our clock is right again what is held goes within half a minute, though nothing else tells the time", async (context) => {
  const it = rig(context);
  it.clock.step(20 * minute);
  it.skewMs = -20 * minute;
  it.start();
  await it.clock.advance(0);
  await it.collect(3, second);
  await it.clock.advance(minute);
  assert.equal(it.seen.length, 0);
  it.clock.step(-20 * minute);
  it.skewMs = 0;
  const right = it.append();
  await it.clock.advance(40 * second);
  assert.deepEqual(sentTimes(it.seen), [right]);
  await it.abort();
});

test("a clock that is set ahead while we run is noticed before its samples are sent", async (context) => {
  const it = rig(context);
  it.skewMs = 0;
  it.start();
  await it.clock.advance(0);
  const right = it.append();
  await it.clock.advance(5 * second);
  it.clock.step(24 * hour);
  it.skewMs = -24 * hour;
  it.append();
  await it.clock.advance(minute);
  assert.deepEqual(sentTimes(it.seen), [right]);
  assert.equal(it.delivery().state().status, "holding");
  await it.abort();
});

test("while everything is held, the receiver is asked twice a minute and no more", async (context) => {
  const it = rig(context);
  it.skewMs = -24 * hour;
  it.start();
  await it.collect(60, 10 * second);
  assert.equal(it.seen.length, 0);
  assert.ok(it.probes.length <= 22, `${it.probes.length} probes`);
  await it.abort();
});

test("what is held in front does not spoil the batches behind it", async (context) => {
  const it = rig(context);
  it.clock.step(10 * hour);
  it.skewMs = -10 * hour;
  it.start();
  await it.clock.advance(0);
  await it.collect(2, 10 * second);
  it.clock.step(-10 * hour);
  it.skewMs = 0;
  await it.clock.advance(minute);
  const times = await it.collect(20, second);
  await it.clock.advance(5 * second);
  assert.deepEqual(sentTimes(it.seen), times);
  assert.ok(it.seen.length <= 5, `${it.seen.length} batches`);
  await it.abort();
});

test("after a glitch of the clock and an outage the young backlog goes in order, live samples behind it", async (context) => {
  const it = rig(context, { sink: { maxSamples: 20 }, pacing: { drainRate: 20 } });
  it.skewMs = 0;
  it.start();
  await it.clock.advance(0);
  const before = await it.collect(5, second);
  it.clock.step(hour);
  it.skewMs = -hour;
  const ahead = await it.collect(9, second);
  it.clock.step(-hour);
  it.skewMs = 0;
  it.answer = () => unavailable;
  const missed = await it.collect(20, second);
  it.answer = () => delivered;
  it.seen.length = 0;
  const live = await it.collect(120, second);
  await it.clock.advance(10 * minute);
  const sent = [...new Set(sentTimes(it.seen))];
  assert.deepEqual(
    sent,
    sent.toSorted((a, b) => a - b),
    "nothing was overtaken",
  );
  assert.deepEqual(sent.slice(-140), [...missed, ...live].slice(-140));
  assert.ok(before.length > 0 && !ahead.some((time) => sent.includes(time)));
  assert.equal(it.cursor().backlog().snapshots, ahead.length);
  const told = it.lines.filter(({ message }) => message.startsWith("holding"));
  assert.equal(told.length, 1);
  await it.abort();
});

test("what was held goes between the samples that are taken when its time has come", async (context) => {
  const it = rig(context);
  it.skewMs = 0;
  it.start();
  await it.clock.advance(0);
  await it.collect(5, second);
  it.clock.step(10 * minute + 300);
  it.skewMs = -10 * minute - 300;
  const ahead = await it.collect(9, second);
  it.clock.step(-10 * minute - 300);
  it.skewMs = 0;
  await it.collect(900, second);
  await it.clock.advance(minute);
  const sent = sentTimes(it.seen);
  assert.ok(ahead.every((time) => sent.includes(time)));
  const late = sent.filter((time, at) => sent.slice(0, at).some((earlier) => earlier > time));
  assert.ok(late.length <= 1, `${late.length} samples out of order`);
  assert.equal(it.cursor().backlog().snapshots, 0);
  await it.abort();
});

for (const [name, date] of [
  ["of 1970", 131_000],
  ["of 2010", Date.UTC(2010, 0, 1)],
] as const)
  test(`a receiver's Date ${name} cannot be true: nothing is held, and the log says so once`, async (context) => {
    const it = rig(context);
    it.skewMs = date - it.clock.now();
    it.start();
    await it.clock.advance(0);
    const times = await it.collect(20, second);
    await it.clock.advance(10 * second);
    assert.deepEqual(sentTimes(it.seen), times);
    assert.equal(it.delivery().state().skewMs, undefined);
    assert.equal(disbelieved(it).length, 1);
    await it.abort();
  });

test("where the clocks are days apart from the start either may be wrong: nothing is held, and log and state say what to set", async (context) => {
  const it = rig(context);
  it.clock.step(72 * hour);
  it.skewMs = -72 * hour;
  await it.restart();
  await it.clock.advance(0);
  const ahead = await it.collect(20, second);
  await it.clock.advance(10 * second);
  assert.deepEqual(sentTimes(it.seen), ahead);
  assert.equal(it.delivery().state().skewMs, -72 * hour);
  assert.match(disbelieved(it).join(), /^unexpected time .* set this machine's clock or the receiver's$/);
  it.clock.step(-72 * hour);
  it.skewMs = 0;
  it.delivery().woke();
  await it.clock.advance(minute);
  assert.equal(it.delivery().state().skewMs, 0, "believed once the wrong one is set");
  await it.abort();
});

function disbelieved({ lines }: Rig): readonly string[] {
  return lines.flatMap(({ message }) => (message.startsWith("unexpected time") ? [message] : []));
}
