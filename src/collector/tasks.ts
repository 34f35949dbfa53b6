/** What the busiest tasks used, off by default for privacy: a bounded set of names, everything else summed as `_other`. */
import { agentCounter } from "../metric/metric.ts";
import type { PowermetricsSample, TaskWindow } from "../parse/sample.ts";
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
  energy: agentCounter(
    "powermetrics_task_energy_joules_total",
    "Energy of the task, estimated: its share of CPU time of the CPU's energy and of GPU time of the GPU's; what has no share is _other's",
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
      if (accrues) ranking.add(sample.tasks ?? [], shareEnergy(sample));
      if (sample.tasks === undefined) return;
      for (const [name, usage] of ranking.usages()) {
        for (const field of fields) observe(field, valueOf(usage, field), { name });
      }
    };
  },
});

/** Microjoules of a window: whole ones, so that their sum is the rails' sum exactly. Absent where no rail reports energy. */
interface SharedEnergy {
  readonly ofTask: ReadonlyMap<TaskWindow, number>;
  /** What no task has a share of: the ANE's, and all of a rail in whose window no task has time. */
  readonly rest: number;
}

/** Shares the CPU's energy by CPU time and the GPU's by GPU time. */
function shareEnergy(sample: PowermetricsSample): SharedEnergy | undefined {
  const { cpu, gpu, ane } = railsOf(sample);
  if (cpu === undefined && gpu === undefined && ane === undefined) return undefined;
  const { tasks = [] } = sample;
  const ofTask = new Map<TaskWindow, number>();
  const unshared =
    share(microjoules(cpu), tasks, (task) => task.cpuNs ?? 0, ofTask) +
    share(microjoules(gpu), tasks, (task) => task.gpuNs ?? 0, ofTask);
  return { ofTask, rest: microjoules(ane) + unshared };
}

type Rails = Readonly<Record<"cpu" | "gpu" | "ane", number | undefined>>;

/** Millijoules; an Intel Mac reports its whole package, GPU included, in place of the three. */
function railsOf({ processor, gpu }: PowermetricsSample): Rails {
  const { cpuMillijoules, packageMillijoules } = processor ?? {};
  if (cpuMillijoules === undefined && packageMillijoules !== undefined)
    return { cpu: packageMillijoules, gpu: undefined, ane: undefined };
  return {
    cpu: cpuMillijoules,
    gpu: processor?.gpuMillijoules ?? gpu?.millijoules,
    ane: processor?.aneMillijoules,
  };
}

function microjoules(millijoules = 0): number {
  return Math.round(millijoules * 1000);
}

/** Adds each task's part of `amount` to its share, rounded down; returns what is left. */
function share(
  amount: number,
  tasks: readonly TaskWindow[],
  timeOf: (task: TaskWindow) => number,
  shares: Map<TaskWindow, number>,
): number {
  const total = tasks.reduce((all, task) => all + timeOf(task), 0);
  let left = amount;
  if (!(total > 0)) return left;
  for (const task of tasks) {
    const part = Math.min(left, Math.floor(amount * (timeOf(task) / total)));
    shares.set(task, (shares.get(task) ?? 0) + part);
    left -= part;
  }
  return left;
}

/** Energy is summed in whole microjoules. */
function valueOf(usage: Usage, field: Field): number | undefined {
  const sum = usage[field];
  return field === "energy" && sum !== undefined ? sum / 1e6 : sum;
}

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
  add(window: readonly TaskWindow[], energy: SharedEnergy | undefined): void;
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
    add(window, energy) {
      for (const rank of named.values()) rank.score *= memory;
      const busiestFirst = window.toSorted((a, b) => (b.cpuNs ?? 0) - (a.cpuNs ?? 0));
      for (const task of busiestFirst) {
        const rank = top > 0 ? place(task.name, task.cpuNs ?? 0) : undefined;
        if (rank !== undefined) rank.score += task.cpuNs ?? 0;
        addUsage(rank?.usage ?? other, windowOf(task, energy && (energy.ofTask.get(task) ?? 0)));
      }
      addUsage(other, { energy: energy?.rest });
    },
    *usages() {
      for (const [name, { usage }] of named) yield [name, usage];
      yield ["_other", other];
    },
  };
}

function addUsage(usage: Usage, window: WindowUsage): void {
  for (const field of fields) {
    const delta = window[field];
    if (delta !== undefined) usage[field] = (usage[field] ?? 0) + delta;
  }
}

type WindowUsage = Readonly<Partial<Record<Field, number | undefined>>>;

function windowOf(task: TaskWindow, energy: number | undefined): WindowUsage {
  return {
    energy,
    cpu: seconds(task.cpuNs),
    gpu: seconds(task.gpuNs),
    energyImpact: task.energyImpact,
    wakeups: task.wakeups,
    diskRead: task.diskReadBytes,
    diskWritten: task.diskWrittenBytes,
    received: task.networkReceivedBytes,
    transmitted: task.networkTransmittedBytes,
  };
}

function seconds(ns: number | undefined): number | undefined {
  return ns === undefined ? undefined : ns / 1e9;
}
