/** The fleet overview: how many Macs there are, what they use together, and which of them need a look. */
import { noneIsGood } from "./colors.ts";
import type { DashboardDescription, PanelDescription, Row } from "./dashboard.ts";
import { batteryRow, machineRow } from "./fleet-machines.ts";
import { chipWatts, increase, machineJoules, machineWatts, of } from "./query.ts";
import { constants, variables } from "./variables.ts";
import { hourly, lines, ranking, stacked, stat } from "./view.ts";

const reporting = `count by (job, instance) (${of("mac_agent_build_info")})`;
const seen = `count by (job, instance) (last_over_time(${of("mac_agent_build_info")}[$__range]))`;
const throttled = `sum by (job, instance) (${of("powermetrics_thermal_pressure_state", 'state!="nominal"')}) > 0`;
const busy = `avg without (core) (${of("powermetrics_cpu_active_residency_percent")})`;

/** A count of Macs, which is 0 where the expression finds none. */
function countOf(expression: string): string {
  return `count(${expression}) or vector(0)`;
}

const now: Row = {
  title: "Now",
  height: 4,
  panels: [
    {
      title: "Macs reporting",
      description: "Machines whose agent was heard of in the last five minutes.",
      view: stat("short"),
      queries: [{ expression: countOf(reporting), instant: true }],
      width: 3,
    },
    {
      title: "Macs gone silent",
      description:
        "Machines seen within the chosen time range but not now. Laptops that sleep are among them; the alerts tell them from desktops.",
      view: stat("short", { steps: noneIsGood }),
      queries: [{ expression: countOf(`(${seen}) unless on (job, instance) (${reporting})`), instant: true }],
      width: 3,
    },
    {
      title: "Power now",
      description:
        "Power of all machines: the whole machine where its battery's gauge says so, else the chip. Beside it the chips alone, as powermetrics estimates them.",
      view: stat("watt", { decimals: 0 }),
      queries: [
        { expression: `sum(${machineWatts})`, legend: "machines", instant: true },
        { expression: `sum(${chipWatts})`, legend: "chips alone", instant: true },
      ],
      width: 6,
    },
    {
      title: "Energy in the range",
      description:
        "Energy of all machines within the chosen time range, from exact counters; of the chip where nothing is known of the whole machine.",
      view: stat("kwatth", { decimals: 2 }),
      queries: [{ expression: `sum(${machineJoules("$__range")}) / 3.6e6`, instant: true }],
      width: 4,
    },
    {
      title: "Cost in the range",
      description: "That energy times the price of a kilowatt-hour above.",
      view: stat("currency:¤", { decimals: 2 }),
      queries: [{ expression: `sum(${machineJoules("$__range")}) / 3.6e6 * $price`, instant: true }],
      width: 4,
    },
    {
      title: "CO₂ in the range",
      description: "That energy times the grams of CO₂ for a kilowatt-hour above.",
      view: stat("massg", { decimals: 0 }),
      queries: [{ expression: `sum(${machineJoules("$__range")}) / 3.6e6 * $carbon`, instant: true }],
      width: 4,
    },
    {
      title: "Macs under thermal pressure",
      description:
        "Machines whose thermal pressure is anything but nominal: they run slower than they could.",
      view: stat("short", { steps: noneIsGood }),
      queries: [{ expression: countOf(throttled), instant: true }],
      width: 6,
    },
    {
      title: "Macs short of memory",
      description: "Machines whose kernel reports memory pressure of warning or critical.",
      view: stat("short", { steps: noneIsGood }),
      queries: [{ expression: countOf(`${of("vmstat_memory_pressure_level")} > 1`), instant: true }],
      width: 6,
    },
    {
      title: "Batteries that failed",
      description: "Machines whose battery's gauge reports a permanent failure.",
      view: stat("short", { steps: noneIsGood }),
      queries: [
        {
          expression: countOf(`${of("ioreg_battery_state", 'state="permanent_failure"')} == 1`),
          instant: true,
        },
      ],
      width: 6,
    },
    {
      title: "Simulated Macs",
      description: "Agents that run on the simulator. Their numbers are made up.",
      view: stat("short", { steps: noneIsGood }),
      queries: [{ expression: countOf(of("powermetrics_info", 'simulated="true"')), instant: true }],
      width: 6,
    },
  ],
};

const energy: Row = {
  title: "Power and energy",
  height: 8,
  panels: [
    {
      title: "Power of the fleet",
      description: "Power of all machines, by job; of the chip where nothing is known of the whole machine.",
      view: stacked("watt"),
      queries: [{ expression: `sum by (job) (${machineWatts})`, legend: "{{job}}" }],
      width: 8,
    },
    {
      title: "Power of a Mac",
      description: "How power spreads over the machines: the median, the upper decile and the highest.",
      view: lines("watt", { min: 0 }),
      queries: [
        { expression: `quantile(0.5, ${machineWatts})`, legend: "median" },
        { expression: `quantile(0.9, ${machineWatts})`, legend: "upper decile" },
        { expression: `max(${machineWatts})`, legend: "highest" },
      ],
      width: 8,
    },
    {
      title: "Energy per hour",
      description: "What all machines used in each hour of the last day, by job.",
      view: hourly("watth"),
      queries: [{ expression: `sum by (job) (${machineJoules("1h")}) / 3600`, legend: "{{job}}" }],
      width: 8,
    },
    {
      title: "Cost per hour",
      description: "What that energy cost at the price of a kilowatt-hour above, by job.",
      view: hourly("currency:¤"),
      queries: [{ expression: `sum by (job) (${machineJoules("1h")}) / 3.6e6 * $price`, legend: "{{job}}" }],
      width: 12,
    },
    {
      title: "CO₂ per hour",
      description: "What that energy emitted by the grams of CO₂ for a kilowatt-hour above, by job.",
      view: hourly("massg"),
      queries: [{ expression: `sum by (job) (${machineJoules("1h")}) / 3.6e6 * $carbon`, legend: "{{job}}" }],
      width: 12,
    },
    {
      title: "Most energy",
      description: "The twenty machines that used most within the chosen time range.",
      view: ranking("watth"),
      queries: [
        {
          expression: `topk(20, ${machineJoules("$__range")}) / 3600`,
          legend: "{{instance}}",
          instant: true,
        },
      ],
      width: 12,
    },
    {
      title: "Busiest",
      description: "The twenty machines with the highest mean activity over all cores, now.",
      view: ranking("percent"),
      queries: [{ expression: `topk(20, ${busy})`, legend: "{{instance}}", instant: true }],
      width: 12,
    },
  ],
};

const pressure: Row = {
  title: "Pressure",
  height: 8,
  panels: [
    {
      title: "Thermal pressure",
      description: "How many machines are in each thermal state other than nominal.",
      view: stacked("short"),
      queries: [
        {
          expression: `sum by (state) (${of("powermetrics_thermal_pressure_state", 'state!="nominal"')})`,
          legend: "{{state}}",
        },
      ],
      width: 8,
    },
    {
      title: "Memory pressure",
      description: "How many machines are at each level: 1 normal, 2 warning, 4 critical.",
      view: stacked("short"),
      queries: [
        {
          expression: `count_values("level", ${of("vmstat_memory_pressure_level")})`,
          legend: "level {{level}}",
        },
      ],
      width: 8,
    },
    {
      title: "Most swap",
      description: "The ten machines with most in their swap files, now.",
      view: ranking("bytes"),
      queries: [
        { expression: `topk(10, ${of("vmstat_swap_used_bytes")})`, legend: "{{instance}}", instant: true },
      ],
      width: 8,
    },
  ],
};

function composition(title: string, description: string, label: string, metric: string): PanelDescription {
  return {
    title,
    description,
    view: ranking("short"),
    queries: [
      { expression: `sort_desc(count by (${label}) (${of(metric)}))`, legend: `{{${label}}}`, instant: true },
    ],
    width: 8,
  };
}

const inventory: Row = {
  title: "Inventory",
  height: 7,
  panels: [
    composition(
      "Agent versions",
      "How many machines run each version of the agent.",
      "version",
      "mac_agent_build_info",
    ),
    composition(
      "Models",
      "How many machines there are of each model identifier.",
      "hw_model",
      "powermetrics_info",
    ),
    composition("Chips", "How many machines there are of each chip.", "chip", "powermetrics_info"),
    composition(
      "macOS versions",
      "How many machines run each version of macOS.",
      "os_version",
      "powermetrics_info",
    ),
    composition(
      "macOS builds",
      "How many machines run each build of macOS.",
      "os_build",
      "powermetrics_info",
    ),
    {
      title: "Samples dropped",
      description: "Samples within the chosen time range that will never reach a receiver, by cause.",
      view: ranking("short"),
      queries: [
        {
          expression: `sum by (reason) (${increase("mac_agent_sink_samples_dropped_total", "$__range")})`,
          legend: "{{reason}}",
          instant: true,
        },
      ],
      width: 8,
    },
  ],
};

export const fleet: DashboardDescription = {
  uid: "mac-fleet",
  title: "Macs / Fleet",
  description: "All Macs at a glance: power, energy, its cost and carbon, pressure, batteries, inventory.",
  variables: [...variables("several"), ...constants()],
  rows: [now, energy, machineRow, pressure, batteryRow, inventory],
  from: "now-6h",
};
