/** What the GPU did in the window, power aside. */
import { gauge } from "../metric/metric.ts";
import { collector } from "./collector.ts";
import { percent } from "./values.ts";

export const gpu = collector({
  source: "powermetrics",
  samplers: ["gpu_power"],
  metrics: {
    active: gauge(
      "powermetrics_gpu_active_residency_percent",
      "Share of the window in which the GPU was active",
    ),
    idle: gauge("powermetrics_gpu_idle_residency_percent", "Share of the window in which the GPU was idle"),
    frequency: gauge(
      "powermetrics_gpu_frequency_hertz",
      "Mean frequency of the GPU while it was active, 0 if it never was",
    ),
  },
  create:
    () =>
    ({ gpu: sample }, observe) => {
      observe("active", percent(sample?.activeRatio));
      observe("idle", percent(sample?.idleRatio));
      observe("frequency", sample?.frequencyHz);
    },
});
