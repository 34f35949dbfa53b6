/** Samples that are ahead of the receiver's clock are held, and a clock that cannot be right holds nothing. */
import assert from "node:assert/strict";
import test from "node:test";
import { delivered, hour, minute, rig, second, sentTimes, unavailable, type Rig } from "./rig.ts";

test("samples more than 5 minutes ahead of the receiver are held, and earlier ones pass them", async (context) => {
  const it = rig(context);
  it.skewMs = -10 * minute;
  await it.begin();
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

test("once our clock is right again what is held goes within half a minute, though nothing else shows the time", async (context) => {
  const it = rig(context);
  it.clock.step(20 * minute);
  it.skewMs = -20 * minute;
  await it.begin();
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
  await it.begin();
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
  await it.begin();
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
  await it.begin();
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
  const logged = it.lines.filter(({ message }) => message.startsWith("holding"));
  assert.equal(logged.length, 1);
  await it.abort();
});

test("what was held goes between the samples that are taken when its time has come", async (context) => {
  const it = rig(context);
  it.skewMs = 0;
  await it.begin();
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
    await it.begin();
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
