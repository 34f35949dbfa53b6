/** Turns snapshots into readings: the exported values by meaning instead of by metric name. */
import type { Series } from "../metric/series.ts";
import { defined } from "../runtime/defined.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import type { BatteryReading, GpuReading, MemoryReading, Rail, Readings } from "./status.ts";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

interface Draft {
  readonly power: Partial<Record<Rail, number>>;
  readonly cores: Map<string, Mutable<Readings["cores"][number]>>;
  readonly clusters: Map<string, Mutable<Readings["clusters"][number]>>;
  readonly gpu: Mutable<Readings["gpu"]>;
  readonly battery: Mutable<Readings["battery"]>;
  readonly celsius: Record<string, number>;
  readonly gpus: Map<string, Mutable<GpuReading>>;
  /** Pages, and bytes, by metric name. */
  readonly memory: Map<string, number>;
  readonly totals: Record<string, number>;
  windowSeconds?: number;
  thermal?: string;
  fanRpm?: number;
}

type NumbersOf<T> = { [K in keyof T as T[K] extends number | undefined ? K : never]: T[K] };

/** `label` is the value of the series' first label. */
type Put = (draft: Draft, value: number, label: string, series: Series) => void;

const rail =
  (name: Rail): Put =>
  ({ power }, value) =>
    void (power[name] = value / 1000);
const memory: Put = (draft, value, _label, { name }) => void draft.memory.set(name, value);
/** Fields of the battery that are a metric's value, times a factor. */
const battery =
  (field: keyof NumbersOf<BatteryReading>, factor = 1): Put =>
  (draft, value) =>
    void (draft.battery[field] = value * factor);
const total =
  (column: string): Put =>
  ({ totals }, value) =>
    void (totals[column] = value);
const temperature: Put = ({ celsius }, value, sensor) => void (celsius[sensor] = value);

/** What each metric that is read changes in the readings. */
export const puts: Readonly<Record<string, Put>> = {
  powermetrics_cpu_power_milliwatts: rail("cpu"),
  powermetrics_gpu_power_milliwatts: rail("gpu"),
  powermetrics_ane_power_milliwatts: rail("ane"),
  powermetrics_dram_power_milliwatts: rail("dram"),
  powermetrics_package_power_milliwatts: rail("package"),
  powermetrics_combined_power_milliwatts: rail("combined"),
  powermetrics_sample_duration_seconds: (draft, value) => void (draft.windowSeconds = value),
  powermetrics_cpu_energy_joules_total: total("power.cpu"),
  powermetrics_gpu_energy_joules_total: total("power.gpu"),
  powermetrics_ane_energy_joules_total: total("power.ane"),
  powermetrics_package_energy_joules_total: total("power.package"),
  powermetrics_disk_read_bytes_total: total("disk.read"),
  powermetrics_disk_written_bytes_total: total("disk.written"),
  powermetrics_network_receive_bytes_total: total("network.received"),
  powermetrics_network_transmit_bytes_total: total("network.sent"),
  powermetrics_cpu_active_residency_percent: (draft, value, label) =>
    void (coreOf(draft, label).activePercent = value),
  powermetrics_cpu_frequency_hertz: (draft, value, label) => void (coreOf(draft, label).frequencyHz = value),
  powermetrics_core_info: (draft, _value, _label, { labels }) => {
    const { core, cluster } = Object.fromEntries(labels);
    if (core !== undefined && cluster !== undefined) coreOf(draft, core).cluster = cluster;
  },
  powermetrics_cluster_active_residency_percent: (draft, value, label) =>
    void (clusterOf(draft, label).activePercent = value),
  powermetrics_cluster_frequency_hertz: (draft, value, label) =>
    void (clusterOf(draft, label).frequencyHz = value),
  powermetrics_gpu_active_residency_percent: ({ gpu }, value) => void (gpu.activePercent = value),
  powermetrics_gpu_frequency_hertz: ({ gpu }, value) => void (gpu.frequencyHz = value),
  powermetrics_thermal_pressure_state: (draft, value, label) => {
    if (value === 1) draft.thermal = label;
  },
  powermetrics_battery_charge_percent: ({ battery }, value) => void (battery.chargePercent = value),
  powermetrics_cpu_temperature_celsius: temperature,
  powermetrics_gpu_temperature_celsius: temperature,
  powermetrics_fan_speed_rpm: (draft, value) => void (draft.fanRpm = value),
  pmset_power_source_info: ({ battery }, value, label) => {
    if (value === 1) battery.source = label;
  },
  pmset_battery_charging_state: ({ battery }, value, label) => {
    if (value === 1) battery.state = label;
  },
  ioreg_system_power_milliwatts: rail("system"),
  ioreg_system_energy_joules_total: total("machine.power"),
  ioreg_system_energy_seconds_total: total("machine.seconds"),
  ioreg_battery_power_milliwatts: battery("watts", 1 / 1000),
  ioreg_adapter_power_milliwatts: battery("adapterWatts", 1 / 1000),
  ioreg_adapter_rating_watts: battery("adapterRatingWatts"),
  ioreg_battery_cycles: battery("cycles"),
  ioreg_battery_design_capacity_milliampere_hours: battery("designMilliampereHours"),
  ioreg_battery_full_charge_capacity_milliampere_hours: battery("fullMilliampereHours"),
  ioreg_battery_temperature_celsius: battery("celsius"),
  ioreg_gpu_memory_in_use_bytes: (draft, value, label) => void (gpuOf(draft, label).memoryBytes = value),
  ioreg_gpu_utilization_percent: (draft, value, label, { labels }) => {
    if (Object.fromEntries(labels)["unit"] === "device") gpuOf(draft, label).loadPercent = value;
  },
  pmset_low_power_mode: ({ battery }, value) => void (battery.lowPowerMode = value === 1),
  vmstat_page_size_bytes: memory,
  vmstat_pages_wired_count: memory,
  vmstat_pages_anonymous_count: memory,
  vmstat_pages_purgeable_count: memory,
  vmstat_pages_file_backed_count: memory,
  vmstat_pages_free_count: memory,
  vmstat_compressor_occupied_pages: memory,
  vmstat_memory_total_bytes: memory,
  vmstat_memory_pressure_level: memory,
  vmstat_swap_used_bytes: memory,
  vmstat_swap_total_bytes: memory,
};

/** What these snapshots say together; with the snapshots of one source, only that source's part. */
export function readingsOf(snapshots: readonly Snapshot[]): Readings {
  const draft: Draft = {
    power: {},
    cores: new Map(),
    clusters: new Map(),
    gpu: {},
    battery: {},
    celsius: {},
    gpus: new Map(),
    memory: new Map(),
    totals: {},
  };
  for (const { set, values } of snapshots)
    for (const [index, series] of set.series.entries()) {
      const value = values[index];
      if (value === undefined || Number.isNaN(value)) continue;
      puts[series.name]?.(draft, value, series.labels[0]?.[1] ?? "", series);
    }
  const { cores, clusters, gpus, memory: pages, totals, ...plain } = draft;
  return {
    ...plain,
    ...(Object.keys(totals).length > 0 && { totals }),
    ...(gpus.size > 0 && { gpus: [...gpus.values()] }),
    cores: [...cores.values()],
    clusters: [...clusters.values()],
    memory: memoryOf(pages),
  };
}

function coreOf({ cores }: Draft, core: string): Mutable<Readings["cores"][number]> {
  const known = cores.get(core) ?? { core };
  cores.set(core, known);
  return known;
}

function clusterOf({ clusters }: Draft, cluster: string): Mutable<Readings["clusters"][number]> {
  const known = clusters.get(cluster) ?? { cluster };
  clusters.set(cluster, known);
  return known;
}

function gpuOf({ gpus }: Draft, gpu: string): Mutable<GpuReading> {
  const known = gpus.get(gpu) ?? { gpu };
  gpus.set(gpu, known);
  return known;
}

const pressures: Readonly<Record<number, NonNullable<MemoryReading["pressure"]>>> = {
  1: "normal",
  2: "warning",
  4: "critical",
};

function memoryOf(values: ReadonlyMap<string, number>): MemoryReading {
  const pageSize = values.get("vmstat_page_size_bytes");
  /** Bytes of the sum of these counts, each times its sign; absent when any is. */
  const bytes = (...counts: readonly (readonly [name: string, sign: 1 | -1])[]): number | undefined => {
    let pages = 0;
    for (const [name, sign] of counts) pages += sign * (values.get(name) ?? NaN);
    return pageSize === undefined || Number.isNaN(pages) ? undefined : Math.max(0, pages) * pageSize;
  };
  return defined({
    total: values.get("vmstat_memory_total_bytes"),
    wired: bytes(["vmstat_pages_wired_count", 1]),
    app: bytes(["vmstat_pages_anonymous_count", 1], ["vmstat_pages_purgeable_count", -1]),
    compressed: bytes(["vmstat_compressor_occupied_pages", 1]),
    cached: bytes(["vmstat_pages_file_backed_count", 1], ["vmstat_pages_purgeable_count", 1]),
    free: bytes(["vmstat_pages_free_count", 1]),
    swapUsed: values.get("vmstat_swap_used_bytes"),
    swapTotal: values.get("vmstat_swap_total_bytes"),
    pressure: pressures[values.get("vmstat_memory_pressure_level") ?? 0],
  });
}
