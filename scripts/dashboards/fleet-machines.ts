/** The rows of the fleet that name machines: the table of all of them, one column a question, and their batteries. */
import { charge, pressureMeanings } from "./colors.ts";
import type { Row } from "./dashboard.ts";
import { fullOfDesign, machineWatts, memoryUsed, of } from "./query.ts";
import { machineTable } from "./table.ts";
import { ranking } from "./view.ts";

const machines = machineTable(
  [
    {
      title: "Model",
      expression: `max by (job, instance, hw_model, chip, os_version, os_build) (${of("powermetrics_info")})`,
      unit: "none",
      labels: { hw_model: "Model", chip: "Chip", os_version: "macOS", os_build: "Build" },
    },
    {
      title: "Version",
      expression: `max by (job, instance, version) (${of("mac_agent_build_info")})`,
      unit: "none",
      labels: { version: "Agent" },
    },
    {
      title: "Power",
      expression: `max by (job, instance) (${machineWatts})`,
      unit: "watt",
      decimals: 1,
    },
    {
      title: "CPU",
      expression: `avg by (job, instance) (${of("powermetrics_cpu_active_residency_percent")})`,
      unit: "percent",
      decimals: 0,
    },
    {
      title: "GPU",
      expression: `max by (job, instance) (${of("powermetrics_gpu_active_residency_percent")})`,
      unit: "percent",
      decimals: 0,
    },
    {
      title: "Memory",
      expression: `max by (job, instance) (100 * ${memoryUsed} / ${of("vmstat_memory_total_bytes")})`,
      unit: "percent",
      decimals: 0,
    },
    {
      title: "Pressure",
      expression: `max by (job, instance) (${of("vmstat_memory_pressure_level")})`,
      unit: "none",
      meanings: pressureMeanings,
    },
    { title: "Swap", expression: `max by (job, instance) (${of("vmstat_swap_used_bytes")})`, unit: "bytes" },
    {
      title: "Throttled",
      expression: `max by (job, instance) (${of("powermetrics_thermal_pressure_state", 'state!="nominal"')})`,
      unit: "none",
      meanings: { 0: ["no", "green"], 1: ["yes", "red"] },
    },
    {
      title: "Battery",
      expression: `max by (job, instance) (${of("powermetrics_battery_charge_percent")})`,
      unit: "percent",
      steps: charge,
    },
    {
      title: "Full of design",
      expression: `max by (job, instance) (${fullOfDesign})`,
      unit: "percent",
      decimals: 0,
    },
    {
      title: "Cycles",
      expression: `max by (job, instance) (${of("ioreg_battery_cycles")})`,
      unit: "none",
    },
    {
      title: "Last sample",
      expression: `time() - max by (job, instance) (${of("mac_agent_source_last_sample_timestamp_seconds")})`,
      unit: "s",
      decimals: 0,
    },
  ],
  "/d/mac-host?var-datasource=${datasource}&var-job=${__data.fields.Job}&var-instance=${__value.text}&${__url_time_range}",
);

export const machineRow: Row = {
  title: "Machines",
  height: 12,
  panels: [
    {
      title: "Machines",
      description: "Every machine as it is now; a click on a name opens its dashboard.",
      view: machines.panel,
      queries: machines.queries,
      width: 24,
    },
  ],
};

export const batteryRow: Row = {
  title: "Batteries",
  height: 8,
  panels: [
    {
      title: "Full charge by design capacity",
      description:
        "The twenty batteries that hold least when full, in percent of their design, as their gauges estimate it. Apple's own figure of health is another one.",
      view: ranking("percent", "no battery"),
      queries: [{ expression: `bottomk(20, ${fullOfDesign})`, legend: "{{instance}}", instant: true }],
      width: 12,
    },
    {
      title: "Most charge cycles",
      description: "The twenty batteries with most charge cycles.",
      view: ranking("short", "no battery"),
      queries: [
        {
          expression: `topk(20, ${of("ioreg_battery_cycles")})`,
          legend: "{{instance}}",
          instant: true,
        },
      ],
      width: 12,
    },
  ],
};
