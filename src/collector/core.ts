/** What each logical CPU did in the window: frequency and residencies, and where it sits. */
import { gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { percent } from "./values.ts";

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
