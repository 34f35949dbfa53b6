/** What a wrong clock and sleep do: receivers are not poisoned, and every sample is accounted for. */
import assert from "node:assert/strict";
import test from "node:test";
import { createOwnMeter } from "../../src/meter/own-meter.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import { snapshot } from "../journal/fixtures.ts";
import { createMachine } from "../soak/machine.ts";
import { total } from "./account.ts";
import { hour, minute, pusher, second } from "./pusher.ts";
import { startReceiver, type Receiver } from "./receiver.ts";

/** Receivers whose clocks are right whatever ours says. */
async function punctual(): Promise<readonly Receiver[]> {
  return Promise.all((["remote_write", "otlp"] as const).map((kind) => startReceiver(kind)));
}

test("a clock set hours ahead: its samples are held until the receiver's time has come, and then arrive", async (context) => {
  const receivers = await punctual();
  const it = await pusher(context, { receivers });
  const { clock } = it;
  const start = clock.now() - clock.monotonic();
  for (const receiver of receivers) receiver.time = () => start + clock.monotonic();
  await it.collect(30, 10 * second);
  await it.advance(10 * second);
  const before = receivers.map(({ taken }) => taken.samples);
  clock.step(3 * hour);
  await it.collect(60, 10 * second);
  it.assertAccounted();
  for (const [at, receiver] of receivers.entries()) {
    assert.ok(receiver.taken.samples - (before[at] ?? 0) <= 4, "nothing from the future was sent");
    assert.ok(it.accountOf(receiver).waiting > 0);
  }
  clock.step(-3 * hour);
  await it.collect(30, 10 * second);
  await it.until(() =>
    it
      .deliveries()
      .reports()
      .every(({ state }) => state.status === "holding" || state.status === "ok"),
  );
  it.assertAccounted();
  await it.drained();
  it.assertAccounted();
  for (const receiver of receivers)
    assert.equal(it.accountOf(receiver).sent, it.accountOf(receiver).collected.samples);
});

test("a clock set back: what it takes twice is refused and counted, a clock hours back goes on from the present", async (context) => {
  const receivers = await punctual();
  const it = await pusher(context, { receivers });
  await it.collect(30, 10 * second);
  it.clock.step(-2 * minute);
  let refused = 0;
  for (let taken = 0; taken < 30; taken++) {
    if (!it.take(snapshot(it.clock.now()))) refused++;
    await it.advance(10 * second);
  }
  assert.ok(refused > 0 && refused < 15, `refused ${refused}`);
  assert.equal(it.journal().state().dropped["clock_backwards"], refused);
  it.clock.step(-5 * hour);
  await it.collect(30, 10 * second);
  await it.drained();
  assert.equal(it.journal().state().dropped["clock_backwards"], refused);
  it.assertAccounted();
  for (const receiver of receivers)
    assert.equal(it.accountOf(receiver).sent, it.accountOf(receiver).collected.samples);
});

for (const fault of ["sleep-gap", "sleep-gap-spanned"])
  test(`the simulator's ${fault}: series end before the sleep, and every sample on both sides arrives`, async (context) => {
    const receivers = await punctual();
    const it = await pusher(context, { receivers, journal: { metricOf: (name) => catalogue.get(name) } });
    const own = createOwnMeter(0);
    const times: number[] = [];
    const machine = createMachine({
      clock: it.clock,
      own,
      publish(one) {
        if (one.source === "powermetrics") times.push(one.time);
        assert.ok(it.take(one));
      },
      flags: ["--fault", `powermetrics:${fault}@20`],
    });
    const stop = new AbortController();
    const running = machine.run(stop.signal);
    await it.until(() => machine.documents === 19);
    const marksBefore = receivers.map(({ taken }) => taken.marks);
    await it.until(() => machine.documents >= 40);
    const gaps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    assert.equal(gaps.filter((ms) => ms > hour - minute).length, 1);
    stop.abort();
    await it.advance(second);
    await running;
    await it.advance(2 * hour);
    await it.drained();
    it.assertAccounted();
    assert.ok((receivers[0]?.taken.marks ?? 0) > (marksBefore[0] ?? 0));
    for (const receiver of receivers) {
      const { collected, sent, lost, dropped } = it.accountOf(receiver);
      assert.equal(sent, collected.samples);
      assert.equal(total(lost) + total(dropped), 0);
    }
  });
