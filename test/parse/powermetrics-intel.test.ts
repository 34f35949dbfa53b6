import assert from "node:assert/strict";
import test from "node:test";
import type { PlistObject } from "./apple-plist.ts";
import { nothingFound, read } from "./document.ts";

function core(number: number, idle: number, freq?: number): PlistObject {
  const frequency = freq === undefined ? {} : { freq_hz: freq, freq_ratio: 0.8 };
  const cpus = [2 * number, 2 * number + 1].map((cpu) => ({
    cpu,
    ...frequency,
    duty_cycles: [{ interval_ns: 16000 }],
  }));
  return {
    core: number,
    c_state_ns: 1,
    c_state_ratio: idle,
    c_states: [{ name: "C3", used_ratio: idle }],
    cpus,
  };
}

function packages(...cores: readonly PlistObject[]): readonly PlistObject[] {
  return [{ package: 0, c_state_ns: 1, c_state_ratio: 0.1, c_states: [], cores }];
}

test("watts and joules of the package become milli, and no CPU power is made of them", () => {
  const processor = {
    package_watts: 4.87,
    package_joules: 4.87,
    freq_hz: 2.1e9,
    freq_ratio: 0.8,
    llc_flushed_ratio: 0,
  };
  const sample = read({ processor: { ...processor, packages: packages() } });
  assert.deepEqual(sample.processor, {
    packageMilliwatts: 4870,
    packageMillijoules: 4870,
    clusters: [],
    cores: [],
  });
  assert.deepEqual(sample.findings, nothingFound);
  assert.equal(read({ processor: { package_watts: 15.5569 } }).processor?.packageMilliwatts, 15556.9);
  assert.equal(read({ processor: { package_joules: 4.87 } }).processor?.packageMilliwatts, 4870);
});

test("what the C-states of a core leave over is the activity of each of its CPUs", () => {
  const { processor } = read({ processor: { packages: packages(core(0, 0.75, 2.1e9), core(1, 0, 3e9)) } });
  assert.deepEqual(processor?.cores, [
    { id: "cpu0", frequencyHz: 2.1e9, activeRatio: 0.25, idleRatio: 0.75 },
    { id: "cpu1", frequencyHz: 2.1e9, activeRatio: 0.25, idleRatio: 0.75 },
    { id: "cpu2", frequencyHz: 3e9, activeRatio: 1, idleRatio: 0 },
    { id: "cpu3", frequencyHz: 3e9, activeRatio: 1, idleRatio: 0 },
  ]);
  assert.deepEqual(processor.clusters, []);
});

test("a virtual machine without C-states and frequencies has CPUs of unknown activity", () => {
  const { processor } = read({
    processor: { llc_flushed_ratio: 0, packages: packages(core(0, 0), core(1, 0)) },
  });
  assert.deepEqual(processor?.cores, [{ id: "cpu0" }, { id: "cpu1" }, { id: "cpu2" }, { id: "cpu3" }]);
});

test("a package at 0 W while its cores were busy is withheld", () => {
  const { processor, findings } = read({
    processor: { package_watts: 0, package_joules: 0, packages: packages(core(0, 0.5, 2e9)) },
  });
  assert.deepEqual([processor?.packageMilliwatts, processor?.packageMillijoules], [undefined, undefined]);
  assert.deepEqual(findings.zeroWhileBusy, ["package_watts", "package_joules"]);
});

test("the integrated GPU goes first, in Hz, with states whose frequency is a string", () => {
  const GPU = [
    { name: "Radeon", freq_hz: 5e8, c_state_ratio: 0 },
    {
      name: "IntelIG",
      "GPU number": 0,
      freq_hz: 1,
      freq_ratio: 0,
      c_state_ns: 1,
      c_state_ratio: 0.9,
      c_states: [],
      p_states: [
        { frequency: "350000000", used_ns: 5, used_ratio: 0.1 },
        { frequency: "fast", used_ns: 5 },
      ],
      "misc counters": [],
    },
  ];
  assert.deepEqual(read({ GPU }).gpu, { frequencyHz: 1, activeRatio: 0.1, idleRatio: 0.9 });
  assert.deepEqual(read({ GPU }, { frequencyResidency: true }).gpu?.frequencyResidency, [
    { megahertz: 350, usedNs: 5 },
  ]);
  assert.equal(read({ GPU: GPU.slice(0, 1) }).gpu?.frequencyHz, 5e8);
  assert.equal(read({ GPU: [] }).gpu, undefined);
});

test("SMC sensors are read in any spelling, and what no sensor shows is withheld", () => {
  assert.deepEqual(read({ smc: { fan: 2942.43, cpu_die: "76.93", gpu_die: 61, cpu_plimit: 0 } }).smc, {
    fanRpm: 2942.43,
    cpuDieCelsius: 76.93,
    gpuDieCelsius: 61,
  });
  const { smc, findings } = read({ smc: { fan: -1, cpu_die: -127, gpu_die: "hot" } });
  assert.deepEqual(smc, {});
  assert.deepEqual(findings.implausible, ["fan", "cpu_die", "gpu_die"]);
  assert.deepEqual(read({ smc: { fan: [1] } }).findings.unknown, ["smc.fan"]);
});
