/** Memory: its size, pressure and swap as sysctl reports them, and virtual memory as vm_stat does. */
import { bootCounter, gauge } from "../metric/metric.ts";
import type { VmStatSample } from "../parse/sample.ts";
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

const metrics = {
  pageSizeBytes: gauge("vmstat_page_size_bytes", "Size of a virtual memory page"),
  free: gauge("vmstat_pages_free_count", "Pages that are free, speculative ones excluded"),
  active: gauge("vmstat_pages_active_count", "Pages in use and recently used"),
  inactive: gauge("vmstat_pages_inactive_count", "Pages in use but not recently used"),
  speculative: gauge("vmstat_pages_speculative_count", "Pages read ahead and not used yet"),
  throttled: gauge("vmstat_pages_throttled_count", "Pages whose writing is held back"),
  wired: gauge("vmstat_pages_wired_count", "Pages that can't be paged out"),
  purgeable: gauge("vmstat_pages_purgeable_count", "Pages that their owner allows to be discarded"),
  fileBacked: gauge("vmstat_pages_file_backed_count", "Pages backed by files"),
  anonymous: gauge("vmstat_pages_anonymous_count", "Pages not backed by files"),
  compressor: gauge("vmstat_pages_compressor_count", "Uncompressed pages that the compressor holds"),
  compressorOccupied: gauge(
    "vmstat_compressor_occupied_pages",
    "Physical pages that the compressor occupies",
  ),
  copyOnWrite: bootCounter("vmstat_pages_cow_faults_total", "Faults that copied a page"),
  zeroFilled: bootCounter("vmstat_pages_zero_filled_total", "Pages zero-filled on demand"),
  reactivated: bootCounter("vmstat_pages_reactivated_total", "Pages moved from inactive to active"),
  purged: bootCounter("vmstat_pages_purged_total", "Purgeable pages that were discarded"),
  decompressions: bootCounter("vmstat_pages_decompressed_total", "Pages decompressed"),
  compressions: bootCounter("vmstat_pages_compressed_total", "Pages compressed"),
  pageIns: bootCounter("vmstat_page_ins_total", "Pages read from disks"),
  pageOuts: bootCounter("vmstat_page_outs_total", "Pages written to disks"),
  faults: bootCounter("vmstat_faults_total", "Address translation faults"),
  swapIns: bootCounter("vmstat_swap_ins_total", "Pages read from swap files"),
  swapOuts: bootCounter("vmstat_swap_outs_total", "Pages written to swap files"),
} satisfies Partial<Record<keyof VmStatSample, unknown>>;

const fields = Object.keys(metrics) as (keyof typeof metrics)[];

/** Counts are pages, counters run since boot. */
export const vmStat = collector({
  source: "vm_stat",
  metrics,
  create: () => (sample, observe) => {
    for (const field of fields) observe(field, sample[field]);
  },
});
