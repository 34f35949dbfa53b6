/** The rows of a machine's dashboard about its chip, its heat and its battery. */
import { noneIsGood, presence } from "./colors.ts";
import type { Row } from "./dashboard.ts";
import { about, fullOfDesign, inCoreOrder, increase, of } from "./query.ts";
import { heatMap, lines, stacked, stat, timeline } from "./view.ts";

const active = of("powermetrics_cpu_active_residency_percent");

/** Watts into the battery. Where the gauge does not report them (Intel, macOS 11), its voltage times its current. */
const batteryFlow = `(${of("ioreg_battery_power_milliwatts")} or ${of("ioreg_battery_voltage_volts")} * ${of("ioreg_battery_current_milliamperes")}) / 1000`;

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
      description:
        "Mean active residency of each cluster's cores, or of all cores on Intel, and of the busiest core of all.",
      view: lines("percent", { min: 0, max: 100 }),
      queries: [
        { expression: of("powermetrics_cluster_active_residency_percent"), legend: "{{cluster}}" },
        {
          expression: `avg without (core) (${of("powermetrics_cpu_active_residency_percent")}) unless on (job, instance) ${of("powermetrics_cluster_active_residency_percent")}`,
          legend: "all cores",
        },
        { expression: `max without (core) (${active})`, legend: "busiest core" },
      ],
      width: 12,
    },
    {
      title: "Frequency of clusters",
      description: `${about("powermetrics_cluster_frequency_hertz")} A cluster at 0 did nothing. Intel Macs have the mean of their cores.`,
      view: lines("hertz", { min: 0 }),
      queries: [
        { expression: of("powermetrics_cluster_frequency_hertz"), legend: "{{cluster}}" },
        {
          expression: `avg without (core) (${of("powermetrics_cpu_frequency_hertz")}) unless on (job, instance) ${of("powermetrics_cluster_frequency_hertz")}`,
          legend: "all cores",
        },
      ],
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
    {
      title: "Load of the GPU by unit",
      description: about("ioreg_gpu_utilization_percent"),
      view: lines("percent", { min: 0, max: 100 }),
      queries: [{ expression: of("ioreg_gpu_utilization_percent"), legend: "{{gpu}} {{unit}}" }],
      width: 8,
    },
    {
      title: "GPU memory",
      description:
        "Memory that each GPU uses, and that is allocated for it, which may exceed the machine's memory.",
      view: lines("bytes", { min: 0 }),
      queries: [
        { expression: of("ioreg_gpu_memory_in_use_bytes"), legend: "{{gpu}} in use" },
        { expression: of("ioreg_gpu_memory_allocated_bytes"), legend: "{{gpu}} allocated" },
      ],
      width: 8,
    },
    {
      title: "Load average",
      description: `${about("sysctl_load_average")} More than there are cores means that threads wait.`,
      view: lines("none", { min: 0 }),
      queries: [{ expression: of("sysctl_load_average"), legend: "{{minutes}} min" }],
      width: 8,
    },
  ],
};

export const thermalRow: Row = {
  title: "Heat",
  height: 7,
  panels: [
    {
      title: "Thermal state",
      description: "The state at the end of each window; one row each, filled while the machine is in it.",
      view: timeline("none", presence),
      queries: [{ expression: of("powermetrics_thermal_pressure_state"), legend: "{{state}}" }],
      width: 12,
    },
    {
      title: "Time under thermal pressure",
      description: "Share of the last hour in each state other than nominal; time asleep is left out.",
      view: stacked("percentunit", { min: 0, max: 1 }),
      queries: [
        {
          expression: `${increase("powermetrics_thermal_pressure_seconds_total", "1h", 'state!="nominal"')} / ignoring (state) group_left () (sum without (state) (${increase("powermetrics_thermal_pressure_seconds_total", "1h")}) > 0)`,
          legend: "{{state}}",
        },
      ],
      width: 12,
    },
    {
      title: "Temperatures",
      description:
        "The battery, and on Intel Macs the dies of CPU and GPU: powermetrics has no temperature on Apple Silicon.",
      view: lines("celsius"),
      queries: [
        { expression: of("powermetrics_cpu_temperature_celsius"), legend: "CPU {{sensor_id}}" },
        { expression: of("powermetrics_gpu_temperature_celsius"), legend: "GPU {{sensor_id}}" },
        { expression: of("ioreg_battery_temperature_celsius"), legend: "battery" },
      ],
      width: 12,
    },
    {
      title: "Fan",
      description: about("powermetrics_fan_speed_rpm"),
      view: lines("rotrpm", { min: 0 }),
      queries: [{ expression: of("powermetrics_fan_speed_rpm"), legend: "{{fan}}" }],
      width: 6,
    },
    {
      title: "GPU recoveries",
      description: `${about("ioreg_gpu_recoveries_total")} Within the chosen time range.`,
      view: stat("short", { steps: noneIsGood }),
      queries: [
        {
          expression: increase("ioreg_gpu_recoveries_total", "$__range"),
          legend: "{{gpu}}",
          instant: true,
        },
      ],
      width: 6,
    },
  ],
};

export const batteryRow: Row = {
  title: "Battery and power source",
  height: 7,
  panels: [
    {
      title: "Battery",
      description: `${about("powermetrics_battery_charge_percent")} Desktops have none.`,
      view: lines("percent", { min: 0, max: 100 }),
      queries: [{ expression: of("powermetrics_battery_charge_percent"), legend: "charge" }],
      width: 8,
    },
    {
      title: "Adapter and battery",
      description:
        "Watts that flow from the adapter, and into the battery: below 0 it discharges. The rating is what the adapter could deliver.",
      view: lines("watt"),
      queries: [
        { expression: `${of("ioreg_adapter_power_milliwatts")} / 1000`, legend: "from the adapter" },
        { expression: batteryFlow, legend: "into the battery" },
        { expression: of("ioreg_adapter_rating_watts"), legend: "rating of the adapter" },
      ],
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
        { expression: of("ioreg_battery_state"), legend: "gauge {{state}}" },
        { expression: of("pmset_low_power_mode"), legend: "Low Power Mode" },
      ],
      width: 8,
    },
    {
      title: "Capacity of the battery",
      description:
        "What it was designed for, what it holds when full by its gauge's two estimates, and what is left now. Apple's own figure of health is none of their ratios.",
      view: lines("mamphr", { min: 0 }),
      queries: [
        { expression: of("ioreg_battery_design_capacity_milliampere_hours"), legend: "design" },
        { expression: of("ioreg_battery_full_charge_capacity_milliampere_hours"), legend: "full" },
        {
          expression: of("ioreg_battery_nominal_charge_capacity_milliampere_hours"),
          legend: "full at a nominal load",
        },
        { expression: of("ioreg_battery_remaining_capacity_milliampere_hours"), legend: "left" },
      ],
      width: 16,
    },
    {
      title: "Charge cycles",
      description: about("ioreg_battery_cycles"),
      view: stat("short", { absent: "no battery" }),
      queries: [{ expression: of("ioreg_battery_cycles"), legend: "cycles", instant: true }],
      width: 4,
    },
    {
      title: "Full charge by design capacity",
      description: "What the full battery holds in percent of its design, as its gauge estimates it.",
      view: stat("percent", { decimals: 0, absent: "no battery" }),
      queries: [{ expression: fullOfDesign, legend: "full", instant: true }],
      width: 4,
    },
  ],
};
