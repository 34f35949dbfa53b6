/** Power and energy: of each rail as powermetrics estimates them, and of the whole machine by the battery's gauge. */
import { agentCounter, deviceCounter, gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { createSums } from "./values.ts";

/** Means over the window. */
export const power = collector({
  source: "powermetrics",
  samplers: ["cpu_power", "gpu_power", "ane_power"],
  metrics: {
    cpu: gauge("powermetrics_cpu_power_milliwatts", "Mean power of the CPU clusters over the sample window"),
    gpu: gauge("powermetrics_gpu_power_milliwatts", "Mean power of the GPU over the sample window"),
    ane: gauge(
      "powermetrics_ane_power_milliwatts",
      "Mean power of the Apple Neural Engine over the sample window",
    ),
    combined: gauge(
      "powermetrics_combined_power_milliwatts",
      "Mean power of CPU, GPU and ANE together over the sample window; before macOS 13 of the whole package",
    ),
    package: gauge(
      "powermetrics_package_power_milliwatts",
      "Mean power of the whole Intel package over the sample window",
    ),
    dram: gauge(
      "powermetrics_dram_power_milliwatts",
      "Mean power of the memory over the sample window, macOS 11 and 12 only",
    ),
  },
  create:
    () =>
    ({ processor, gpu, elapsedNs }, observe) => {
      observe("cpu", processor?.cpuMilliwatts);
      observe("gpu", processor?.gpuMilliwatts ?? meanMilliwatts(gpu?.millijoules, elapsedNs));
      observe("ane", processor?.aneMilliwatts);
      observe("combined", processor?.combinedMilliwatts);
      observe("package", processor?.packageMilliwatts);
      observe("dram", processor?.dramMilliwatts);
    },
});

/** With the gpu_power sampler alone there is an energy but no power. */
function meanMilliwatts(millijoules: number | undefined, elapsedNs: number): number | undefined {
  return millijoules === undefined || elapsedNs <= 0 ? undefined : (millijoules * 1e9) / elapsedNs;
}

type Rail = "cpu" | "gpu" | "ane" | "package";

/** Since the agent started: the exact sum of the millijoules of every accepted window. */
export const energy = collector({
  source: "powermetrics",
  samplers: ["cpu_power", "gpu_power", "ane_power"],
  metrics: {
    cpu: agentCounter(
      "powermetrics_cpu_energy_joules_total",
      "Energy of the CPU clusters summed over all sample windows",
    ),
    gpu: agentCounter(
      "powermetrics_gpu_energy_joules_total",
      "Energy of the GPU summed over all sample windows",
    ),
    ane: agentCounter(
      "powermetrics_ane_energy_joules_total",
      "Energy of the Apple Neural Engine summed over all sample windows",
    ),
    package: agentCounter(
      "powermetrics_package_energy_joules_total",
      "Energy of the whole package summed over all sample windows",
    ),
  },
  create() {
    const sums = createSums();
    return ({ processor, gpu }, observe, { accrues }) => {
      const observeJoules = (rail: Rail, millijoules: number | undefined): void => {
        const total = sums.add(rail, accrues ? millijoules : undefined);
        observe(rail, total === undefined ? undefined : total / 1000);
      };
      observeJoules("cpu", processor?.cpuMillijoules);
      observeJoules("gpu", processor?.gpuMillijoules ?? gpu?.millijoules);
      observeJoules("ane", processor?.aneMillijoules);
      observeJoules("package", processor?.packageMillijoules);
    };
  },
});

/** When the gauge was read. */
export const systemPower = collector({
  source: "ioreg",
  metrics: {
    system: gauge(
      "ioreg_system_power_milliwatts",
      "Power of the whole machine, its display included, when the battery's gauge was read",
    ),
    adapter: gauge("ioreg_adapter_power_milliwatts", "Power from the adapter"),
    battery: gauge("ioreg_battery_power_milliwatts", "Power into the battery, negative while it discharges"),
    energy: deviceCounter(
      "ioreg_system_energy_joules_total",
      "Energy of the whole machine over the seconds of ioreg_system_energy_seconds_total; some machines count while they sleep",
    ),
    seconds: deviceCounter(
      "ioreg_system_energy_seconds_total",
      "Seconds whose energy is in ioreg_system_energy_joules_total",
    ),
  },
  create:
    () =>
    ({ system }, observe) => {
      observe("system", system?.loadMilliwatts);
      observe("adapter", system?.adapterMilliwatts);
      observe("battery", system?.batteryMilliwatts);
      const millijoules = system?.energyMillijoules;
      observe("energy", millijoules === undefined ? undefined : millijoules / 1000);
      observe("seconds", system?.energySeconds);
    },
});
