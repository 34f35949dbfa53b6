import assert from "node:assert/strict";
import test from "node:test";
import { busy, cpu, nothingFound, read, state } from "./document.ts";

test("powers and energies of Apple Silicon are taken as they are", () => {
  const processor = {
    cpu_energy: 12,
    cpu_power: 23.7641,
    gpu_energy: 4,
    gpu_power: 7.92138,
    ane_energy: 0,
    ane_power: 0,
    combined_power: 31.6855,
  };
  assert.deepEqual(read({ processor }).processor, {
    cpuMilliwatts: 23.7641,
    gpuMilliwatts: 7.92138,
    aneMilliwatts: 0,
    combinedMilliwatts: 31.6855,
    cpuMillijoules: 12,
    gpuMillijoules: 4,
    aneMillijoules: 0,
    clusters: [],
    cores: [],
  });
});

test("macOS 11 and 12 have energies and a package, from which powers follow", () => {
  const energies = { cpu_energy: 100, gpu_energy: 50, ane_energy: 0, dram_energy: 30, package_energy: 400 };
  const { processor } = read({ elapsed_ns: 5e8, processor: energies });
  assert.deepEqual(processor, {
    cpuMilliwatts: 200,
    gpuMilliwatts: 100,
    aneMilliwatts: 0,
    dramMilliwatts: 60,
    combinedMilliwatts: 800,
    cpuMillijoules: 100,
    gpuMillijoules: 50,
    aneMillijoules: 0,
    packageMillijoules: 400,
    clusters: [],
    cores: [],
  });
  const powers = read({ processor: { package_power: 321, dram_power: 12 } }).processor;
  assert.deepEqual([powers?.combinedMilliwatts, powers?.dramMilliwatts], [321, 12]);
});

test("a window of no length gives no power", () => {
  assert.equal(
    read({ elapsed_ns: 0, is_delta: false, processor: { cpu_energy: 7 } }).processor?.cpuMilliwatts,
    undefined,
  );
});

test("a core is active as long as it ran at some frequency, also when it was switched off or is said to be", () => {
  const cpus = [
    cpu(0, { idle_ratio: 0.75, down_ratio: 0, dvfm_states: [state(1020, 0.05), state(2040, 0.2)] }),
    cpu(1, { freq_hz: 0, idle_ratio: 0, down_ratio: 1, dvfm_states: [state(1020, 0), state(2040, 0)] }),
    cpu(2, { idle_ratio: 0.5, down_ratio: 0.2, dvfm_states: [] }),
    { cpu: 3, idle_ratio: 0.4 },
    { cpu: 4, freq_hz: 0 },
  ];
  assert.deepEqual(
    read({ processor: { clusters: [{ name: "P0-Cluster", online_ratio: 0.5, cpus }] } }).processor?.clusters,
    [
      {
        name: "P0-Cluster",
        onlineRatio: 0.5,
        cores: [
          {
            id: "cpu0",
            cluster: "P0-Cluster",
            frequencyHz: 1e9,
            activeRatio: 0.25,
            idleRatio: 0.75,
            downRatio: 0,
          },
          { id: "cpu1", cluster: "P0-Cluster", frequencyHz: 0, activeRatio: 0, idleRatio: 0, downRatio: 1 },
          {
            id: "cpu2",
            cluster: "P0-Cluster",
            frequencyHz: 1e9,
            activeRatio: 0.3,
            idleRatio: 0.5,
            downRatio: 0.2,
          },
          { id: "cpu3", cluster: "P0-Cluster", activeRatio: 0.6, idleRatio: 0.4 },
          { id: "cpu4", cluster: "P0-Cluster", frequencyHz: 0 },
        ],
      },
    ],
  );
});

test("a cluster's own idle time and frequency are not believed, and its name is taken as it is", () => {
  const clusters = ["S-Cluster", "M1-Cluster"].map((name, number) => ({
    name,
    freq_hz: 0,
    idle_ratio: 1,
    cpus: [cpu(number)],
  }));
  const { processor, findings } = read({ processor: { clusters } });
  assert.deepEqual(
    processor?.clusters.map(({ name, ...rest }) => [name, Object.keys(rest)]),
    [
      ["S-Cluster", ["cores"]],
      ["M1-Cluster", ["cores"]],
    ],
  );
  assert.deepEqual(
    processor.cores.map(({ id, cluster }) => [id, cluster]),
    [
      ["cpu0", "S-Cluster"],
      ["cpu1", "M1-Cluster"],
    ],
  );
  assert.deepEqual(findings, nothingFound);
});

test("a sum of shares that rounding takes beyond 1 is 1, and one further off is withheld", () => {
  const cpus = [
    cpu(0, { idle_ratio: 0, dvfm_states: [state(1, 0.6), state(2, 0.4009)] }),
    cpu(1, { idle_ratio: 0, dvfm_states: [state(1, 0.6), state(2, 0.41)] }),
    cpu(2, { idle_ratio: 0, dvfm_states: [state(1, -0.5), state(2, 0.7)] }),
    cpu(3, { idle_ratio: 1.0005, down_ratio: -0.0001, dvfm_states: [] }),
    cpu(4, { idle_ratio: 1.5 }),
  ];
  const { processor, findings } = read({ processor: { clusters: [{ name: "E-Cluster", cpus }] } });
  assert.deepEqual(
    processor?.cores.map(({ activeRatio, idleRatio }) => [activeRatio, idleRatio]),
    [
      [1, 0],
      [undefined, 0],
      [undefined, 0],
      [0, 1],
      [0.01, undefined],
    ],
  );
  assert.deepEqual(findings.implausible, ["core_active_ratio", "core_active_ratio", "core_idle_ratio"]);
});

test("CPUs without a number, or with one that is taken, are left out and found", () => {
  const cpus = [cpu(0), cpu(0), cpu(-1), cpu(1.5), cpu(5000), { freq_hz: 1 }];
  const { processor, findings } = read({ processor: { clusters: [{ name: "E-Cluster", cpus }] } });
  assert.deepEqual(
    processor?.cores.map(({ id }) => id),
    ["cpu0"],
  );
  assert.deepEqual(findings.unknown, ["processor.clusters[].cpus[].cpu"]);
});

test("frequency residency is read when asked for, by position", () => {
  const parts = {
    processor: { clusters: [{ name: "E-Cluster", cpus: [cpu(0)] }] },
    gpu: { freq_hz: 338, idle_ratio: 0.9, dvfm_states: [state(1182, 0.1), state(1182, 0.2), state(1000, 0)] },
  };
  const { processor, gpu } = read(parts, { frequencyResidency: true });
  assert.deepEqual(processor?.cores[0]?.frequencyResidency, [
    { megahertz: 600, usedNs: 0 },
    { megahertz: 1020, usedNs: 1e7 },
  ]);
  assert.deepEqual(gpu?.frequencyResidency, [
    { megahertz: 1182, usedNs: 1e8 },
    { megahertz: 1182, usedNs: 2e8 },
    { megahertz: 1000, usedNs: 0 },
  ]);
  assert.equal(read(parts).processor?.cores[0]?.frequencyResidency, undefined);
  assert.equal(read(parts).gpu?.frequencyResidency, undefined);
});

test("the GPU's frequency is in MHz in spite of its name", () => {
  const gpu = {
    freq_hz: 338,
    idle_ns: 1,
    idle_ratio: 0.995324,
    dvfm_states: [state(338, 0.0046765)],
    requested_freq: [],
    sw_requested_state: [{ sw_req_state: "P1" }],
    sw_state: [],
    gpu_energy: 9,
  };
  const sample = read({ gpu });
  assert.deepEqual(sample.gpu, {
    frequencyHz: 338_000_000,
    activeRatio: 0.004676,
    idleRatio: 0.995324,
    millijoules: 9,
  });
  assert.equal(sample.processor, undefined);
  assert.deepEqual(sample.findings, nothingFound);
});

test("a CPU at 0 mW while its cores were busy is withheld, with what was added up from it", () => {
  const dead = { cpu_power: 0, cpu_energy: 0, gpu_power: 5, gpu_energy: 5, ane_power: 0, combined_power: 5 };
  const { processor, findings } = read({ processor: { ...dead, ...busy(1) } });
  assert.deepEqual(
    [
      processor?.cpuMilliwatts,
      processor?.cpuMillijoules,
      processor?.combinedMilliwatts,
      processor?.gpuMilliwatts,
    ],
    [undefined, undefined, undefined, 5],
  );
  assert.deepEqual(findings.zeroWhileBusy, ["cpu_power", "cpu_energy", "combined_power"]);
  assert.deepEqual(findings.implausible, [], "only the next window can show it");
  assert.equal(
    read({ processor: { ...dead, combined_power: 90, ...busy(1) } }).processor?.combinedMilliwatts,
    90,
  );
});

test("a package at 0 mJ while its cores were busy is withheld", () => {
  const { processor, findings } = read({ processor: { package_energy: 0, ...busy(1) } });
  assert.deepEqual([processor?.combinedMilliwatts, processor?.packageMillijoules], [undefined, undefined]);
  assert.deepEqual(findings.zeroWhileBusy, ["package_power", "package_energy"]);
});

test("a CPU at 0 mW is believed when its cores ran for less than 50 ms of core time", () => {
  const idle = { cpu_power: 0, cpu_energy: 0, combined_power: 0 };
  const { processor, findings } = read({ elapsed_ns: 24e6, processor: { ...idle, ...busy(2) } });
  assert.deepEqual(
    [
      processor?.cpuMilliwatts,
      processor?.cpuMillijoules,
      processor?.combinedMilliwatts,
      findings.zeroWhileBusy,
    ],
    [0, 0, 0, undefined],
  );
  assert.equal(
    read({ elapsed_ns: 25e6, processor: { ...idle, ...busy(2) } }).processor?.cpuMilliwatts,
    undefined,
  );
});
