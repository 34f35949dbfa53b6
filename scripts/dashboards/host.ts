/** The dashboard of one machine; its rows are in the files beside it. */
import type { DashboardDescription } from "./dashboard.ts";
import { appRow, nowRow, powerRow } from "./host-energy.ts";
import { exporterRow } from "./host-exporters.ts";
import { batteryRow, processorRow, thermalRow } from "./host-hardware.ts";
import { memoryRow, trafficRow } from "./host-memory.ts";
import { optionalRow } from "./host-optional.ts";
import { constants, variables } from "./variables.ts";

export const host: DashboardDescription = {
  uid: "mac-host",
  title: "Macs / Machine",
  description:
    "One Mac in detail: power of the machine and its rails, energy by app, cores, GPU, heat, battery, memory, traffic.",
  variables: [...variables("one"), ...constants()],
  rows: [
    nowRow,
    powerRow,
    appRow,
    processorRow,
    thermalRow,
    batteryRow,
    memoryRow,
    trafficRow,
    exporterRow,
    optionalRow,
  ],
  from: "now-1h",
};
