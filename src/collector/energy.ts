/** Energy since the agent started: the exact sum of the millijoules of every accepted window. */
import { agentCounter } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { sum, type Sum } from "./sum.ts";

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
    const sums = { cpu: sum(), gpu: sum(), ane: sum(), package: sum() };
    return ({ processor, gpu }, observe, { accrues }) => {
      const joules = (total: Sum, millijoules: number | undefined): number | undefined => {
        const millis = total.add(accrues ? millijoules : undefined);
        return millis === undefined ? undefined : millis / 1000;
      };
      observe("cpu", joules(sums.cpu, processor?.cpuMillijoules));
      observe("gpu", joules(sums.gpu, processor?.gpuMillijoules ?? gpu?.millijoules));
      observe("ane", joules(sums.ane, processor?.aneMillijoules));
      observe("package", joules(sums.package, processor?.packageMillijoules));
    };
  },
});
