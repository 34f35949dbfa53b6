/** The table of all machines: one row each, one column a question. */
import { charge, pressureMeanings } from "./colors.ts";
import type { Row } from "./dashboard.ts";
import { memoryUsed, of, watts } from "./query.ts";
import { machineTable } from "./table.ts";

const machines = machineTable(
  [
    {
      title: "Model",
      expression: `max by (job, instance, hw_model, os_build) (${of("powermetrics_info")})`,
      unit: "none",
      labels: { hw_model: "Model", os_build: "macOS build" },
    },
    {
      title: "Version",
      expression: `max by (job, instance, version) (${of("mac_agent_build_info")})`,
      unit: "none",
      labels: { version: "Agent" },
    },
    { title: "Power", expression: `max by (job, instance) (${watts})`, unit: "watt", decimals: 1 },
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
