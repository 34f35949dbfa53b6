import assert from "node:assert/strict";
import test from "node:test";
import { createPlausibility, createSampleTimes, createWindowJudge } from "../../src/meter/windows.ts";
import type { Core, PowermetricsSample } from "../../src/parse/sample.ts";
import { simulatedShare } from "../../src/simulator/machine.ts";
import { busyShare } from "../../src/source/host.ts";
import { fakeClock } from "../support/fake-clock.ts";
import fc from "../support/property.ts";
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

/** A sample whose cores are all this active; undefined for one that was withheld. */
function sample(...ratios: readonly (number | undefined)[]): PowermetricsSample {
  const cores = ratios.map((activeRatio, index): Core => {
    const known = { id: `cpu${index}`, cluster: "E-Cluster", frequencyHz: 1e9 };
    return activeRatio === undefined ? known : { ...known, activeRatio, idleRatio: 1 - activeRatio };
  });
  return powermetricsSample({
    processor: { cpuMilliwatts: 9, clusters: [{ name: "E-Cluster", cores }], cores },
  });
}

const activities = ({ processor }: PowermetricsSample): readonly (number | undefined)[] =>
  processor?.cores.map(({ activeRatio }) => activeRatio) ?? [];

test("cores that claim to be busy on an idle machine are withheld from the third window on, and counted", () => {
  const check = createPlausibility(() => 0.02);
  for (const window of [1, 2])
    assert.deepEqual(activities(check(sample(1, 1), false)), [1, 1], `window ${window}`);
  const third = check(sample(1, 1), false);
  assert.deepEqual(third.processor?.cores, [
    { id: "cpu0", cluster: "E-Cluster" },
    { id: "cpu1", cluster: "E-Cluster" },
  ]);
  assert.deepEqual(third.processor.clusters[0]?.cores, third.processor.cores);
  assert.equal(third.processor.cpuMilliwatts, 9);
  assert.deepEqual(third.findings.implausible, ["core_active_ratio", "core_active_ratio"]);
  assert.deepEqual(activities(check(sample(0.1, 0), false)), [0.1, 0], "one that agrees is believed");
  assert.deepEqual(activities(check(sample(1, 1), false)), [1, 1]);
});

test("cores that claim to rest while the machine is busy are withheld too, and 40 points are let be", () => {
  const busy = createPlausibility(() => 0.9);
  for (const _ of [1, 2, 3]) busy(sample(0.1, 0.1), false);
  assert.deepEqual(activities(busy(sample(0.1, 0.1), false)), [undefined, undefined]);
  const near = createPlausibility(() => 0.5);
  for (const _ of [1, 2, 3, 4]) assert.deepEqual(activities(near(sample(0.89, 0.89), false)), [0.89, 0.89]);
});

test("a core without a figure is left out of the mean, and a sample without any is not judged", () => {
  const check = createPlausibility(() => 0.5);
  for (const _ of [1, 2, 3, 4])
    assert.deepEqual(activities(check(sample(0.5, undefined), false)), [0.5, undefined]);
  for (const _ of [1, 2, 3, 4]) assert.deepEqual(check(sample(undefined), false).findings.implausible, []);
});

test("nothing is judged where nobody counts, and in a document that came late", () => {
  const alone = createPlausibility();
  const late = createPlausibility(() => 0);
  for (const _ of [1, 2, 3, 4]) {
    assert.deepEqual(activities(alone(sample(1), false)), [1]);
    assert.deepEqual(activities(late(sample(1), true)), [1]);
  }
});

test("one window at 0 mW is withheld and not counted; a second one makes both implausible", () => {
  const zero = powermetricsSample({
    findings: { unknown: [], implausible: [], zeroWhileBusy: ["cpu_power", "cpu_energy"] },
  });
  const fine = powermetricsSample();
  const counts = (...samples: readonly PowermetricsSample[]): readonly number[] => {
    const check = createPlausibility();
    return samples.map((one) => check(one, false).findings.implausible.length);
  };
  assert.deepEqual(
    counts(zero, fine, zero, fine, zero),
    [0, 0, 0, 0, 0],
    "a chip that publishes each second window",
  );
  assert.deepEqual(counts(fine, zero, zero, zero, fine, zero), [0, 0, 4, 2, 0, 0]);
});

test("the system's CPU time counts over the time that went by, whether or not idle CPUs count theirs", async () => {
  const clock = fakeClock();
  let user = 1000;
  let count = 2;
  const cpu = () => ({ times: { user, nice: 0, sys: 0, irq: 0 } });
  const share = busyShare(clock, () => Array.from({ length: count }, cpu));
  assert.equal(share(), undefined, "no time went by");
  await clock.advance(1000);
  user += 250;
  assert.equal(share(), 0.25);
  await clock.advance(1000);
  user -= 500;
  assert.equal(share(), undefined, "counters that fell");
  await clock.advance(1000);
  count = 4;
  assert.equal(share(), undefined, "CPUs that came");
});

test("the simulator's own CPU time agrees with its documents, and does not know other clocks", async () => {
  const now = Date.UTC(2026, 0, 5, 10);
  const shareOf = await simulatedShare("--chip m2 --fault busy-cores");
  const share = shareOf(now, now + 10_000);
  assert.ok(share !== undefined && share >= 0 && share <= 1);
  for (const preset of [
    "--start 2026-01-01",
    "--no-pace",
    "--chip intel",
    "--chip nonsense",
    "--chip applesilicon-vm",
  ]) {
    const other = await simulatedShare(preset);
    assert.equal(other(now, now + 10_000), undefined, preset);
  }
});
