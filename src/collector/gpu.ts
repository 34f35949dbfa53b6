/** The GPU, power aside: what it did in the window by powermetrics, memory, load and recoveries of each GPU by its driver. */
import { bootCounter, gauge } from "../metric/metric.ts";
import type { GpuEntry } from "../parse/sample.ts";
import { collector } from "./collector.ts";
import { percent } from "./values.ts";

export const gpu = collector({
  source: "powermetrics",
  samplers: ["gpu_power"],
  metrics: {
    active: gauge(
      "powermetrics_gpu_active_residency_percent",
      "Share of the window in which the GPU was active",
    ),
    idle: gauge("powermetrics_gpu_idle_residency_percent", "Share of the window in which the GPU was idle"),
    frequency: gauge(
      "powermetrics_gpu_frequency_hertz",
      "Mean frequency of the GPU while it was active, 0 if it never was",
    ),
  },
  create:
    () =>
    ({ gpu: sample }, observe) => {
      observe("active", percent(sample?.activeRatio));
      observe("idle", percent(sample?.idleRatio));
      observe("frequency", sample?.frequencyHz);
    },
});

/** As the driver reports them. */
export const accelerator = collector({
  source: "ioreg",
  metrics: {
    inUse: gauge("ioreg_gpu_memory_in_use_bytes", "Memory that the GPU uses", ["gpu"]),
    allocated: gauge(
      "ioreg_gpu_memory_allocated_bytes",
      "Memory allocated for the GPU; may exceed the machine's memory",
      ["gpu"],
    ),
    utilization: gauge(
      "ioreg_gpu_utilization_percent",
      "Load of the GPU by unit; device is the load of the whole, whatever its work is",
      ["gpu", "unit"],
    ),
    recoveries: bootCounter("ioreg_gpu_recoveries_total", "Times that the driver restarted a GPU that hung", [
      "gpu",
    ]),
  },
  create:
    () =>
    ({ gpus }, observe) => {
      for (const entry of gpus ?? []) {
        const gpu = nameOf(entry);
        observe("inUse", entry.memoryInUseBytes, { gpu });
        observe("allocated", entry.memoryAllocatedBytes, { gpu });
        observe("utilization", entry.devicePercent, { gpu, unit: "device" });
        observe("utilization", entry.rendererPercent, { gpu, unit: "renderer" });
        observe("utilization", entry.tilerPercent, { gpu, unit: "tiler" });
        observe("recoveries", entry.recoveries, { gpu });
      }
    },
});

/** `0 Apple M4 Pro`: two GPUs of one model are two series. */
function nameOf({ index, model }: GpuEntry): string {
  return model === undefined ? String(index) : `${index} ${model}`;
}
