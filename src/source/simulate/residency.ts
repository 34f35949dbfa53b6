/** Owns how a core or GPU spends a window: nanoseconds by frequency, idle and switched off, as whole numbers that add up. */
import { clamp } from "./noise.ts";

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
export function residency(megahertz: readonly number[], totalNs: number, activity: Activity): Residency {
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
export function joules(it: Residency, watts: number): number {
  const highest = Math.max(...it.megahertz);
  const at = (index: number): number => ((it.megahertz[index] ?? 0) / highest) ** 2.2;
  return it.usedNs.reduce((sum, ns, index) => sum + (ns / 1e9) * watts * at(index), 0);
}
