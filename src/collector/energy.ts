/** Energy since the agent started: the exact sum of the millijoules of every accepted window. */
import { agentCounter } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { createSums } from "./values.ts";

type Rail = "cpu" | "gpu" | "ane" | "package";

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
