/** Memory, load and recoveries of each GPU, as its driver reports them. */
import { bootCounter, gauge } from "../metric/metric.ts";
import type { GpuEntry } from "../parse/sample.ts";
import { collector } from "./collector.ts";

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
