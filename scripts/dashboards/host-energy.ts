/** The rows of a machine's dashboard that come first: how it is now, where its watts go, and who used them. */
import { charge, pressureMeanings } from "./colors.ts";
import type { Row } from "./dashboard.ts";
import {
  about,
  chipJoules,
  chipWatts,
  increase,
  machineJoules,
  meanWatts,
  of,
  systemWatts,
} from "./query.ts";
import { hourly, lines, ranking, stacked, stat } from "./view.ts";

const active = of("powermetrics_cpu_active_residency_percent");
const system = `${of("ioreg_system_power_milliwatts")} / 1000`;
/** The two gauges are estimates of different windows: their difference may fall below 0 for moments. */
const rest = `clamp_min(${systemWatts} - ${meanWatts("combined", "5m")}, 0)`;
const restPerHour = `clamp_min(${increase("ioreg_system_energy_joules_total", "1h")} - ${chipJoules("1h")}, 0) / 3600`;
const restLegend = "display, memory, SSD, radios and losses";

export const nowRow: Row = {
  title: "Now",
  height: 4,
  panels: [
    {
      title: "Power",
      description:
        "Power of the whole machine, its display included, where its battery's gauge says so; and of the chip as powermetrics estimates it: CPU, GPU and ANE together, or Intel's package.",
      view: stat("watt", { decimals: 1 }),
      queries: [
        { expression: system, legend: "machine", instant: true },
        { expression: chipWatts, legend: "chip", instant: true },
      ],
      width: 6,
    },
    {
      title: "Energy today",
      description:
        "Energy since midnight where you are, of the whole machine where its battery's gauge says so, and of the chip, from exact counters.",
      view: { ...stat("watth", { decimals: 1 }), timeFrom: "now/d" },
      queries: [
        {
          expression: `${increase("ioreg_system_energy_joules_total", "$__range")} / 3600`,
          legend: "machine",
          instant: true,
        },
        { expression: `${chipJoules("$__range")} / 3600`, legend: "chip", instant: true },
      ],
      width: 6,
    },
    {
      title: "Cost in 24 hours",
      description:
        "That energy times the price of a kilowatt-hour above; of the chip where nothing is known of the whole machine.",
      view: stat("currency:¤", { decimals: 3 }),
      queries: [{ expression: `${machineJoules("1d")} / 3.6e6 * $price`, legend: "cost", instant: true }],
      width: 4,
    },
    {
      title: "CO₂ in 24 hours",
      description:
        "That energy times the grams of CO₂ for a kilowatt-hour above; of the chip where nothing is known of the whole machine.",
      view: stat("massg", { decimals: 1 }),
      queries: [{ expression: `${machineJoules("1d")} / 3.6e6 * $carbon`, legend: "CO₂", instant: true }],
      width: 4,
    },
    {
      title: "Battery",
      description: about("powermetrics_battery_charge_percent"),
      view: stat("percent", { steps: charge, absent: "no battery" }),
      queries: [{ expression: of("powermetrics_battery_charge_percent"), legend: "charge", instant: true }],
      width: 4,
    },
    {
      title: "Machine",
      description: "Model identifier, chip and macOS; a simulated machine says so.",
      view: stat("none", { names: true }),
      queries: [
        {
          expression: of("powermetrics_info"),
          legend: "{{hw_model}} · {{chip}} · macOS {{os_version}} ({{os_build}}) {{simulated}}",
          instant: true,
        },
      ],
      width: 6,
    },
    {
      title: "Adapter and battery",
      description: "Watts from the adapter, and into the battery: below 0 it discharges.",
      view: stat("watt", { decimals: 1, absent: "no battery" }),
      queries: [
        {
          expression: `${of("ioreg_adapter_power_milliwatts")} / 1000`,
          legend: "from the adapter",
          instant: true,
        },
        {
          expression: `${of("ioreg_battery_power_milliwatts")} / 1000`,
          legend: "into the battery",
          instant: true,
        },
      ],
      width: 6,
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
      width: 4,
    },
    {
      title: "Memory pressure",
      description: about("vmstat_memory_pressure_level"),
      view: stat("none", { meanings: pressureMeanings }),
      queries: [{ expression: of("vmstat_memory_pressure_level"), legend: "level", instant: true }],
      width: 4,
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
      width: 4,
    },
  ],
};

export const powerRow: Row = {
  title: "Power and energy",
  height: 8,
  panels: [
    {
      title: "Where the watts go",
      description:
        "Mean power of the whole machine over five minutes: its rails, or Intel's package, and the rest, which no tool divides. Without the battery's gauge there are only rails.",
      view: stacked("watt"),
      queries: [
        { expression: meanWatts("cpu", "5m"), legend: "CPU" },
        { expression: meanWatts("gpu", "5m"), legend: "GPU" },
        { expression: meanWatts("ane", "5m"), legend: "ANE" },
        { expression: `${meanWatts("package", "5m")} unless ${meanWatts("cpu", "5m")}`, legend: "package" },
        { expression: rest, legend: restLegend },
      ],
      width: 16,
    },
    {
      title: "Energy per hour",
      description:
        "What each rail, or Intel's package, used in each hour of the last day, and the rest of the machine, from exact counters. Sleep costs the rails nothing here; some machines' gauges count it.",
      view: hourly("watth"),
      queries: [
        { expression: `${increase("powermetrics_cpu_energy_joules_total", "1h")} / 3600`, legend: "CPU" },
        { expression: `${increase("powermetrics_gpu_energy_joules_total", "1h")} / 3600`, legend: "GPU" },
        { expression: `${increase("powermetrics_ane_energy_joules_total", "1h")} / 3600`, legend: "ANE" },
        {
          expression: `${increase("powermetrics_package_energy_joules_total", "1h")} / 3600 unless ${increase("powermetrics_cpu_energy_joules_total", "1h")}`,
          legend: "package",
        },
        { expression: restPerHour, legend: restLegend },
      ],
      width: 8,
    },
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
      width: 8,
    },
    {
      title: "Power of the machine and its chip",
      description:
        "The whole machine when its battery's gauge was read, every 30 to 60 seconds, and the chip over each sample window.",
      view: lines("watt", { min: 0 }),
      queries: [
        { expression: system, legend: "machine" },
        { expression: chipWatts, legend: "chip" },
      ],
      width: 8,
    },
    {
      title: "Work per energy",
      description:
        "Active CPU cycles per joule of CPU energy: each core's frequency weighted by its activity, over the power of the CPU or of Intel's package. Higher is more efficient.",
      view: lines("si:cycles/J", { min: 0 }),
      queries: [
        {
          expression: `sum without (core) (${of("powermetrics_cpu_frequency_hertz")} * ${active} / 100) / ((${of("powermetrics_cpu_power_milliwatts")} or ${of("powermetrics_package_power_milliwatts")}) / 1000 > 0)`,
          legend: "cycles per joule",
        },
      ],
      width: 8,
    },
  ],
};

const needsTasks = "needs sources.powermetrics.tasks";

function appEnergy(words: string, window: string): Row["panels"][number] {
  return {
    title: `Who used it: the last ${words}`,
    description: `Energy of the fifteen apps that used most within the last ${words}, estimated from their shares of CPU and GPU time; _other is what is nobody's. Needs sources.powermetrics.tasks.`,
    view: ranking("watth", needsTasks),
    queries: [
      {
        expression: `topk(15, ${increase("powermetrics_task_energy_joules_total", window)} / 3600)`,
        legend: "{{name}}",
        instant: true,
      },
    ],
    width: 12,
  };
}

export const appRow: Row = {
  title: "Energy by app",
  height: 10,
  panels: [appEnergy("hour", "1h"), appEnergy("day", "1d")],
};
