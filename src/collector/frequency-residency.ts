/** The time spent at each frequency, off by default: some ten to twenty series a core. */
import { agentCounter } from "../metric/metric.ts";
import type { FrequencyResidency } from "../parse/sample.ts";
import { collector } from "./collector.ts";
import { createSums, type Sums } from "./values.ts";

export const frequencyResidency = collector({
  source: "powermetrics",
  samplers: ["cpu_power", "gpu_power"],
  enabled: (settings) => settings.frequencyResidency,
  metrics: {
    cpu: agentCounter(
      "powermetrics_cpu_frequency_residency_seconds_total",
      "Time the CPU was active at a frequency, summed over all sample windows",
      ["core", "frequency_mhz"],
    ),
    gpu: agentCounter(
      "powermetrics_gpu_frequency_residency_seconds_total",
      "Time the GPU was active at a frequency, summed over all sample windows",
      ["frequency_mhz"],
    ),
  },
  create() {
    const cpu = new Map<string, Sums>();
    const gpu = createSums();
    return (sample, observe, { accrues }) => {
      for (const core of sample.processor?.cores ?? []) {
        const states = cpu.get(core.id) ?? createSums();
        cpu.set(core.id, states);
        for (const [mhz, seconds] of residencySeconds(states, core.frequencyResidency, accrues)) {
          observe("cpu", seconds, { core: core.id, frequency_mhz: mhz });
        }
      }
      for (const [mhz, seconds] of residencySeconds(gpu, sample.gpu?.frequencyResidency, accrues)) {
        observe("gpu", seconds, { frequency_mhz: mhz });
      }
    };
  },
});

/** Adds the window's states up, a frequency that is listed twice (M3, M4 Pro GPUs) into one sum; nothing when the window lists none. */
function* residencySeconds(
  states: Sums,
  residency: readonly FrequencyResidency[] | undefined,
  accrues: boolean,
): Iterable<readonly [mhz: string, seconds: number]> {
  if (residency === undefined) return;
  for (const { megahertz, usedNs } of residency) states.add(String(megahertz), accrues ? usedNs : undefined);
  for (const [mhz, usedNs] of states.entries()) yield [mhz, usedNs / 1e9];
}
