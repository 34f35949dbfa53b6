import assert from "node:assert/strict";
import test from "node:test";
import { parsePowermetrics } from "../../src/parse/powermetrics.ts";
import type { PowermetricsSample } from "../../src/parse/sample.ts";
import { documents, powermetricsCaptures, withCaptures } from "./captures.ts";

const everything = { tasks: true, frequencyResidency: true, interrupts: true };

function samples(name: string, options = everything): PowermetricsSample[] {
  return documents(name).map((document) => {
    const result = parsePowermetrics(document, options);
    assert.ok(result.ok, result.ok ? "" : result.error.message);
    return result.value;
  });
}

function only(name: string): PowermetricsSample {
  const [sample] = samples(name);
  assert.ok(sample !== undefined);
  return sample;
}

function core(sample: PowermetricsSample | undefined, id: string) {
  const found = sample?.processor?.cores.find((one) => one.id === id);
  assert.ok(found !== undefined, id);
  return found;
}

function near(actual: number | undefined, expected: number, tolerance: number): void {
  assert.ok(
    Math.abs((actual ?? NaN) - expected) <= tolerance,
    `got ${actual ?? "nothing"}, want ${expected}`,
  );
}

for (const [machine, name] of Object.entries(powermetricsCaptures))
  test(
    `nothing in the ${machine} capture is unknown or implausible, and options change no other value`,
    withCaptures,
    () => {
      for (const { findings } of samples(name)) assert.deepEqual(findings, { unknown: [], implausible: [] });
      const few = samples(name, { tasks: false, frequencyResidency: false, interrupts: false });
      const withoutOptions = samples(name).map(
        ({ tasks: _tasks, interrupts: _interrupts, ...sample }) => sample,
      );
      assert.deepEqual(
        JSON.stringify(few),
        JSON.stringify(withoutOptions, (key, value: unknown) =>
          key === "frequencyResidency" ? undefined : value,
        ),
      );
    },
  );

for (const machine of ["m1", "m1pro", "m3max", "m4"] as const)
  test(
    `the ${machine} capture's shares of every core add up to one, and its powers to the combined`,
    withCaptures,
    () => {
      for (const { processor, elapsedNs } of samples(powermetricsCaptures[machine])) {
        assert.ok(processor !== undefined);
        for (const { activeRatio = NaN, idleRatio = NaN, downRatio = 0 } of processor.cores)
          near(activeRatio + idleRatio + downRatio, 1, 1e-5);
        const {
          cpuMilliwatts = NaN,
          gpuMilliwatts = NaN,
          aneMilliwatts = NaN,
          combinedMilliwatts = NaN,
        } = processor;
        near((cpuMilliwatts + gpuMilliwatts + aneMilliwatts) / combinedMilliwatts, 1, 1e-4);
        near(((processor.cpuMillijoules ?? NaN) * 1e9) / elapsedNs / cpuMilliwatts, 1, 1e-5);
      }
    },
  );

for (const machine of ["m1", "m1pro", "m3max", "m4"] as const)
  test(`the ${machine} capture's cores have the mean of their states' frequencies`, withCaptures, () => {
    for (const { processor } of samples(powermetricsCaptures[machine]))
      for (const { frequencyHz = NaN, frequencyResidency = [] } of processor?.cores ?? []) {
        const used = frequencyResidency.reduce((sum, { usedNs }) => sum + usedNs, 0);
        const weighted = frequencyResidency.reduce(
          (sum, { usedNs, megahertz }) => sum + usedNs * megahertz,
          0,
        );
        if (used > 0) near(frequencyHz / 1e6, weighted / used, 1);
      }
  });

test("M4: its three windows, cores that its clusters deny, and powers", withCaptures, () => {
  const windows = samples(powermetricsCaptures.m4);
  assert.equal(windows.length, 3);
  near(core(windows[0], "cpu0").activeRatio, 0.0712, 5e-5);
  assert.equal(core(windows[0], "cpu7").frequencyHz, 0);
  assert.equal(windows[0]?.processor?.combinedMilliwatts, 31.6855);
  assert.equal(windows[0].gpu, undefined);
  assert.equal(windows[0].timestampMs, Date.UTC(2026, 9, 4, 23, 7, 7));
});

test(
  "M3 Max: a cluster that is switched off, and efficiency cores that are not 100 % busy",
  withCaptures,
  () => {
    const sample = only(powermetricsCaptures.m3max);
    const { activeRatio, idleRatio, downRatio } = core(sample, "cpu10");
    assert.deepEqual([activeRatio, idleRatio, downRatio], [0, 0, 1]);
    const [efficiency] = sample.processor?.clusters ?? [];
    assert.equal(efficiency?.name, "E-Cluster");
    const mean =
      efficiency.cores.reduce((sum, { activeRatio = NaN }) => sum + activeRatio, 0) / efficiency.cores.length;
    assert.ok(mean > 0 && mean < 0.03, String(mean));
    assert.equal(sample.gpu?.frequencyHz, 0);
  },
);

test("M4 Pro, GPU alone: its frequency in Hz, its energy, and no processor", withCaptures, () => {
  const { gpu, processor } = only(powermetricsCaptures.m4proGpu);
  assert.equal(gpu?.frequencyHz, 338_000_000);
  assert.equal(gpu.millijoules, 9);
  assert.equal(processor, undefined);
  const megahertz = gpu.frequencyResidency?.map((one) => one.megahertz) ?? [];
  assert.equal(megahertz.length - new Set(megahertz).size, 1);
});

test("M1 Pro: five windows, coalitions, interrupts and battery", withCaptures, () => {
  const windows = samples(powermetricsCaptures.m1pro);
  assert.equal(windows.length, 5);
  const [first] = windows;
  assert.equal(first?.battery?.chargePercent, 33);
  assert.deepEqual(first.tasks?.[0]?.name, "com.docker.docker");
  assert.equal(first.tasks[0].cpuNs, 132502999);
  assert.deepEqual(first.interrupts?.[0], { core: "cpu0", type: "IRQ", count: 384 });
  assert.ok(windows.every(({ tasks = [] }) => tasks.every(({ name }) => !/^(DEAD|ALL)_TASKS/.test(name))));
});

test("VMware: CPUs without figures, and no power", withCaptures, () => {
  const { processor, isDelta } = only(powermetricsCaptures.vmware);
  assert.deepEqual(processor?.cores[0], { id: "cpu0" });
  assert.equal(processor.packageMilliwatts, undefined);
  assert.equal(isDelta, false);
});
