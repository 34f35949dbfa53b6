/** What the busiest tasks used, off by default for privacy: a bounded set of names, everything else summed as `_other`. */
import { agentCounter } from "../metric/metric.ts";
import type { TaskWindow } from "../parse/sample.ts";
import { collector } from "./collector.ts";

const metrics = {
  cpu: agentCounter(
    "powermetrics_task_cpu_seconds_total",
    "CPU time of the task, summed over all sample windows",
    ["name"],
  ),
  gpu: agentCounter(
    "powermetrics_task_gpu_seconds_total",
    "GPU time of the task, summed over all sample windows",
    ["name"],
  ),
  energyImpact: agentCounter(
    "powermetrics_task_energy_impact_total",
    "Apple's unitless energy impact of the task, summed over all sample windows",
    ["name"],
  ),
  wakeups: agentCounter(
    "powermetrics_task_wakeups_total",
    "Interrupt wakeups of the task, summed over all sample windows",
    ["name"],
  ),
  diskRead: agentCounter(
    "powermetrics_task_disk_read_bytes_total",
    "Bytes the task read from disks, summed over all sample windows",
    ["name"],
  ),
  diskWritten: agentCounter(
    "powermetrics_task_disk_written_bytes_total",
    "Bytes the task wrote to disks, summed over all sample windows",
    ["name"],
  ),
  received: agentCounter(
    "powermetrics_task_network_receive_bytes_total",
    "Bytes the task received, summed over all sample windows",
    ["name"],
  ),
  transmitted: agentCounter(
    "powermetrics_task_network_transmit_bytes_total",
    "Bytes the task transmitted, summed over all sample windows",
    ["name"],
  ),
};

type Field = keyof typeof metrics;
const fields = Object.keys(metrics) as Field[];

/** Sums of one exported name; a field that was never reported stays absent. */
type Usage = Partial<Record<Field, number>>;

export const tasks = collector({
  source: "powermetrics",
  samplers: ["tasks"],
  enabled: (settings) => settings.tasks.enabled,
  metrics,
  create({ tasks: { top } }) {
    const ranking = rankTasks(top);
    return (sample, observe, { accrues }) => {
      if (sample.tasks === undefined) return;
      if (accrues) ranking.add(sample.tasks);
      for (const [name, usage] of ranking.usages()) {
        for (const field of fields) observe(field, usage[field], { name });
      }
    };
  },
});

/** How much of a name's rank outlives a window: a busy task keeps its place through some ten quiet windows. */
const memory = 0.9;

interface Ranked {
  readonly usage: Usage;
  score: number;
}

/**
 * Keeps at most `top` names.
 *
 *     window ─► named before ─► its own sums, rank renewed
 *            └► newcomer ─► takes the place of the lowest rank it exceeds, else ─► `_other`
 *
 * A name that lost its place ends and, should it return, starts at 0 again, which is a counter reset; `_other` only
 * ever receives windows of names that have no place, so it never falls.
 */
function rankTasks(top: number): {
  add(window: readonly TaskWindow[]): void;
  usages(): Iterable<readonly [string, Usage]>;
} {
  const named = new Map<string, Ranked>();
  const other: Usage = {};

  function place(name: string, cpuNs: number): Ranked | undefined {
    const present = named.get(name);
    if (present !== undefined) return present;
    if (named.size >= top) {
      const [lowest, rank] = [...named].reduce((low, one) => (one[1].score < low[1].score ? one : low));
      if (rank.score >= cpuNs) return undefined;
      named.delete(lowest);
    }
    const admitted = { usage: {}, score: 0 };
    named.set(name, admitted);
    return admitted;
  }

  return {
    add(window) {
      for (const rank of named.values()) rank.score *= memory;
      const busiestFirst = window.toSorted((a, b) => (b.cpuNs ?? 0) - (a.cpuNs ?? 0));
      for (const task of busiestFirst) {
        const rank = top > 0 ? place(task.name, task.cpuNs ?? 0) : undefined;
        if (rank !== undefined) rank.score += task.cpuNs ?? 0;
        addUsage(rank?.usage ?? other, task);
      }
    },
    *usages() {
      for (const [name, { usage }] of named) yield [name, usage];
      yield ["_other", other];
    },
  };
}

function addUsage(usage: Usage, task: TaskWindow): void {
  const window: Record<Field, number | undefined> = {
    cpu: seconds(task.cpuNs),
    gpu: seconds(task.gpuNs),
    energyImpact: task.energyImpact,
    wakeups: task.wakeups,
    diskRead: task.diskReadBytes,
    diskWritten: task.diskWrittenBytes,
    received: task.networkReceivedBytes,
    transmitted: task.networkTransmittedBytes,
  };
  for (const field of fields) {
    const delta = window[field];
    if (delta !== undefined) usage[field] = (usage[field] ?? 0) + delta;
  }
}

function seconds(ns: number | undefined): number | undefined {
  return ns === undefined ? undefined : ns / 1e9;
}
