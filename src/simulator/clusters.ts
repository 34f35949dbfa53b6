/** How clusters are laid out on a chip: names, tiers, ids of cores (src/parse/README.md, 3.5), and the frequency steps of cores and GPUs. */
import { type ClusterPlan, type Tier, osNumber } from "./mac.ts";

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

/** macOS 26.4 renamed the clusters of the M5 family. */
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

/** MHz, in the order in which powermetrics lists them. */
type Steps = readonly number[];

/** From `low` to `high` in `count` steps that narrow towards the top and keep to multiples of 12 MHz, for chips whose steps are not known. */
function narrowing(low: number, high: number, count: number): Steps {
  return Array.from({ length: count }, (_, index) => {
    const height = Math.sin((index / (count - 1)) * (Math.PI / 2));
    return Math.round((low + (high - low) * height) / 12) * 12;
  });
}

export const m1Efficiency: Steps = [600, 972, 1332, 1704, 2064];
export const m1Performance: Steps = [
  600, 828, 1056, 1284, 1500, 1728, 1956, 2184, 2388, 2592, 2772, 2988, 3096, 3144, 3204,
];
export const m1ProPerformance: Steps = [
  600, 828, 1056, 1296, 1524, 1752, 1980, 2208, 2448, 2676, 2904, 3036, 3132, 3168, 3228,
];
export const m1Gpu: Steps = [396, 528, 720, 924, 1128, 1278];
export const m1ProGpu: Steps = [389, 486, 648, 778, 972, 1296];

export const m2Efficiency: Steps = [600, 912, 1284, 1752, 2004, 2256, 2424];
export const m2ProEfficiency: Steps = [912, 1284, 1752, 2004, 2256, 2424];
export const m2Performance: Steps = [
  660, 924, 1188, 1452, 1704, 1968, 2208, 2400, 2568, 2724, 2868, 2988, 3096, 3204, 3324, 3408, 3504,
];
export const m2ProPerformance: Steps = [
  702, 948, 1188, 1452, 1704, 1968, 2208, 2400, 2568, 2724, 2868, 3000, 3132, 3264, 3360, 3408, 3504, 3528,
  3696,
];
export const m2Gpu: Steps = [444, 612, 808, 968, 1110, 1236, 1338, 1398];

export const m3Efficiency: Steps = [744, 1044, 1476, 2004, 2268, 2388, 2508, 2748];
export const m3MaxEfficiency: Steps = [1020, 1320, 1704, 2088, 2484, 2568];
export const m3Performance: Steps = narrowing(1092, 4056, 20);
export const m3Gpu: Steps = [338, 618, 796, 836, 928, 952, 1056, 1053, 1170, 1152, 1278, 1338];
export const m3ProGpu: Steps = [338, 618, 796, 832, 924, 952, 1056, 1064, 1182, 1182, 1312, 1242, 1380];

export const m4Efficiency: Steps = [900, 1080, 1476, 1860, 2172, 2496, 2808, 2892];
export const m4ProEfficiency: Steps = [1020, 1404, 1788, 2112, 2352, 2532, 2592];
export const m4Performance: Steps = narrowing(912, 4464, 20);
export const m4ProPerformance: Steps = narrowing(1260, 4512, 20);
export const m4Gpu: Steps = [338, 618, 796, 924, 952, 1056, 1062, 1182, 1182, 1312, 1242, 1380, 1326, 1470];
export const m4ProGpu: Steps = [...m4Gpu, 1578];

export const m5Efficiency: Steps = [972, 1332, 1704, 2064, 2424, 2724, 2940, 3048];
export const m5Middle: Steps = narrowing(1308, 4308, 16);
export const m5Super: Steps = narrowing(1308, 4608, 20);
export const m5Gpu: Steps = [338, 618, 796, 924, 1056, 1062, 1182, 1312, 1242, 1380, 1326, 1470, 1578, 1620];
