/** The row of a machine's dashboard about metrics that are off by default. */
import type { Row } from "./dashboard.ts";
import { rate } from "./query.ts";
import { lines, stacked } from "./view.ts";

export const optionalRow: Row = {
  title: "Off by default: frequencies, interrupts and tasks",
  height: 9,
  collapsed: true,
  panels: [
    {
      title: "CPU time by frequency",
      description:
        "How many cores were active at each frequency, in MHz. Needs sources.powermetrics.frequency_residency.",
      view: stacked("none"),
      queries: [
        {
          expression: `sum without (core) (${rate("powermetrics_cpu_frequency_residency_seconds_total")})`,
          legend: "{{frequency_mhz}} MHz",
        },
      ],
      width: 8,
    },
    {
      title: "GPU time by frequency",
      description:
        "Share of time that the GPU was active at each frequency, in MHz. Needs sources.powermetrics.frequency_residency.",
      view: stacked("percentunit"),
      queries: [
        {
          expression: rate("powermetrics_gpu_frequency_residency_seconds_total"),
          legend: "{{frequency_mhz}} MHz",
        },
      ],
      width: 8,
    },
    {
      title: "Interrupts",
      description: "Interrupts of all cores, by type. Needs sources.powermetrics.interrupts.",
      view: stacked("cps"),
      queries: [
        { expression: `sum without (core) (${rate("powermetrics_interrupts_total")})`, legend: "{{type}}" },
      ],
      width: 8,
    },
    {
      title: "CPU by task",
      description:
        "Cores that each task kept busy; _other is the sum of the rest. Needs sources.powermetrics.tasks.",
      view: stacked("none"),
      queries: [{ expression: rate("powermetrics_task_cpu_seconds_total"), legend: "{{name}}" }],
      width: 8,
    },
    {
      title: "Energy impact by task",
      description:
        "Apple's unitless measure, a second: good for ranking, not for watts. Needs sources.powermetrics.tasks.",
      view: stacked("none"),
      queries: [{ expression: rate("powermetrics_task_energy_impact_total"), legend: "{{name}}" }],
      width: 8,
    },
    {
      title: "Wakeups by task",
      description: "Interrupt wakeups, which keep cores from sleeping. Needs sources.powermetrics.tasks.",
      view: lines("cps", { min: 0 }),
      queries: [{ expression: rate("powermetrics_task_wakeups_total"), legend: "{{name}}" }],
      width: 8,
    },
  ],
};
