/** The fleet overview: how many Macs there are, what they use together, and which of them need a look. */
import { noneIsGood } from "./colors.ts";
import type { DashboardDescription, PanelDescription, Row } from "./dashboard.ts";
import { machineRow } from "./fleet-machines.ts";
import { increase, joules, of, watts } from "./query.ts";
import { price, variables } from "./variables.ts";
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
        "Power of all chips together, as powermetrics estimates it; displays, drives and power supplies are not part of it.",
      view: stat("watt", { decimals: 0 }),
      queries: [{ expression: `sum(${watts})`, instant: true }],
      width: 3,
    },
    {
      title: "Energy in the range",
      description: "Energy of all chips within the chosen time range, from exact counters.",
      view: stat("kwatth", { decimals: 2 }),
      queries: [{ expression: `sum(${joules("$__range")}) / 3.6e6`, instant: true }],
      width: 3,
    },
    {
      title: "Cost in the range",
      description: "That energy times the price of a kilowatt-hour above.",
      view: stat("currency:¤", { decimals: 2 }),
      queries: [{ expression: `sum(${joules("$__range")}) / 3.6e6 * $price`, instant: true }],
      width: 3,
    },
    {
      title: "Macs under thermal pressure",
      description:
        "Machines whose thermal pressure is anything but nominal: they run slower than they could.",
      view: stat("short", { steps: noneIsGood }),
      queries: [{ expression: countOf(throttled), instant: true }],
      width: 3,
    },
    {
      title: "Macs short of memory",
      description: "Machines whose kernel reports memory pressure of warning or critical.",
      view: stat("short", { steps: noneIsGood }),
      queries: [{ expression: countOf(`${of("vmstat_memory_pressure_level")} > 1`), instant: true }],
      width: 3,
    },
    {
      title: "Simulated Macs",
      description: "Agents that run on the simulator. Their numbers are made up.",
      view: stat("short", { steps: noneIsGood }),
      queries: [{ expression: countOf(of("powermetrics_info", 'simulated="true"')), instant: true }],
      width: 3,
    },
  ],
};

const energy: Row = {
  title: "Power and energy",
  height: 8,
  panels: [
    {
      title: "Power of the fleet",
      description: "Power of all chips, by job.",
      view: stacked("watt"),
      queries: [{ expression: `sum by (job) (${watts})`, legend: "{{job}}" }],
      width: 8,
    },
    {
      title: "Power of a Mac",
      description: "How power spreads over the machines: the median, the upper decile and the highest.",
      view: lines("watt", { min: 0 }),
      queries: [
        { expression: `quantile(0.5, ${watts})`, legend: "median" },
        { expression: `quantile(0.9, ${watts})`, legend: "upper decile" },
        { expression: `max(${watts})`, legend: "highest" },
      ],
      width: 8,
    },
    {
      title: "Energy per hour",
      description: "What all chips used in each hour of the last day, by job.",
      view: hourly("watth"),
      queries: [{ expression: `sum by (job) (${joules("1h")}) / 3600`, legend: "{{job}}" }],
      width: 8,
    },
    {
      title: "Most energy",
      description: "The twenty machines that used most within the chosen time range.",
      view: ranking("watth"),
      queries: [
        { expression: `topk(20, ${joules("$__range")}) / 3600`, legend: "{{instance}}", instant: true },
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
    width: 6,
  };
}

const inventory: Row = {
  title: "Inventory",
  height: 8,
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
      width: 6,
    },
  ],
};

export const fleet: DashboardDescription = {
  uid: "mac-fleet",
  title: "Macs / Fleet",
  description: "All Macs at a glance: power, energy and its cost, pressure, inventory.",
  variables: [...variables("several"), price()],
  rows: [now, energy, machineRow, pressure, inventory],
  from: "now-6h",
};
