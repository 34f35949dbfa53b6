/** The dashboard of the agents themselves: what they read, keep, send and cost. */
import type { DashboardDescription } from "./dashboard.ts";
import { costRow, sinkRow } from "./health-sinks.ts";
import { journalRow, sourceRow } from "./health-sources.ts";
import { variables } from "./variables.ts";

export const health: DashboardDescription = {
  uid: "mac-agent",
  title: "Macs / Agent health",
  description: "Whether the agents read, keep and deliver everything, and what they cost.",
  variables: variables("several"),
  rows: [sinkRow, sourceRow, journalRow, costRow],
  from: "now-6h",
};
