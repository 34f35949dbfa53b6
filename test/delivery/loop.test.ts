/** When a batch goes, and what a wake of the machine changes, on a clock that only the test moves. */
import assert from "node:assert/strict";
import test from "node:test";
import {
  delivered,
  minute,
  perSnapshot,
  rig,
  second,
  sentTimes,
  switchTo,
  tooLarge,
  unavailable,
} from "./rig.ts";

test("nothing is sent before the receiver has answered an empty request", async (context) => {
  const it = rig(context);
  it.answer = ({ times }) => (times.length === 0 ? undefined : delivered);
  it.start();
  await it.collect(3, 10 * second);
  assert.equal(it.probes.length, 1);
  assert.equal(it.seen.length, 0);
  assert.equal(it.delivery().state().status, "starting");
  await it.abort();
});

test("what comes within the deadline goes in one batch, and nothing is sent while nothing waits", async (context) => {
  const it = rig(context);
  it.start();
  await it.clock.advance(minute);
  assert.equal(it.seen.length, 0);
  const times = await it.collect(3, second);
  await it.clock.advance(1999);
  assert.equal(it.seen.length, 0);
  await it.clock.advance(1);
  assert.deepEqual(
    it.seen.map((one) => [one.at, one.times]),
    [[minute + 5 * second, times]],
  );
  assert.equal(it.delivery().state().status, "ok");
  assert.equal(it.counts.sent, 3 * perSnapshot);
  await it.clock.advance(minute);
  assert.equal(it.seen.length, 1);
  await it.abort();
});

test("a batch goes with a common tick shortly before its deadline, and at its deadline where there is none", async (context) => {
  const it = rig(context, { ticks: true });
  await it.begin();
  await it.clock.advance(5 * second + 20);
  it.append();
  await it.clock.advance(7 * second - 20);
  it.append();
  await it.clock.advance(10 * second);
  assert.deepEqual(
    it.seen.map(({ at }) => at),
    [10 * second, 17 * second],
  );
  await it.abort();
});

test("a deadline that passes between two looks at the clock is not missed", async (context) => {
  for (let looks = 1; looks <= 8; looks++) {
    const it = rig(context);
    await it.begin();
    const exact = { ...it.clock };
    let looked = 0;
    Object.assign(it.clock, {
      // Every look takes its time, and a timer may end so many looks too early, as Node's end up to a millisecond too early.
      monotonic: () => exact.monotonic() + 0.01 * looked++,
      after: (ms: number, callback: () => void) => exact.after(ms - 0.01 * looks, callback),
    });
    it.append();
    await it.clock.advance(6 * second);
    assert.equal(it.seen.length, 1, `${looks} looks`);
    await it.abort();
  }
});

test("what comes during a request gets a deadline of its own", async (context) => {
  const it = rig(context);
  await it.begin();
  it.append();
  let late = 0;
  it.answer = ({ times }) => {
    if (times.length > 0 && late === 0) {
      it.clock.step(1);
      late = it.append();
    }
    return delivered;
  };
  await it.clock.advance(9999);
  assert.equal(it.seen.length, 1);
  await it.clock.advance(1);
  assert.deepEqual(it.seen[1]?.times, [late]);
  assert.equal(it.seen[1].at, 10 * second);
  await it.abort();
});

test("more than fits one request goes in several at once, oldest first", async (context) => {
  const it = rig(context, { sink: { maxSamples: 3 * perSnapshot } });
  await it.begin();
  const times = await it.collect(7, 100);
  await it.clock.advance(5 * second);
  assert.deepEqual(
    it.seen.map((one) => one.times.length),
    [3, 3, 1],
  );
  assert.deepEqual(sentTimes(it.seen), times);
  assert.equal(new Set(it.seen.map(({ at }) => at)).size, 1);
  await it.abort();
});

test("after a backlog was delivered, live snapshots are still waited for and sent", async (context) => {
  const it = rig(context);
  const old = [it.append()];
  await it.clock.advance(10 * minute);
  await it.begin();
  assert.deepEqual(sentTimes(it.seen), old);
  const fresh = await it.collect(3, 10 * second);
  assert.deepEqual(sentTimes(it.seen), [...old, ...fresh]);
  await it.abort();
});

test("after the journal lost all that waited, live snapshots are still sent", async (context) => {
  const it = rig(context);
  await it.begin();
  it.append();
  const [range] = it.cursor().ranges();
  assert.ok(range);
  it.cursor().discard(range, "max_age");
  await it.clock.advance(minute);
  assert.equal(it.seen.length, 0);
  const fresh = await it.collect(2, 10 * second);
  assert.deepEqual(sentTimes(it.seen), fresh);
  await it.abort();
});

test("a batch that its protocol cost a try goes at once in the other one", async (context) => {
  const it = rig(context);
  await it.begin();
  it.answer = ({ protocol }) => (protocol === "two" ? switchTo("one") : delivered);
  const time = it.append();
  await it.clock.advance(5 * second);
  assert.deepEqual(
    it.seen.map(({ at, protocol, times }) => [at, protocol, times]),
    [
      [5000, "two", [time]],
      [5000, "one", [time]],
    ],
  );
  assert.equal(it.delivery().state().protocol, "one");
  assert.equal(it.counts.sent, perSnapshot);
  await it.abort();
});

test("a batch that is too large goes at once in halves, down to single snapshots, and grows again", async (context) => {
  const it = rig(context);
  await it.begin();
  it.answer = ({ times }) => (times.length > 3 ? tooLarge : delivered);
  const times = await it.collect(8, 100);
  await it.clock.advance(5 * second);
  assert.deepEqual(
    it.seen.map((one) => one.times.length),
    [8, 4, 2, 3, 3],
  );
  const taken = it.seen.filter((one) => one.times.length <= 3);
  assert.deepEqual(sentTimes(taken), times);
  assert.equal(it.counts.sent, 8 * perSnapshot);
  await it.abort();
});

test("a snapshot that is too large alone is dropped and counted, and the others go", async (context) => {
  const it = rig(context);
  await it.begin();
  const times = await it.collect(3, 100);
  it.answer = (seen) => (seen.times.includes(times[1] ?? 0) ? tooLarge : delivered);
  await it.clock.advance(5 * second);
  assert.deepEqual(it.counts, {
    sent: 2 * perSnapshot,
    dropped: { too_large: perSnapshot },
    renewed: 0,
  });
  assert.deepEqual(it.cursor().ranges(), []);
  await it.abort();
});

test("a body beyond the sink's limit is split before it is sent", async (context) => {
  const it = rig(context, { sink: { maxBytes: 400 } });
  await it.begin();
  const times = await it.collect(8, 100);
  await it.clock.advance(5 * second);
  assert.deepEqual(sentTimes(it.seen), times);
  assert.ok(it.seen.every(({ text }) => text.length <= 400));
  assert.ok(it.seen.length < 8);
  await it.abort();
});

test("after wake nothing goes before the herd's delay is over, then the same bytes as before it", async (context) => {
  const it = rig(context);
  await it.begin();
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
  await it.begin();
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
  await it.begin();
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
