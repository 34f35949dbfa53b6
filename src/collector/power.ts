/** Mean power over the window, as powermetrics estimates it per rail. */
import { gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";

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
