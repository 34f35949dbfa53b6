/** The rows of a machine's dashboard about its chip: power, cores, GPU, heat and battery. */
import { charge, presence, pressureMeanings } from "./colors.ts";
import type { Row } from "./dashboard.ts";
import { about, inCoreOrder, increase, joules, of, watts } from "./query.ts";
import { heatMap, hourly, lines, stacked, stat, timeline } from "./view.ts";

const active = of("powermetrics_cpu_active_residency_percent");

export const nowRow: Row = {
  title: "Now",
  height: 4,
  panels: [
    {
      title: "Machine",
      description: "Model identifier and build of macOS; a simulated machine says so.",
      view: stat("none", { names: true }),
      queries: [
        {
          expression: of("powermetrics_info"),
          legend: "{{hw_model}} · {{os_build}} {{simulated}}",
          instant: true,
        },
      ],
      width: 5,
    },
    {
      title: "Power",
      description:
        "Power of the chip as powermetrics estimates it: CPU, GPU and ANE together, or Intel's package.",
      view: stat("watt", { decimals: 1 }),
      queries: [{ expression: watts, legend: "chip", instant: true }],
      width: 3,
    },
    {
      title: "Energy today and its cost",
      description: "Energy of the chip within 24 hours from exact counters, and its cost at the price above.",
      view: stat("none", { decimals: 3 }),
      queries: [
        { expression: `${joules("1d")} / 3.6e6`, legend: "kWh", instant: true },
        { expression: `${joules("1d")} / 3.6e6 * $price`, legend: "cost", instant: true },
      ],
      width: 4,
    },
    {
      title: "Thermal state",
      description: "Anything but nominal means that the machine runs slower than it could.",
      view: stat("none", { names: true }),
      queries: [
        {
          expression: `${of("powermetrics_thermal_pressure_state")} == 1`,
          legend: "{{state}}",
          instant: true,
        },
      ],
      width: 3,
    },
    {
      title: "Memory pressure",
      description: about("vmstat_memory_pressure_level"),
      view: stat("none", { meanings: pressureMeanings }),
      queries: [{ expression: of("vmstat_memory_pressure_level"), legend: "level", instant: true }],
      width: 3,
    },
    {
      title: "Battery",
      description: about("powermetrics_battery_charge_percent"),
      view: stat("percent", { steps: charge, absent: "no battery" }),
      queries: [{ expression: of("powermetrics_battery_charge_percent"), legend: "charge", instant: true }],
      width: 3,
    },
    {
      title: "Last sample",
      description: "How long ago the freshest source was read.",
      view: stat("s", {
        decimals: 0,
        steps: [
          [null, "green"],
          [120, "orange"],
          [600, "red"],
        ],
      }),
      queries: [
        {
          expression: `time() - max(${of("mac_agent_source_last_sample_timestamp_seconds")})`,
          legend: "age",
          instant: true,
        },
      ],
      width: 3,
    },
  ],
};

export const powerRow: Row = {
  title: "Power and energy",
  height: 8,
  panels: [
    {
      title: "Power by rail",
      description:
        "Mean power over each sample window. Apple calls these values estimates and advises against comparing different machines by them.",
      view: stacked("watt"),
      queries: [
        { expression: `${of("powermetrics_cpu_power_milliwatts")} / 1000`, legend: "CPU" },
        { expression: `${of("powermetrics_gpu_power_milliwatts")} / 1000`, legend: "GPU" },
        { expression: `${of("powermetrics_ane_power_milliwatts")} / 1000`, legend: "ANE" },
        { expression: `${of("powermetrics_dram_power_milliwatts")} / 1000`, legend: "DRAM" },
        { expression: `${of("powermetrics_package_power_milliwatts")} / 1000`, legend: "package" },
      ],
      width: 10,
    },
    {
      title: "Energy per hour",
      description:
        "What each rail used in each hour of the last day, from exact counters. Sleep costs nothing here.",
      view: hourly("watth"),
      queries: [
        { expression: `${increase("powermetrics_cpu_energy_joules_total", "1h")} / 3600`, legend: "CPU" },
        { expression: `${increase("powermetrics_gpu_energy_joules_total", "1h")} / 3600`, legend: "GPU" },
        { expression: `${increase("powermetrics_ane_energy_joules_total", "1h")} / 3600`, legend: "ANE" },
      ],
      width: 7,
    },
    {
      title: "Work per energy",
      description:
        "Active CPU cycles per joule of CPU energy: each core's frequency weighted by its activity, over CPU power. Higher is more efficient.",
      view: lines("si:cycles/J", { min: 0 }),
      queries: [
        {
          expression: `sum without (core) (${of("powermetrics_cpu_frequency_hertz")} * ${active} / 100) / (${of("powermetrics_cpu_power_milliwatts")} / 1000 > 0)`,
          legend: "cycles per joule",
        },
      ],
      width: 7,
    },
  ],
};

export const processorRow: Row = {
  title: "Processor",
  height: 9,
  panels: [
    {
      title: "Activity of each core",
      description:
        "Active residency, from green for idle to red for fully busy. Cores are numbered as macOS numbers them.",
      view: heatMap("percent"),
      queries: [{ expression: inCoreOrder(active), legend: "{{core}}" }],
      width: 12,
    },
    {
      title: "Activity of clusters",
      description: "Mean active residency of each cluster's cores, and of the busiest core of all.",
      view: lines("percent", { min: 0, max: 100 }),
      queries: [
        { expression: of("powermetrics_cluster_active_residency_percent"), legend: "{{cluster}}" },
        { expression: `max without (core) (${active})`, legend: "busiest core" },
      ],
      width: 12,
    },
    {
      title: "Frequency of clusters",
      description: `${about("powermetrics_cluster_frequency_hertz")} A cluster at 0 did nothing.`,
      view: lines("hertz", { min: 0 }),
      queries: [{ expression: of("powermetrics_cluster_frequency_hertz"), legend: "{{cluster}}" }],
      width: 8,
    },
    {
      title: "Activity of the GPU",
      description: "Share of the window in which the GPU was active.",
      view: lines("percent", { min: 0, max: 100 }),
      queries: [{ expression: of("powermetrics_gpu_active_residency_percent"), legend: "active" }],
      width: 8,
    },
    {
      title: "Frequency of the GPU",
      description: "Mean frequency of the GPU while it was active.",
      view: lines("hertz", { min: 0 }),
      queries: [{ expression: of("powermetrics_gpu_frequency_hertz"), legend: "GPU" }],
      width: 8,
    },
  ],
};

export const thermalRow: Row = {
  title: "Heat, battery and power source",
  height: 7,
  panels: [
    {
      title: "Thermal state",
      description: "The state at the end of each window; one row each, filled while the machine is in it.",
      view: timeline("none", presence),
      queries: [{ expression: of("powermetrics_thermal_pressure_state"), legend: "{{state}}" }],
      width: 8,
    },
    {
      title: "Battery",
      description: `${about("powermetrics_battery_charge_percent")} Desktops have none.`,
      view: lines("percent", { min: 0, max: 100 }),
      queries: [{ expression: of("powermetrics_battery_charge_percent"), legend: "charge" }],
      width: 8,
    },
    {
      title: "Power source",
      description:
        "What the machine runs on, what its battery does, and Low Power Mode, which slows it down.",
      view: timeline("none", presence),
      queries: [
        { expression: of("pmset_power_source_info"), legend: "{{source}}" },
        { expression: of("pmset_battery_charging_state"), legend: "battery {{state}}" },
        { expression: of("pmset_low_power_mode"), legend: "Low Power Mode" },
      ],
      width: 8,
    },
    {
      title: "Temperatures",
      description:
        "Dies of CPU and GPU. Only Intel Macs tell: powermetrics has no temperature on Apple Silicon.",
      view: lines("celsius"),
      queries: [
        { expression: of("powermetrics_cpu_temperature_celsius"), legend: "CPU {{sensor_id}}" },
        { expression: of("powermetrics_gpu_temperature_celsius"), legend: "GPU {{sensor_id}}" },
      ],
      width: 12,
    },
    {
      title: "Fan",
      description: about("powermetrics_fan_speed_rpm"),
      view: lines("rotrpm", { min: 0 }),
      queries: [{ expression: of("powermetrics_fan_speed_rpm"), legend: "{{fan}}" }],
      width: 12,
    },
  ],
};
