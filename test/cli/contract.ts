/** The fixed metrics of the contract, written down once more by hand: what the code may not change. */
const pages = [
  "free",
  "active",
  "inactive",
  "speculative",
  "throttled",
  "purgeable",
  "wired",
  "file_backed",
  "anonymous",
  "compressor",
];
const counters = [
  "pages_cow_faults",
  "pages_zero_filled",
  "pages_reactivated",
  "pages_purged",
  "pages_decompressed",
  "pages_compressed",
  "page_ins",
  "page_outs",
  "faults",
  "swap_ins",
  "swap_outs",
];

/** Intel's smc sampler alone has it. */
export const temperature = "powermetrics_cpu_temperature_celsius";

/** What promtool objects to, and what no one may rename any more. */
export const pageCounts: readonly string[] = pages.map((name) => `vmstat_pages_${name}_count`);

/** Names of the contract in units that the battery's gauge has and promtool's base units have not. */
export const gaugeUnits: readonly string[] = [
  "ioreg_battery_current_milliamperes",
  ...["design", "full_charge", "nominal_charge", "remaining"].map(
    (name) => `ioreg_battery_${name}_capacity_milliampere_hours`,
  ),
];

/** Thirty in all. */
export const fixedMetrics: readonly string[] = [
  "powermetrics_cpu_power_milliwatts",
  "powermetrics_gpu_power_milliwatts",
  "powermetrics_cpu_frequency_hertz",
  temperature,
  "powermetrics_cpu_active_residency_percent",
  "powermetrics_cpu_idle_residency_percent",
  "powermetrics_gpu_active_residency_percent",
  "powermetrics_gpu_idle_residency_percent",
  "vmstat_page_size_bytes",
  ...pageCounts,
  ...counters.map((name) => `vmstat_${name}_total`),
];
