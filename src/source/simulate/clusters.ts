/** Owns how clusters are laid out on a chip: names, tiers, and the ids of their cores (FORMATS.md, section 4). */
import type { ClusterPlan, Tier } from "./chip.ts";
import { osNumber } from "./os-version.ts";

export const E = "efficiency";
export const P = "performance";

/** `[name, tier, first CPU, cores, MHz, watts per core]` */
type ClusterRow = readonly [string, Tier, number, number, readonly number[], number];

function clusters(...rows: readonly ClusterRow[]): () => readonly ClusterPlan[] {
  const plans = rows.map(plan);
  return () => plans;
}

function plan([name, tier, first, count, megahertz, wattsPerCore]: ClusterRow): ClusterPlan {
  return {
    name,
    tier,
    cpus: Array.from({ length: count }, (_, index) => first + index),
    megahertz,
    wattsPerCore,
  };
}

/** macOS 26.4 renamed the clusters of the M5 family (FORMATS.md, section 4). */
export function renamed(
  before: readonly ClusterRow[],
  from26_4: readonly string[],
): (os: string) => readonly ClusterPlan[] {
  const plans = before.map(plan);
  return (os) =>
    osNumber(os) < osNumber("26.4")
      ? plans
      : plans.map((it, index) => ({ ...it, name: from26_4[index] ?? it.name }));
}

/** Two dies: documents go die by die, ids by kind of core. */
export function ultra(small: number, large: number, slow: readonly number[], fast: readonly number[]) {
  const first = 2 * small;
  return clusters(
    ["E0-Cluster", E, 0, small, slow, 0.5],
    ["P0-Cluster", P, first, large, fast, 4.6],
    ["P1-Cluster", P, first + large, large, fast, 4.6],
    ["E1-Cluster", E, small, small, slow, 0.5],
    ["P2-Cluster", P, first + 2 * large, large, fast, 4.6],
    ["P3-Cluster", P, first + 3 * large, large, fast, 4.6],
  );
}

export function threeClusters(
  small: number,
  large: number,
  slow: readonly number[],
  fast: readonly number[],
  watts: number,
) {
  return clusters(
    ["E-Cluster", E, 0, small, slow, 0.5],
    ["P0-Cluster", P, small, large, fast, watts],
    ["P1-Cluster", P, small + large, large, fast, watts],
  );
}

export function twoClusters(
  small: number,
  large: number,
  slow: readonly number[],
  fast: readonly number[],
  watts: number,
) {
  return clusters(["E-Cluster", E, 0, small, slow, 0.4], ["P-Cluster", P, small, large, fast, watts]);
}
