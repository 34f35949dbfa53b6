import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { createSampleTimes, createWindowJudge } from "../../src/meter/windows.ts";
import { powermetricsSample } from "../support/samples.ts";

const at = Date.UTC(2026, 0, 1);
const truncate = (ms: number): number => Math.floor(ms / 1000) * 1000;

test("documents of one second get the times their windows add up to", () => {
  const timeOf = createSampleTimes();
  assert.equal(timeOf(at, 130e6), at);
  assert.equal(timeOf(at, 133.4e6), at + 133);
  assert.equal(timeOf(at, 146e6), at + 279);
  assert.equal(timeOf(at + 1000, 125e6), at + 1000);
  assert.equal(timeOf(at + 1000, 125e6), at + 1125);
});

test("times strictly increase, stay in the second that the document names and are right to within a second", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 999 }),
      fc.array(fc.integer({ min: 20, max: 5000 }), { minLength: 1, maxLength: 200 }),
      (offset, windows) => {
        const timeOf = createSampleTimes();
        let truth = at + offset;
        let last = -Infinity;
        for (const window of windows) {
          truth += window;
          const time = timeOf(truncate(truth), window * 1e6);
          assert.ok(time > last);
          assert.ok(Math.abs(time - truth) < 1000);
          assert.equal(truncate(time), truncate(truth));
          last = time;
        }
      },
    ),
  );
});

test("a clock that is set back is followed", () => {
  const timeOf = createSampleTimes();
  timeOf(at, 1e9);
  assert.equal(timeOf(at - 3_600_000, 1e9), at - 3_600_000 + 999);
});

test("a summary is left out once windows were read, and taken when it stands alone", () => {
  const judge = createWindowJudge();
  assert.deepEqual(judge(powermetricsSample({ isDelta: false, elapsedNs: 2e9 })), {
    status: "window",
    accrues: true,
  });
  assert.equal(judge(powermetricsSample()).status, "window");
  assert.equal(judge(powermetricsSample({ isDelta: false, elapsedNs: 6e10 })).status, "skipped");
  assert.equal(createWindowJudge()(powermetricsSample({ isDelta: false, elapsedNs: 0 })).status, "skipped");
});

test("a window that spans a sleep does not accrue, live by the interval and recorded by its neighbours", () => {
  const spanning = powermetricsSample({ elapsedNs: 3600e9 });
  assert.deepEqual(createWindowJudge(1000)(spanning), { status: "window", accrues: false });
  const recorded = createWindowJudge();
  recorded(powermetricsSample());
  assert.deepEqual(recorded(spanning), { status: "window", accrues: false });
  assert.deepEqual(recorded(powermetricsSample({ elapsedNs: 29e9 })), { status: "window", accrues: true });
  assert.deepEqual(createWindowJudge(60_000)(powermetricsSample({ elapsedNs: 170e9 })), {
    status: "window",
    accrues: true,
  });
});
