/** What the status takes from metrics that are counted elsewhere: the sources' errors, the agent's cost, the machine's model. */
import type { AgentIdentity, Machine, SourceStatus } from "../endpoint/api/status.ts";
import { ownMetrics } from "../meter/catalogue.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import { defined } from "../runtime/defined.ts";
import type { Metric } from "../metric/metric.ts";

export interface OwnCounts {
  readonly cost: Pick<AgentIdentity, "cpuSeconds" | "memoryBytes">;
  ofSource(name: string): Pick<SourceStatus, "restarts" | "failures" | "parseErrors">;
}

/** At most one interval of the agent's own metrics old. */
export function countsOf(own: Snapshot | undefined): OwnCounts {
  const sum = (metric: Metric, source?: string): number | undefined => {
    const values = (own?.set.series ?? []).flatMap((series, index) => {
      const label = series.labels.find(([name]) => name === "source")?.[1];
      return series.metric.name === metric.name && label === source ? [own?.values[index] ?? 0] : [];
    });
    return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);
  };
  return {
    cost: defined({
      cpuSeconds: sum(ownMetrics.processCpu),
      memoryBytes: sum(ownMetrics.processMemory),
    }),
    ofSource: (name) => ({
      restarts: sum(ownMetrics.sourceRestarts, name) ?? 0,
      failures: sum(ownMetrics.sourceFailures, name) ?? 0,
      parseErrors: sum(ownMetrics.sourceParseErrors, name) ?? 0,
    }),
  };
}

export function infoOf(snapshots: readonly Snapshot[]): Pick<Machine, "model" | "osBuild"> {
  for (const { set } of snapshots) {
    const info = set.series.find(({ name }) => name === "powermetrics_info");
    if (info === undefined) continue;
    const { hw_model: model, os_build: osBuild } = Object.fromEntries(info.labels);
    return defined({ model, osBuild });
  }
  return {};
}
