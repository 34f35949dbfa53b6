import assert from "node:assert/strict";
import test from "node:test";
import { childCpu, parseCpuTime, type ChildCpu } from "../../src/source/child-cpu.ts";
import type { Spawn } from "../../src/source/child.ts";
import { fakeClock } from "../support/fake-clock.ts";

for (const [text, seconds] of [
  ["0:01.25", 1.25],
  ["00:00:07", 7],
  ["01:02:03\n", 3723],
  ["1-02:03:04", 93_784],
  ["  12:34.56 ", 754.56],
  ["", undefined],
  ["TIME", undefined],
  ["-1:00", undefined],
] as const) {
  test(`ps' time ${JSON.stringify(text)} is ${seconds ?? "nothing"}`, () => {
    assert.equal(parseCpuTime(text), seconds);
  });
}

/** A ps that answers from a list. */
function scriptedPs(answers: string[]): Spawn {
  return (_argv, { onStdout }) => {
    onStdout(Buffer.from(answers.shift() ?? ""));
    const ended = Promise.resolve({ kind: "exited", code: 0 } as const);
    return { pid: 1, ended, stop: () => ended };
  };
}

const onMac = (...answers: string[]): ChildCpu =>
  childCpu({ platform: "darwin", clock: fakeClock(), environment: {}, spawn: scriptedPs(answers) });

test("CPU time of a child that was started again is added to that of the one before, and never falls", async () => {
  const row = (pid: number, time: string): string => `    1     0   0:07.00\n  ${pid}     1   ${time}\n`;
  const cpu = onMac(row(100, "0:10.00"), "", row(100, "0:09.00"), row(200, "0:02.00"));
  await cpu.refresh();
  assert.equal(cpu.seconds, undefined);
  cpu.started(100);
  await cpu.refresh();
  assert.equal(cpu.seconds, 10);
  await cpu.refresh();
  await cpu.refresh();
  assert.equal(cpu.seconds, 10);
  cpu.started(200);
  assert.equal(cpu.seconds, 10);
  await cpu.refresh();
  assert.equal(cpu.seconds, 12);
});

test("what the child started counts with it, as powermetrics behind sudo does", async () => {
  const cpu = onMac("  100  1 0:00.25\n  101 100 1:00.50\n  102 101 0:01.00\n  200 1 9:00.00\n");
  cpu.started(100);
  await cpu.refresh();
  assert.equal(cpu.seconds, 61.75);
});

test("a child that ps does not list has no CPU time, instead of none at all", async () => {
  const cpu = onMac("  200 1 9:00.00\n");
  cpu.started(100);
  await cpu.refresh();
  assert.equal(cpu.seconds, undefined);
});

test("on Linux /proc tells of the child and of those below it, without a process for the question", async () => {
  const stat = (pid: number, ticks: string): string =>
    `${pid} (a) R (b) S 1 100 100 0 -1 0 0 0 0 0 ${ticks} 0 0 20 0`;
  const files: Record<string, string> = {
    "/proc/100/stat": stat(100, "25 50"),
    "/proc/100/task/100/children": "101 102 ",
    "/proc/101/stat": stat(101, "100 0"),
    "/proc/101/task/101/children": "",
  };
  const cpu = childCpu({
    platform: "linux",
    clock: fakeClock(),
    environment: {},
    spawn: () => assert.fail("no process is started"),
    readText: (path) => files[path] ?? assert.fail(path),
  });
  cpu.started(100);
  await cpu.refresh();
  assert.equal(cpu.seconds, 0.75);
});

test("a ps that hangs is called off when the agent stops", async () => {
  const hung = Promise.withResolvers<{ readonly kind: "signalled"; readonly signal: "SIGTERM" }>();
  const stop = (): typeof hung.promise => {
    hung.resolve({ kind: "signalled", signal: "SIGTERM" });
    return hung.promise;
  };
  const clock = fakeClock();
  const spawn: Spawn = () => ({ pid: 1, ended: hung.promise, stop });
  const cpu = childCpu({ platform: "darwin", clock, environment: {}, spawn });
  cpu.started(100);
  const stopping = new AbortController();
  const refreshed = cpu.refresh(stopping.signal);
  stopping.abort();
  await refreshed;
  assert.equal(cpu.seconds, undefined);
  assert.equal(clock.pending, 0);
});
