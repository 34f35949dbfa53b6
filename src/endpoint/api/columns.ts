/** Which readings have a past, and under which keys: `power.cpu`, `core.cpu0`, `cluster.E-Cluster`, `memory.wired`, `swap.used`. */
import type { Readings } from "./status.ts";

type Column = readonly [key: string, value: number];

/** Rails that add up; `package` and `combined` are sums of these already. */
const stackedRails = ["cpu", "gpu", "ane", "dram"] as const;
const memoryParts = ["wired", "app", "compressed", "cached", "free"] as const;

/** The columns of one source's readings: watts, percent of activity, hertz, bytes. */
export function columnsOf(source: string, readings: Readings): readonly Column[] {
  switch (source) {
    case "powermetrics":
      return [...powerColumns(readings), ...coreColumns(readings), ...clusterColumns(readings)];
    case "vm_stat":
      return present(memoryParts.map((part) => [`memory.${part}`, readings.memory[part]]));
    case "sysctl":
      return present([
        ["swap.used", readings.memory.swapUsed],
        ["swap.total", readings.memory.swapTotal],
      ]);
    default:
      return [];
  }
}

function powerColumns({ power }: Readings): readonly Column[] {
  const rails = present(stackedRails.map((rail) => [`power.${rail}`, power[rail]]));
  // An Intel package reports one figure for all.
  return rails.some(([key]) => key === "power.cpu")
    ? rails
    : present([["power.package", power.package], ...rails]);
}

function coreColumns({ cores }: Readings): readonly Column[] {
  return present(cores.map(({ core, activePercent }) => [`core.${core}`, activePercent]));
}

function clusterColumns({ clusters }: Readings): readonly Column[] {
  return present(clusters.map(({ cluster, frequencyHz }) => [`cluster.${cluster}`, frequencyHz]));
}

function present(columns: readonly (readonly [string, number | undefined])[]): readonly Column[] {
  return columns.filter((column): column is Column => column[1] !== undefined);
}
