import assert from "node:assert/strict";
import test from "node:test";
import { collector } from "../../src/collector/collector.ts";
import { collectors, neededSamplers } from "../../src/collector/index.ts";
import { gauge } from "../../src/metric/metric.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import { createBootTime, createSourceMeter, type SourceMeter } from "../../src/meter/meter.ts";
import type { PmsetSample, PowermetricsSample, TaskWindow } from "../../src/parse/sample.ts";
import { allSettings, defaultSettings, powermetricsSample } from "../support/samples.ts";
import fc from "../support/property.ts";
import { valuesOf } from "../support/snapshots.ts";

const at = Date.UTC(2026, 0, 1);
const powermetricsMeter = (settings = defaultSettings): SourceMeter<"powermetrics"> =>
  createSourceMeter("powermetrics", settings, catalogue, createBootTime());

function collect(sample: PowermetricsSample, settings = defaultSettings): Record<string, number> {
  return valuesOf(powermetricsMeter(settings).measure(sample, at, 1000).snapshot);
}

test("a full sample gives every value of the machine, and nothing else", () => {
  assert.deepEqual(collect(powermetricsSample()), {
    'powermetrics_info{hw_model="Mac16,10",os_build="25G229"}': 1,
    powermetrics_sample_duration_seconds: 1,
    powermetrics_cpu_power_milliwatts: 90.5,
    powermetrics_gpu_power_milliwatts: 12,
    powermetrics_ane_power_milliwatts: 0,
    powermetrics_combined_power_milliwatts: 102.5,
    powermetrics_cpu_energy_joules_total: 0.09,
    powermetrics_gpu_energy_joules_total: 0.012,
    powermetrics_ane_energy_joules_total: 0,
    'powermetrics_cpu_frequency_hertz{core="cpu0"}': 1e9,
    'powermetrics_cpu_frequency_hertz{core="cpu1"}': 2e9,
    'powermetrics_cpu_frequency_hertz{core="cpu2"}': 0,
    'powermetrics_cpu_active_residency_percent{core="cpu0"}': 50,
    'powermetrics_cpu_active_residency_percent{core="cpu1"}': 25,
    'powermetrics_cpu_active_residency_percent{core="cpu2"}': 0,
    'powermetrics_cpu_idle_residency_percent{core="cpu0"}': 50,
    'powermetrics_cpu_idle_residency_percent{core="cpu1"}': 75,
    'powermetrics_cpu_idle_residency_percent{core="cpu2"}': 0,
    'powermetrics_cpu_down_residency_percent{core="cpu2"}': 100,
    'powermetrics_core_info{cluster="E-Cluster",core="cpu0"}': 1,
    'powermetrics_core_info{cluster="E-Cluster",core="cpu1"}': 1,
    'powermetrics_core_info{cluster="P-Cluster",core="cpu2"}': 1,
    'powermetrics_cluster_active_residency_percent{cluster="E-Cluster"}': 37.5,
    'powermetrics_cluster_active_residency_percent{cluster="P-Cluster"}': 0,
    'powermetrics_cluster_idle_residency_percent{cluster="E-Cluster"}': 62.5,
    'powermetrics_cluster_idle_residency_percent{cluster="P-Cluster"}': 0,
    'powermetrics_cluster_down_residency_percent{cluster="P-Cluster"}': 100,
    'powermetrics_cluster_frequency_hertz{cluster="E-Cluster"}': (0.5e9 + 0.5e9) / 0.75,
    'powermetrics_cluster_frequency_hertz{cluster="P-Cluster"}': 0,
    'powermetrics_cluster_online_percent{cluster="E-Cluster"}': 100,
    powermetrics_gpu_active_residency_percent: 10,
    powermetrics_gpu_idle_residency_percent: 90,
    powermetrics_gpu_frequency_hertz: 338e6,
    'powermetrics_thermal_pressure_state{state="nominal"}': 1,
    'powermetrics_thermal_pressure_state{state="moderate"}': 0,
    'powermetrics_thermal_pressure_state{state="heavy"}': 0,
    'powermetrics_thermal_pressure_state{state="trapping"}': 0,
    'powermetrics_thermal_pressure_state{state="sleeping"}': 0,
    'powermetrics_thermal_pressure_seconds_total{state="nominal"}': 1,
    'powermetrics_thermal_pressure_seconds_total{state="moderate"}': 0,
    'powermetrics_thermal_pressure_seconds_total{state="heavy"}': 0,
    'powermetrics_thermal_pressure_seconds_total{state="trapping"}': 0,
    'powermetrics_thermal_pressure_seconds_total{state="sleeping"}': 0,
    powermetrics_battery_charge_percent: 20,
    powermetrics_network_receive_bytes_total: 100,
    powermetrics_network_receive_packets_total: 2,
    powermetrics_network_transmit_bytes_total: 50,
    powermetrics_network_transmit_packets_total: 1,
    powermetrics_disk_read_bytes_total: 4096,
    powermetrics_disk_written_bytes_total: 0,
    powermetrics_disk_reads_total: 1,
    powermetrics_disk_writes_total: 0,
  });
});

test("an empty document gives its duration and no zeros", () => {
  const bare = { timestampMs: at, elapsedNs: 5e8, isDelta: true, findings: { unknown: [], implausible: [] } };
  assert.deepEqual(collect(bare), { powermetrics_sample_duration_seconds: 0.5 });
});

test("with the gpu_power sampler alone power is the energy over the window", () => {
  const { processor: _, ...gpuOnly } = powermetricsSample({ elapsedNs: 5e8 });
  const values = collect(gpuOnly);
  assert.equal(values["powermetrics_gpu_power_milliwatts"], 26);
  assert.equal(values["powermetrics_gpu_energy_joules_total"], 0.013);
  assert.equal("powermetrics_cpu_power_milliwatts" in values, false);
});

test("an unknown thermal state is reported verbatim beside the known ones", () => {
  const values = collect(powermetricsSample({ thermalPressure: "scorching" }));
  assert.equal(values['powermetrics_thermal_pressure_state{state="scorching"}'], 1);
  assert.equal(values['powermetrics_thermal_pressure_state{state="nominal"}'], 0);
});

test("energies add up to the millijoule over many windows", () => {
  const meter = powermetricsMeter();
  for (let second = 1; second < 1000; second++) meter.measure(powermetricsSample(), at + second * 1000, 1000);
  const { snapshot } = meter.measure(powermetricsSample(), at + 1e6, 1000);
  assert.equal(valuesOf(snapshot)["powermetrics_cpu_energy_joules_total"], 90);
  assert.equal(valuesOf(snapshot)["powermetrics_network_receive_bytes_total"], 100_000);
});

test("a window that does not accrue leaves the sums as they are", () => {
  const meter = powermetricsMeter();
  meter.measure(powermetricsSample(), at, 1000);
  const { snapshot } = meter.measure(powermetricsSample(), at + 1000, 1000, false);
  assert.equal(valuesOf(snapshot)["powermetrics_cpu_energy_joules_total"], 0.09);
  assert.equal(valuesOf(snapshot)["powermetrics_disk_read_bytes_total"], 4096);
});

test("a sum that no accepted window reported is absent", () => {
  const { snapshot } = powermetricsMeter().measure(powermetricsSample(), at, 1000, false);
  assert.equal("powermetrics_cpu_energy_joules_total" in valuesOf(snapshot), false);
});

test("duplicate GPU frequencies are summed, and a state without time is exported as 0", () => {
  const frequencyResidency = [
    { megahertz: 1182, usedNs: 1e9 },
    { megahertz: 1182, usedNs: 2e9 },
    { megahertz: 1312, usedNs: 0 },
  ];
  const values = collect(powermetricsSample({ gpu: { frequencyResidency } }), allSettings);
  assert.equal(values['powermetrics_gpu_frequency_residency_seconds_total{frequency_mhz="1182"}'], 3);
  assert.equal(values['powermetrics_gpu_frequency_residency_seconds_total{frequency_mhz="1312"}'], 0);
});

test("an interrupt row that is missing for lack of events keeps its count", () => {
  const meter = powermetricsMeter(allSettings);
  const row = { core: "cpu0", type: "IPI", count: 7 };
  meter.measure(powermetricsSample({ interrupts: [row] }), at, 1000);
  const { snapshot } = meter.measure(powermetricsSample({ interrupts: [] }), at + 1000, 1000);
  assert.equal(valuesOf(snapshot)['powermetrics_interrupts_total{core="cpu0",type="IPI"}'], 7);
});

const task = (name: string, cpuNs: number): TaskWindow => ({ name, cpuNs });

test("tasks beyond the top are summed as _other, and tasks of one name are one", () => {
  const values = collect(
    powermetricsSample({ tasks: [task("a", 1e9), task("b", 4e9), task("c", 3e9), task("b", 1e9)] }),
    allSettings,
  );
  assert.equal(values['powermetrics_task_cpu_seconds_total{name="b"}'], 5);
  assert.equal(values['powermetrics_task_cpu_seconds_total{name="c"}'], 3);
  assert.equal(values['powermetrics_task_cpu_seconds_total{name="_other"}'], 1);
  assert.equal('powermetrics_task_cpu_seconds_total{name="a"}' in values, false);
  assert.equal('powermetrics_task_gpu_seconds_total{name="b"}' in values, false);
});

test("a task that rises takes the place of the least busy one, and _other never falls", () => {
  const meter = powermetricsMeter(allSettings);
  let others = 0;
  for (let window = 0; window < 50; window++) {
    const tasks = [task("a", 1e9), task("b", window < 10 ? 2e9 : 0), task("riser", window < 10 ? 0 : 5e9)];
    const values = valuesOf(meter.measure(powermetricsSample({ tasks }), at + window * 1000, 1000).snapshot);
    const other = values['powermetrics_task_cpu_seconds_total{name="_other"}'] ?? 0;
    assert.ok(other >= others);
    others = other;
    const names = Object.keys(values).filter((key) => key.startsWith("powermetrics_task_cpu"));
    assert.ok(names.length <= 3, names.join());
    if (window === 49) assert.ok('powermetrics_task_cpu_seconds_total{name="riser"}' in values);
  }
});

test("the energy of tasks is shared by their CPU and GPU time, and its sum is the rails' sum", () => {
  const tasks = [
    { name: "a", cpuNs: 3e8, gpuNs: 0 },
    { name: "b", cpuNs: 1e8, gpuNs: 5e8 },
  ];
  const values = collect(powermetricsSample({ tasks }), allSettings);
  const ofTask = (name: string): number | undefined =>
    values[`powermetrics_task_energy_joules_total{name="${name}"}`];
  assert.deepEqual([ofTask("a"), ofTask("b"), ofTask("_other")], [0.0675, 0.0225 + 0.012, 0]);
});

test("energy without a task that took time is everybody else's", () => {
  const values = collect(powermetricsSample({ tasks: [{ name: "a" }] }), allSettings);
  assert.equal(values['powermetrics_task_energy_joules_total{name="_other"}'], 0.102);
  assert.equal(values['powermetrics_task_energy_joules_total{name="a"}'], 0);
});

test("whatever the tasks, their joules are the rails' joules to the microjoule", () => {
  const amount = fc.integer({ min: 0, max: 1e6 });
  const time = fc.integer({ min: 0, max: 1e10 });
  const task = fc.record({ name: fc.constantFrom("a", "b", "c", "d"), cpuNs: time, gpuNs: time });
  const window = fc.record({ cpu: amount, gpu: amount, ane: amount, tasks: fc.array(task) });
  fc.assert(
    fc.property(fc.array(window, { minLength: 1, maxLength: 40 }), (windows) => {
      const meter = powermetricsMeter({ ...allSettings, tasks: { enabled: true, top: 4 } });
      let joules: readonly number[] = [];
      for (const [index, { cpu, gpu, ane, tasks }] of windows.entries()) {
        const energies = { cpuMillijoules: cpu, gpuMillijoules: gpu, aneMillijoules: ane };
        const sample = powermetricsSample({ tasks, processor: { ...energies, clusters: [], cores: [] } });
        const { snapshot } = meter.measure(sample, at + index * 1000, 1000);
        joules = Object.entries(valuesOf(snapshot)).flatMap(([key, value]) =>
          key.startsWith("powermetrics_task_energy") ? [value] : [],
        );
      }
      const rails = windows.reduce((all, { cpu, gpu, ane }) => all + cpu + gpu + ane, 0);
      assert.equal(
        joules.reduce((all, value) => all + Math.round(value * 1e6), 0),
        rails * 1000,
      );
    }),
  );
});

test("the time in each thermal state adds up the windows that ended in it", () => {
  const meter = powermetricsMeter();
  const states = ["nominal", "heavy", "heavy", "scorching"];
  const values = states.map((thermalPressure, index) =>
    valuesOf(meter.measure(powermetricsSample({ thermalPressure }), at + index * 1000, 1000).snapshot),
  );
  const seconds = (state: string): number | undefined =>
    values.at(-1)?.[`powermetrics_thermal_pressure_seconds_total{state="${state}"}`];
  assert.deepEqual(["nominal", "heavy", "scorching", "moderate"].map(seconds), [1, 2, 1, 0]);
});

test("Low Power Mode and the mode are two views of one setting, and absent where pmset prints neither", () => {
  const values = (sample: Partial<PmsetSample>): Record<string, number> => {
    const meter = createSourceMeter("pmset", defaultSettings, catalogue, createBootTime());
    const findings = { unknown: [], implausible: [] };
    return valuesOf(meter.measure({ findings, ...sample }, at, 0).snapshot);
  };
  assert.deepEqual(values({ powerMode: "low" }), {
    pmset_low_power_mode: 1,
    'pmset_power_mode{mode="low"}': 1,
    'pmset_power_mode{mode="automatic"}': 0,
    'pmset_power_mode{mode="high"}': 0,
  });
  assert.equal(values({ powerMode: "high" })["pmset_low_power_mode"], 0);
  assert.equal(values({ powerMode: "high" })['pmset_power_mode{mode="high"}'], 1);
  assert.deepEqual(values({}), {});
});

test("the samplers are those that the enabled collectors need", () => {
  assert.deepEqual(neededSamplers(defaultSettings), [
    "cpu_power",
    "gpu_power",
    "ane_power",
    "thermal",
    "battery",
    "network",
    "disk",
    "smc",
  ]);
  assert.ok(neededSamplers(allSettings).includes("tasks"));
  assert.ok(neededSamplers(allSettings).includes("interrupts"));
});

test("an undeclared metric and a wrong label do not compile", () => {
  const declared = collector({
    source: "vm_stat",
    metrics: { plain: gauge("a_plain_gauge", "Help"), labelled: gauge("a_labelled_gauge", "Help", ["core"]) },
    create: () => (sample, observe) => {
      observe("plain", sample.free);
      observe("labelled", 1, { core: "cpu0" });
      // @ts-expect-error an undeclared metric
      observe("missing", 1);
      // @ts-expect-error a wrong label
      observe("labelled", 1, { cpu: "cpu0" });
      // @ts-expect-error a missing label
      observe("labelled", 1);
      // @ts-expect-error a label too many
      observe("plain", 1, { core: "cpu0" });
    },
  });
  assert.equal(declared.source, "vm_stat");
});

test("every collector is registered under its own source", () => {
  for (const [source, list] of Object.entries(collectors)) {
    assert.ok(list.length > 0);
    for (const one of list) assert.equal(one.source, source);
  }
});
