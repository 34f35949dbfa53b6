/** The exported values by meaning, and their history as columns. */
import assert from "node:assert/strict";
import test from "node:test";
import { createGroupBuilder, historyGroups } from "../../src/status/history-group.ts";
import { columnsOf, createSnapshotMemory } from "../../src/status/history.ts";
import { puts, readingsOf } from "../../src/status/readings.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { labelPairs, seriesSet } from "../../src/metric/series.ts";
import type { Readings } from "../../src/status/status.ts";

type Value = readonly [name: string, value: number, labels?: Readonly<Record<string, string>>];

function snapshotOf(source: string, time: number, values: readonly Value[]): Snapshot {
  const series = values.map(([name, , labels = {}]) => {
    const metric = catalogue.get(name);
    assert.ok(metric, name);
    return { metric, name, labels: labelPairs(labels) };
  });
  return {
    source,
    time,
    starts: {},
    set: seriesSet(series),
    values: Float64Array.from(values, ([, value]) => value),
    ended: [],
  };
}

test("readings are made of metrics that exist", () => {
  for (const name of Object.keys(puts)) assert.ok(catalogue.has(name), name);
});

test("power is in watts, and what was not reported is absent", () => {
  const { power } = readingsOf([
    snapshotOf("powermetrics", 0, [
      ["powermetrics_cpu_power_milliwatts", 90.5],
      ["powermetrics_ane_power_milliwatts", 0],
    ]),
  ]);
  assert.deepEqual(power, { cpu: 0.0905, ane: 0 });
});

test("a core's activity, frequency and cluster come together, whatever their order", () => {
  const { cores } = readingsOf([
    snapshotOf("powermetrics", 0, [
      ["powermetrics_core_info", 1, { core: "cpu0", cluster: "E" }],
      ["powermetrics_cpu_frequency_hertz", 0, { core: "cpu0" }],
      ["powermetrics_cpu_active_residency_percent", 7.5, { core: "cpu0" }],
    ]),
  ]);
  assert.deepEqual(cores, [{ core: "cpu0", cluster: "E", frequencyHz: 0, activePercent: 7.5 }]);
});

test("the state whose series is 1 is the present one, an unknown one included", () => {
  const { thermal, battery } = readingsOf([
    snapshotOf("powermetrics", 0, [
      ["powermetrics_thermal_pressure_state", 0, { state: "nominal" }],
      ["powermetrics_thermal_pressure_state", 1, { state: "melting" }],
    ]),
    snapshotOf("pmset", 0, [["pmset_power_source_info", 1, { source: "AC Power" }]]),
  ]);
  assert.equal(thermal, "melting");
  assert.deepEqual(battery, { source: "AC Power" });
});

test("the machine's power, its battery and its GPUs are ioreg's, in watts, milliampere-hours and bytes", () => {
  const { power, battery, gpus } = readingsOf([
    snapshotOf("ioreg", 0, [
      ["ioreg_system_power_milliwatts", 12_500],
      ["ioreg_adapter_power_milliwatts", 0],
      ["ioreg_battery_power_milliwatts", -12_500],
      ["ioreg_battery_cycles", 322],
      ["ioreg_battery_design_capacity_milliampere_hours", 7900],
      ["ioreg_battery_full_charge_capacity_milliampere_hours", 7657],
      ["ioreg_gpu_memory_in_use_bytes", 1024, { gpu: "0 Apple M4" }],
      ["ioreg_gpu_utilization_percent", 6, { gpu: "0 Apple M4", unit: "device" }],
      ["ioreg_gpu_utilization_percent", 5, { gpu: "0 Apple M4", unit: "renderer" }],
    ]),
  ]);
  assert.deepEqual(power, { system: 12.5 });
  assert.deepEqual(battery, {
    adapterWatts: 0,
    watts: -12.5,
    cycles: 322,
    designMilliampereHours: 7900,
    fullMilliampereHours: 7657,
  });
  assert.deepEqual(gpus, [{ gpu: "0 Apple M4", memoryBytes: 1024, loadPercent: 6 }]);
});

test("memory is split as Activity Monitor does, and a part with a missing count is absent", () => {
  const counts: readonly Value[] = [
    ["vmstat_page_size_bytes", 16384],
    ["vmstat_pages_anonymous_count", 10],
    ["vmstat_pages_purgeable_count", 4],
    ["vmstat_pages_file_backed_count", 3],
  ];
  const { memory } = readingsOf([snapshotOf("vm_stat", 0, counts)]);
  assert.deepEqual(memory, { app: 6 * 16384, cached: 7 * 16384 });
});

test("an Intel machine's package stands for the rails it does not report", () => {
  const readings = readingsOf([
    snapshotOf("powermetrics", 0, [["powermetrics_package_power_milliwatts", 12_000]]),
  ]);
  assert.deepEqual(columnsOf("powermetrics", readings), [["power.package", 12]]);
});

test("a line breaks where a source was silent, and where a core was not there yet", () => {
  const power = (time: number, cpu: number, ane?: number): Snapshot =>
    snapshotOf("powermetrics", time, [
      ["powermetrics_cpu_power_milliwatts", cpu * 1000],
      ...(ane === undefined ? [] : [["powermetrics_ane_power_milliwatts", ane * 1000] as const]),
    ]);
  const groups = historyGroups([power(0, 1), power(1000, 2, 7), power(60_000, 3, 8)], 1000, () => 15_000);
  assert.deepEqual(groups, [
    {
      source: "powermetrics",
      time: [0, 1000, 1001, 60_000],
      columns: {
        "power.cpu": [1, 2, null, 3],
        "power.ane": [null, 7, null, 8],
        "total.power": [null, 9, null, 11],
      },
    },
  ]);
});

test("a step has the mean that the energy counters say, and the peak of its samples", () => {
  const sample = (time: number, cpu: number, joules: number): Snapshot =>
    snapshotOf("powermetrics", time, [
      ["powermetrics_cpu_power_milliwatts", cpu * 1000],
      ["powermetrics_cpu_energy_joules_total", joules],
      ["powermetrics_gpu_power_milliwatts", 1000],
      ["powermetrics_gpu_energy_joules_total", joules / 2],
    ]);
  const minute = [sample(0, 0.17, 0), sample(10_000, 18.9, 20), sample(20_000, 0.17, 40)];
  const [step] = historyGroups([...minute, sample(60_000, 3, 160)], 60_000, () => 45_000);
  assert.deepEqual(step, {
    source: "powermetrics",
    time: [20_000, 60_000],
    columns: { "power.cpu": [1.913, 3], "power.gpu": [1, 1.5], "total.power": [2.913, 4.5] },
    peaks: { "power.cpu": [18.9, 3], "total.power": [19.9, 4.5] },
  });
});

test("the mean of the whole machine is its gauge's energy by the seconds that this covers", () => {
  const sample = (time: number, watts: number, joules: number, seconds: number): Snapshot =>
    snapshotOf("ioreg", time, [
      ["ioreg_system_power_milliwatts", watts * 1000],
      ["ioreg_system_energy_joules_total", joules],
      ["ioreg_system_energy_seconds_total", seconds],
    ]);
  // In the third minute the gauge had counted nothing yet, in the fourth it caught up.
  const samples = [
    sample(0, 5, 1000, 100),
    sample(60_000, 5, 1500, 150),
    sample(120_000, 6, 1500, 150),
    sample(180_000, 5, 2900, 220),
  ];
  const [group] = historyGroups(samples, 1000, () => 90_000);
  assert.deepEqual(group?.columns, { "machine.power": [5, 10, 6, 20] });
});

test("the mean of a window is its own where it is the next one, though a moment before it was not measured", () => {
  const sample = (time: number, cpu: number, joules: number): Snapshot =>
    snapshotOf("powermetrics", time, [
      ["powermetrics_sample_duration_seconds", 1],
      ["powermetrics_cpu_power_milliwatts", cpu * 1000],
      ["powermetrics_cpu_energy_joules_total", joules],
    ]);
  const samples = [sample(0, 40, 0), sample(1900, 40, 40), sample(41_900, 10, 840)];
  const [group] = historyGroups(samples, 1000, () => 60_000);
  assert.deepEqual(group?.columns["power.cpu"], [40, 40, 20]);
});

test("a window after a moment that was missed keeps its own mean, since its time may be a second off", () => {
  const sample = (time: number, joules: number): Snapshot =>
    snapshotOf("powermetrics", time, [
      ["powermetrics_sample_duration_seconds", 1],
      ["powermetrics_cpu_power_milliwatts", 40_000],
      ["powermetrics_cpu_energy_joules_total", joules],
    ]);
  const samples = [sample(0, 0), sample(2000, 160), sample(4500, 200), sample(12_000, 740)];
  const [group] = historyGroups(samples, 1000, () => 15_000);
  assert.deepEqual(group, {
    source: "powermetrics",
    time: [0, 2000, 4500, 12_000],
    columns: { "power.cpu": [40, 40, 40, 40] },
  });
});

test("disks and network are what their counters grew by, and a counter that began anew says nothing", () => {
  const sample = (time: number, read: number): Snapshot =>
    snapshotOf("powermetrics", time, [
      ["powermetrics_package_power_milliwatts", 1000],
      ["powermetrics_disk_read_bytes_total", read],
    ]);
  const samples = [sample(0, 100), sample(2000, 300), sample(4000, 50), sample(6000, 70)];
  const [group] = historyGroups(samples, 1000, () => 15_000);
  assert.deepEqual(group?.columns["disk.read"], [null, 100, null, 10]);
  assert.equal(group.peaks, undefined);
});

test("live samples go on where the past ends, a point a step", () => {
  const [past] = historyGroups(
    [snapshotOf("sysctl", 1000, [["vmstat_swap_used_bytes", 8]])],
    10_000,
    () => 99,
  );
  const { group, add, dropBefore } = createGroupBuilder("sysctl", 10_000, past);
  const used = (bytes: number): Readings =>
    readingsOf([snapshotOf("sysctl", 0, [["vmstat_swap_used_bytes", bytes]])]);
  add(11_000, used(1), 15_000);
  add(12_000, used(3), 15_000);
  add(21_000, used(5), 15_000);
  assert.deepEqual(group.time, [1000, 12_000, 21_000]);
  assert.deepEqual(group.columns, { "swap.used": [8, 2, 5] });
  assert.deepEqual(group.peaks, { "swap.used": [8, 3, 5] });
  dropBefore(12_000);
  assert.deepEqual(group.columns, { "swap.used": [2, 5] });
});

test("live samples of counters go on without a gap in their rates", () => {
  const sample = (time: number, read: number): Snapshot =>
    snapshotOf("powermetrics", time, [
      ["powermetrics_package_power_milliwatts", 1000],
      ["powermetrics_disk_read_bytes_total", read],
    ]);
  const [past] = historyGroups([sample(0, 0), sample(2000, 200)], 1000, () => 15_000);
  const { group, add } = createGroupBuilder("powermetrics", 1000, past);
  for (const [time, read] of [
    [4000, 400],
    [6000, 700],
  ] as const)
    add(time, readingsOf([sample(time, read)]), 15_000);
  assert.deepEqual(group.time, [0, 2000, 6000]);
  assert.deepEqual(group.columns["disk.read"], [null, 100, 150]);
});

test("the end of a source breaks its lines", () => {
  const ended = { ...snapshotOf("sysctl", 2000, []) };
  const swap = snapshotOf("sysctl", 1000, [["vmstat_swap_used_bytes", 123_456]]);
  assert.deepEqual(
    historyGroups([ended, swap, ended], 1000, () => 15_000),
    [{ source: "sysctl", time: [1000, 2000], columns: { "swap.used": [123_500, null] } }],
  );
});

test("without a journal the last ten minutes are kept, a second apart", () => {
  const memory = createSnapshotMemory();
  const values: readonly Value[] = [["vmstat_pages_free_count", 1]];
  for (let time = 0; time <= 20 * 60_000; time += 100) memory.put(snapshotOf("vm_stat", time, values));
  const kept = memory.since(10 * 60_000);
  assert.equal(kept.at(-1)?.time, 20 * 60_000);
  assert.ok((kept[0]?.time ?? Infinity) <= 10 * 60_000 + 1000);
  assert.ok(kept.length > 590 && kept.length < 1300, String(kept.length));
});
