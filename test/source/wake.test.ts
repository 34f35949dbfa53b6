import assert from "node:assert/strict";
import test from "node:test";
import { childEnvironment } from "../../src/source/child.ts";
import {
  createHeartbeat,
  wakeTimeReader,
  watchTime,
  type TimeJump,
  type WakeOptions,
} from "../../src/source/heartbeat.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import { fakeTool, sleepyClock, type SleepyClock } from "./events.ts";

interface Watched {
  readonly fake: FakeClock;
  readonly clock: SleepyClock;
  readonly jumps: TimeJump[];
  readonly watch: Disposable;
}

async function watched(options: Partial<WakeOptions> = {}): Promise<Watched> {
  const fake = fakeClock();
  const clock = sleepyClock(fake);
  const jumps: TimeJump[] = [];
  const heartbeat = createHeartbeat(clock);
  const watch = watchTime({ heartbeat, intervalMs: 1000, onJump: (jump) => jumps.push(jump), ...options });
  await fake.advance(12_000);
  return { fake, clock, jumps, watch };
}

const hour = 3_600_000;

test("an hour with the lid closed is a wake, when the kernel's wake time moved", async () => {
  let wakeTime = "{ sec = 1, usec = 0 }";
  const { fake, clock, jumps } = await watched({ readWakeTime: () => Promise.resolve(wakeTime) });
  wakeTime = "{ sec = 3601, usec = 0 }";
  clock.fallAsleep(hour);
  await fake.advance(5000);
  assert.deepEqual(jumps, [{ kind: "woke", asleepMs: hour }]);
  await fake.advance(60_000);
  assert.equal(jumps.length, 1);
});

test("a process that stood still on an awake machine is no wake", async () => {
  const { fake, clock, jumps } = await watched({ readWakeTime: () => Promise.resolve("the same") });
  clock.fallAsleep(hour);
  await fake.advance(5000);
  assert.deepEqual(jumps, []);
});

test("a clock set an hour forwards on an awake machine is a step", async () => {
  const { fake, jumps } = await watched({ readWakeTime: () => Promise.resolve("the same") });
  fake.step(hour);
  await fake.advance(5000);
  assert.deepEqual(jumps, [{ kind: "stepped", byMs: hour }]);
});

test("where the kernel has no wake time, the gap alone is a wake", async () => {
  const { fake, clock, jumps } = await watched();
  clock.fallAsleep(hour);
  await fake.advance(5000);
  fake.step(hour);
  await fake.advance(5000);
  assert.deepEqual(jumps, [
    { kind: "woke", asleepMs: hour },
    { kind: "woke", asleepMs: hour },
  ]);
});

test("a clock set backwards is a step back, and never a sleep", async () => {
  const { fake, jumps } = await watched();
  fake.step(-hour);
  await fake.advance(5000);
  assert.deepEqual(jumps, [{ kind: "stepped", byMs: -hour }]);
});

test("sleep below three intervals or thirty seconds is not told", async () => {
  const short = await watched();
  short.clock.fallAsleep(20_000);
  await short.fake.advance(10_000);
  assert.deepEqual(short.jumps, []);

  const slow = await watched({ intervalMs: 60_000 });
  slow.clock.fallAsleep(150_000);
  await slow.fake.advance(10_000);
  assert.deepEqual(slow.jumps, []);
  slow.clock.fallAsleep(180_000);
  await slow.fake.advance(10_000);
  assert.deepEqual(slow.jumps, [{ kind: "woke", asleepMs: 180_000 }]);
});

test("a second of difference between the clocks is told, and less is not", async () => {
  const { fake, jumps } = await watched();
  fake.step(900);
  await fake.advance(5000);
  fake.step(-1000);
  await fake.advance(5000);
  assert.deepEqual(jumps, [{ kind: "stepped", byMs: -1000 }]);
});

test("a watch that was disposed of says nothing more and leaves no timer", async () => {
  const { fake, clock, jumps, watch } = await watched();
  clock.fallAsleep(hour);
  watch[Symbol.dispose]();
  await fake.advance(10_000);
  assert.deepEqual(jumps, []);
  assert.equal(fake.pending, 0);
});

test("many listeners share one timer", async () => {
  const fake = fakeClock();
  const heartbeat = createHeartbeat(fake);
  const heard: string[] = [];
  const first = heartbeat.onBeat(() => heard.push("first"));
  const second = heartbeat.onBeat(() => heard.push("second"));
  assert.equal(fake.pending, 1);
  await fake.advance(5000);
  first[Symbol.dispose]();
  await fake.advance(5000);
  assert.deepEqual(heard, ["first", "second", "second"]);
  second[Symbol.dispose]();
  second[Symbol.dispose]();
  assert.equal(fake.pending, 0);
});

test("the wake time is the kernel's text, and absent where the tool fails", async () => {
  const options = { clock: systemClock, environment: childEnvironment({ PATH: "/usr/bin:/bin" }) };
  assert.equal(await wakeTimeReader(fakeTool(`printf "[%s]" "$@"`), options)(), "[-n][kern.waketime]");
  assert.equal(await wakeTimeReader(fakeTool("echo x; exit 1"), options)(), undefined);
  assert.equal(await wakeTimeReader(["/nonexistent/sysctl"], options)(), undefined);
});
