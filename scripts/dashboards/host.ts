/** The dashboard of one machine; its rows are in the files beside it. */
import type { DashboardDescription } from "./dashboard.ts";
import { memoryRow, trafficRow } from "./host-memory.ts";
import { optionalRow } from "./host-optional.ts";
import { nowRow, processorRow, powerRow, thermalRow } from "./host-power.ts";
import { price, variables } from "./variables.ts";

export const host: DashboardDescription = {
  uid: "mac-host",
  title: "Macs / Machine",
  description: "One Mac in detail: power by rail, cores, GPU, thermal state, memory, battery, traffic.",
  variables: [...variables("one"), price()],
  rows: [nowRow, powerRow, processorRow, thermalRow, memoryRow, trafficRow, optionalRow],
  from: "now-1h",
};
