/** What the clusters, the GPU and the Neural Engine of an Apple chip did in a window, before it is printed. */
import { type Window, demandAt, graphicsAt, meanOver, neuralAt } from "./load.ts";
import type { AppleChip, ClusterPlan } from "./mac.ts";
import { chance, clamp, noise } from "./noise.ts";

export interface CoreState {
  readonly cpu: number;
  readonly residency: Residency;
}

export interface ClusterState {
  readonly plan: ClusterPlan;
  readonly down: boolean;
  readonly cores: readonly CoreState[];
}

export interface SiliconState {
  readonly clusters: readonly ClusterState[];
  readonly gpu?: Residency;
  /** Whole millijoules over the window, as the hardware counts them. */
  readonly cpuMillijoules: number;
  readonly gpuMillijoules: number;
  readonly aneMillijoules: number;
}

const channel = { core: 200, pace: 400, park: 600, coverage: 800 } as const;

export function siliconState(chip: AppleChip, os: string, seed: number, window: Window): SiliconState {
  const demand = meanOver(window, (at) => demandAt(seed, at));
  const plans = chip.clusters(os);
  const clusters = plans.map((plan, index) => clusterState(chip, plans, index, plan, demand, seed, window));
  const gpu = gpuState(chip, seed, window);
  const seconds = window.elapsedNs / 1e9;
  const cpuJoules = clusters.reduce((sum, cluster) => sum + clusterJoules(cluster), 0.012 * seconds);
  const gpuJoules = gpu === undefined ? 0 : joules(gpu, chip.gpu?.watts ?? 0) + 0.006 * seconds;
  const aneJoules = meanOver(window, (at) => neuralAt(seed, at)) * chip.aneWatts * seconds;
  return {
    clusters,
    ...(gpu !== undefined && { gpu }),
    cpuMillijoules: Math.round(cpuJoules * 1000),
    gpuMillijoules: Math.round(gpuJoules * 1000),
    aneMillijoules: Math.round(aneJoules * 1000),
  };
}

function clusterJoules(cluster: ClusterState): number {
  return cluster.cores.reduce((sum, core) => sum + joules(core.residency, cluster.plan.wattsPerCore), 0);
}

function clusterState(
  chip: AppleChip,
  plans: readonly ClusterPlan[],
  index: number,
  plan: ClusterPlan,
  demand: number,
  seed: number,
  window: Window,
): ClusterState {
  const load = clusterLoad(plans, plan, demand);
  const down = chip.parks && plan.tier === "performance" && load === 0;
  const pace = paceOf(load, noise(seed, channel.pace + index, window.endMs, 4_000));
  const cores = plan.cpus.map((cpu, position) => {
    const active = down
      ? 0
      : coreShare(load, position, plan.cpus.length, noise(seed, channel.core + cpu, window.endMs, 3_000));
    const activity: Activity = {
      active,
      down: down ? 1 : parked(chip, active, cpu, seed, window),
      pace: pace + 0.08 * (noise(seed, channel.pace + 100 + cpu, window.endMs, 1_500) - 0.5),
    };
    return { cpu, residency: residency(plan.megahertz, coveredNs(seed, cpu, window), activity) };
  });
  return { plan, down, cores };
}

/** Small cores fill first; each cluster of large ones joins at a higher demand than the one before. */
function clusterLoad(plans: readonly ClusterPlan[], plan: ClusterPlan, demand: number): number {
  if (plan.tier === "efficiency") return clamp(demand * 2.2);
  const large = plans.filter((it) => it.tier === "performance");
  const joins = 0.05 + (0.5 * large.indexOf(plan)) / large.length;
  return clamp((demand - joins) / (0.95 - joins));
}

/** Work climbs the frequency table quickly, as it does on battery and mains alike. */
function paceOf(load: number, wobble: number): number {
  return clamp(0.06 + 0.9 * Math.sqrt(load) + 0.3 * (wobble - 0.5) * Math.min(1, load * 4));
}

/** The first cores of a cluster take more; what would be next to nothing is nothing. */
function coreShare(load: number, position: number, count: number, wobble: number): number {
  const share = load * (1.45 - (0.9 * position) / count) + (0.25 * load + 0.006) * (wobble - 0.4);
  return share < 0.0012 ? 0 : clamp(share);
}

/** How much of its idle time an unused core of a chip that parks spends switched off. */
function parked(chip: AppleChip, active: number, cpu: number, seed: number, window: Window): number {
  if (!chip.parks || active > 0.02) return 0;
  return clamp(noise(seed, channel.park + cpu, window.endMs, 20_000) * 2 - 0.9) * (1 - active);
}

/** Residency counters are read a little before or after the window's ends. */
function coveredNs(seed: number, cpu: number, window: Window): number {
  const millisecondsOff = (chance(seed, channel.coverage + cpu, window.endMs) - 0.5) * 8;
  return Math.round(
    window.elapsedNs * 0.999 +
      clamp(millisecondsOff * 1e6, -0.04 * window.elapsedNs, 0.04 * window.elapsedNs),
  );
}

function gpuState(chip: AppleChip, seed: number, window: Window): Residency | undefined {
  if (chip.gpu === undefined) return undefined;
  const active = meanOver(window, (at) => graphicsAt(seed, at));
  const pace = clamp(active * 1.1 - 0.05 + 0.2 * (noise(seed, channel.pace + 90, window.endMs, 2_000) - 0.5));
  const activity = { active: active < 0.002 ? 0 : active, down: 0, pace };
  return residency(chip.gpu.megahertz, coveredNs(seed, 199, window), activity);
}

/** How a core or GPU spends a window: nanoseconds by frequency, idle and switched off, as whole numbers that add up. */
export interface Residency {
  readonly megahertz: readonly number[];
  /** By position in `megahertz`. */
  readonly usedNs: readonly number[];
  readonly idleNs: number;
  readonly downNs: number;
  readonly totalNs: number;
}

/** What a core does in a window; shares of the window, 0…1. */
export interface Activity {
  readonly active: number;
  readonly down: number;
  /** Where in the frequency table the work runs, 0…1. */
  readonly pace: number;
}

/** Spreads the active time around the pace, three or four steps wide. */
function residency(megahertz: readonly number[], totalNs: number, activity: Activity): Residency {
  const centre = clamp(activity.pace) * (megahertz.length - 1);
  const weights = megahertz.map((_, index) => Math.max(0, 1.6 - Math.abs(index - centre)) ** 2);
  const weight = weights.reduce((sum, it) => sum + it, 0);
  const usedNs = weights.map((it) => Math.round((totalNs * activity.active * it) / weight));
  const used = usedNs.reduce((sum, it) => sum + it, 0);
  const downNs = Math.min(totalNs - used, Math.round(totalNs * activity.down));
  return { megahertz, usedNs, downNs, idleNs: totalNs - used - downNs, totalNs };
}

export function usedTime(it: Residency): number {
  return it.usedNs.reduce((sum, ns) => sum + ns, 0);
}

/** The mean frequency while active, 0 when never active. */
export function meanMegahertz(it: Residency): number {
  const used = usedTime(it);
  if (used === 0) return 0;
  return it.usedNs.reduce((sum, ns, index) => sum + ns * (it.megahertz[index] ?? 0), 0) / used;
}

/** Joules, given the power at the highest frequency: it grows a little faster than the frequency squared. */
function joules(it: Residency, watts: number): number {
  const highest = Math.max(...it.megahertz);
  const at = (index: number): number => ((it.megahertz[index] ?? 0) / highest) ** 2.2;
  return it.usedNs.reduce((sum, ns, index) => sum + (ns / 1e9) * watts * at(index), 0);
}
