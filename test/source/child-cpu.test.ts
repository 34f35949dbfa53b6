import assert from "node:assert/strict";
import test from "node:test";
import { childCpu, parseCpuTime } from "../../src/source/child-cpu.ts";
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

test("CPU time of a child that was started again is added to that of the one before, and never falls", async () => {
  const cpu = childCpu({
    clock: fakeClock(),
    environment: {},
    spawn: scriptedPs(["0:10.00", "", "0:09.00", "0:02.00"]),
  });
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
