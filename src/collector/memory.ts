/** Memory size, pressure and swap as sysctl reports them. */
import { gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";

export const memory = collector({
  source: "sysctl",
  metrics: {
    swapTotal: gauge(
      "vmstat_swap_total_bytes",
      "Size of the swap files; macOS makes and removes them as needed",
    ),
    swapUsed: gauge("vmstat_swap_used_bytes", "Swap space in use"),
    swapFree: gauge("vmstat_swap_free_bytes", "Swap space that is free"),
    memory: gauge("vmstat_memory_total_bytes", "Physical memory of the machine"),
    pressure: gauge("vmstat_memory_pressure_level", "Memory pressure: 1 normal, 2 warning, 4 critical"),
  },
  create: () => (sample, observe) => {
    observe("swapTotal", sample.swapTotalBytes);
    observe("swapUsed", sample.swapUsedBytes);
    observe("swapFree", sample.swapFreeBytes);
    observe("memory", sample.memoryBytes);
    observe("pressure", sample.memoryPressureLevel);
  },
});
