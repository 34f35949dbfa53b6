/** What each logical CPU did in the window, and each cluster of them: frequency and residencies. */
import { gauge } from "../metric/metric.ts";
import type { Core } from "../parse/sample.ts";
import { collector } from "./collector.ts";
import { percent } from "./values.ts";

/** With the cluster where it sits. */
export const core = collector({
  source: "powermetrics",
  samplers: ["cpu_power"],
  metrics: {
    frequency: gauge(
      "powermetrics_cpu_frequency_hertz",
      "Mean frequency of the CPU while it was active, 0 if it never was",
      ["core"],
    ),
    active: gauge(
      "powermetrics_cpu_active_residency_percent",
      "Share of the window in which the CPU ran code",
      ["core"],
    ),
    idle: gauge(
      "powermetrics_cpu_idle_residency_percent",
      "Share of the window in which the CPU was idle but powered",
      ["core"],
    ),
    down: gauge(
      "powermetrics_cpu_down_residency_percent",
      "Share of the window in which the CPU was switched off",
      ["core"],
    ),
    info: gauge(
      "powermetrics_core_info",
      "Which cluster a CPU belongs to, by powermetrics' own name; always 1",
      ["core", "cluster"],
    ),
  },
  create:
    () =>
    ({ processor }, observe) => {
      for (const { id, cluster, frequencyHz, activeRatio, idleRatio, downRatio } of processor?.cores ?? []) {
        const labels = { core: id };
        observe("frequency", frequencyHz, labels);
        observe("active", percent(activeRatio), labels);
        observe("idle", percent(idleRatio), labels);
        observe("down", percent(downRatio), labels);
        if (cluster !== undefined) observe("info", 1, { core: id, cluster });
      }
    },
});

/** Computed from its cores: the cluster's own fields are broken on M3 and M4. */
export const cluster = collector({
  source: "powermetrics",
  samplers: ["cpu_power"],
  metrics: {
    active: gauge(
      "powermetrics_cluster_active_residency_percent",
      "Mean active residency of the cluster's CPUs",
      ["cluster"],
    ),
    idle: gauge("powermetrics_cluster_idle_residency_percent", "Mean idle residency of the cluster's CPUs", [
      "cluster",
    ]),
    down: gauge(
      "powermetrics_cluster_down_residency_percent",
      "Mean share of the window in which the cluster's CPUs were switched off",
      ["cluster"],
    ),
    frequency: gauge(
      "powermetrics_cluster_frequency_hertz",
      "Frequency of the cluster's CPUs, weighted by their activity",
      ["cluster"],
    ),
    online: gauge(
      "powermetrics_cluster_online_percent",
      "Share of the window in which the cluster was powered",
      ["cluster"],
    ),
  },
  create:
    () =>
    ({ processor }, observe) => {
      for (const { name, onlineRatio, cores } of processor?.clusters ?? []) {
        const labels = { cluster: name };
        observe("active", percent(mean(cores, "activeRatio")), labels);
        observe("idle", percent(mean(cores, "idleRatio")), labels);
        observe("down", percent(mean(cores, "downRatio")), labels);
        observe("frequency", activeFrequency(cores), labels);
        observe("online", percent(onlineRatio), labels);
      }
    },
});

/** The mean over the cores that report the field; absent when none does. */
function mean(cores: readonly Core[], field: "activeRatio" | "idleRatio" | "downRatio"): number | undefined {
  const ratios = cores.map((core) => core[field]).filter((ratio) => ratio !== undefined);
  return ratios.length === 0 ? undefined : ratios.reduce((total, ratio) => total + ratio, 0) / ratios.length;
}

/** Σ activity · frequency / Σ activity; 0 when every core was reported and none was active, absent when none was reported. */
function activeFrequency(cores: readonly Core[]): number | undefined {
  let weighted = 0;
  let activity = 0;
  let reported = false;
  for (const { activeRatio, frequencyHz } of cores) {
    if (activeRatio === undefined || frequencyHz === undefined) continue;
    reported = true;
    weighted += activeRatio * frequencyHz;
    activity += activeRatio;
  }
  if (!reported) return undefined;
  return activity === 0 ? 0 : weighted / activity;
}
