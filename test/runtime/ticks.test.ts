/** Timers that share wakeups: when they come, and how many wakeups they cost. */
import assert from "node:assert/strict";
import test from "node:test";
import { startLimit, systemClock, type Clock, type TimerOptions } from "../../src/runtime/clock.ts";
import { createTicks } from "../../src/runtime/ticks.ts";
import { fakeClock, withTicks } from "../support/fake-clock.ts";

function world() {
  const clock = fakeClock();
  let wakeups = 0;
  const counted: Pick<Clock, "monotonic" | "after"> = {
    monotonic: () => clock.monotonic(),
    after: (ms, callback) =>
      clock.after(ms, () => {
        wakeups++;
        callback();
      }),
  };
  const ticks = createTicks(counted, 5000);
  const fired: string[] = [];
  return {
    clock,
    fired,
    wakeups: () => wakeups,
    ticking: {
      monotonic: counted.monotonic,
      after: (...[ms, callback, options]: Parameters<Clock["after"]>) =>
        ticks.after(ms, callback, options) ?? counted.after(ms, callback),
    },
    set: (name: string, ms: number, align?: TimerOptions["align"]) =>
      ticks.after(ms, () => void fired.push(`${name} at ${clock.monotonic()}`), { align }),
  };
}

test("early timers come at the last tick before their time, late ones at the first after it, all in one wakeup", async () => {
  const { clock, fired, wakeups, set } = world();
  await clock.advance(1000);
  set("beat", 5000, "early");
  set("commit", 8000, "early");
  set("limit", 3000, "late");
  await clock.advance(3999);
  assert.deepEqual(fired, []);
  await clock.advance(1);
  assert.deepEqual(fired, ["beat at 5000", "commit at 5000", "limit at 5000"]);
  assert.equal(wakeups(), 1);
});

test("timers of a tick come by rank, each when the promises of the ones before have gone on", async () => {
  const clock = fakeClock();
  const ticking = withTicks(clock);
  const fired: string[] = [];
  const later = (name: string, rank: 0 | 1 | 2) =>
    ticking.after(5000, () => void fired.push(name), { align: "early", rank });
  const sampling = async (): Promise<void> => {
    await ticking.sleep(5000, undefined, { align: "early" });
    for (const word of ["samples", "of", "this", "tick"]) fired.push(await Promise.resolve(word));
  };
  const sending = async (): Promise<void> => {
    await ticking.sleep(5000, undefined, { align: "early", rank: 1 });
    fired.push(await Promise.resolve("batch"));
    needless[Symbol.dispose]();
  };
  await clock.advance(1);
  later("commit", 2);
  const needless = later("needless commit", 2);
  const done = [sending(), sampling()];
  await clock.advance(5000);
  await Promise.all(done);
  assert.deepEqual(fired, ["samples", "of", "this", "tick", "batch", "commit"]);
  assert.equal(clock.pending, 0);
});

test("what is to come at once comes in the next turn, in the background too, and not when something else wakes the process", async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.after(1, () => {
      systemClock.after(0, () => void order.push("at once"), { background: true });
      systemClock.after(0, () => void order.push("cancelled"))[Symbol.dispose]();
      systemClock.after(50, () => resolve(void order.push("later")));
    });
  });
  assert.deepEqual(order, ["at once", "later"]);
});

test("a timer without alignment, or without a tick before its time, is left to the exact clock", () => {
  const { set } = world();
  assert.equal(set("exact", 7000), undefined);
  assert.equal(set("soon", 4000, "early"), undefined);
  assert.notEqual(set("soon", 4000, "late"), undefined);
});

test("a repeated timer keeps its period on the ticks, though each round begins a little late", async () => {
  const { clock, fired, set } = world();
  const again = (): void => {
    for (const line of fired.splice(0)) seen.push(line);
    set("beat", 5000, "early");
  };
  const seen: string[] = [];
  await clock.advance(300);
  again();
  for (let round = 0; round < 4; round++) {
    await clock.advance(5000 - (clock.monotonic() % 5000) + round);
    again();
  }
  assert.deepEqual(seen, ["beat at 5000", "beat at 10000", "beat at 15000", "beat at 20000"]);
});

test("a cancelled timer neither comes nor costs a wakeup, also when one of the same tick cancels it", async () => {
  const { clock, fired, wakeups, set } = world();
  const cancelled = set("cancelled", 1000, "late");
  cancelled?.[Symbol.dispose]();
  cancelled?.[Symbol.dispose]();
  await clock.advance(6000);
  assert.deepEqual([fired, wakeups(), clock.pending], [[], 0, 0]);

  const ticks = createTicks(clock, 5000);
  const second = { timer: undefined as Disposable | undefined };
  ticks.after(1000, () => second.timer?.[Symbol.dispose](), { align: "late" });
  second.timer = ticks.after(1000, () => fired.push("second"), { align: "late" });
  await clock.advance(6000);
  assert.deepEqual([fired, clock.pending], [[], 0]);
});

test("a limit comes at its time, and costs no wakeup of its own when it is cancelled before the last tick", async () => {
  for (const [from, ms] of [
    [300, 5500],
    [300, 12_000],
    [4999, 5000],
    [100, 200],
    [0, 10_000],
  ] as const) {
    const clock = fakeClock();
    const at: number[] = [];
    const ticking = withTicks(clock);
    await clock.advance(from);
    startLimit(ticking, ms, () => void at.push(clock.monotonic()));
    await clock.advance(20_000);
    const late = (at[0] ?? NaN) - from - ms;
    assert.ok(late >= 0 && late <= 5, `${ms} ms took ${late} more`);
    assert.deepEqual([at.length, clock.pending], [1, 0]);
  }
  const { clock, wakeups, ticking, set } = world();
  set("beat", 5000, "early");
  using limit = startLimit(ticking, 12_000, () => assert.fail());
  await clock.advance(5000);
  limit[Symbol.dispose]();
  await clock.advance(20_000);
  assert.deepEqual([wakeups(), clock.pending], [1, 0]);
});

test("a process is kept alive as long as one timer of a tick wants it", () => {
  const kept: boolean[] = [];
  const ticks = createTicks(
    {
      monotonic: () => 0,
      after(_ms, _callback, options) {
        kept.push(options?.background !== true);
        return { [Symbol.dispose]: () => undefined };
      },
    },
    5000,
  );
  ticks.after(100, () => undefined, { align: "late", background: true });
  const wanted = ticks.after(100, () => undefined, { align: "late" });
  wanted?.[Symbol.dispose]();
  assert.deepEqual(kept, [false, true, false]);
});
