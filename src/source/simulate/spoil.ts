/** The faults that change what a document says of the chip. */
import { lastsAt, spoils, type Fault } from "./faults.ts";
import type { ClusterState, SiliconState } from "./silicon-state.ts";
import type { AppleChip, Chip } from "./chip.ts";

interface Spoiled {
  readonly host: { readonly chip: Chip };
  readonly faults: readonly Fault[];
  readonly number: number;
}

export function spoilSilicon(state: SiliconState, { host, faults, number }: Spoiled): SiliconState {
  let spoiled = state;
  if (spoils(faults, "zero-power", number)) {
    spoiled = { ...spoiled, cpuMillijoules: 0, gpuMillijoules: 0, aneMillijoules: 0 };
  }
  if (lastsAt(faults, "busy-cores", number))
    spoiled = { ...spoiled, clusters: spoiled.clusters.map(neverIdle) };
  if (lastsAt(faults, "parked-core", number) && host.chip.kind === "apple") {
    const chip = host.chip;
    spoiled = {
      ...spoiled,
      clusters: spoiled.clusters.map((it, index) => (index === 0 ? withoutLastCore(chip, it) : it)),
    };
  }
  return spoiled;
}

/** As M2 on macOS 13: cores at their highest frequency all the time, whatever they did, and the last one without any figure. */
function neverIdle(cluster: ClusterState): ClusterState {
  const cores = cluster.cores.map(({ cpu, residency }, index) => {
    const { megahertz, totalNs } = residency;
    const usedNs = megahertz.map((_, at) => (at === megahertz.length - 1 ? totalNs : 0));
    const last = index === cluster.cores.length - 1;
    return { cpu, residency: { ...residency, usedNs, idleNs: 0, downNs: 0, totalNs: last ? NaN : totalNs } };
  });
  return { ...cluster, cores };
}

/** Switched off where the chip reports that; vanished where it does not. */
function withoutLastCore(chip: AppleChip, cluster: ClusterState): ClusterState {
  const cores = cluster.cores.slice(0, -1);
  const last = cluster.cores.at(-1);
  if (!chip.parks || last === undefined) return { ...cluster, cores };
  const { residency } = last;
  const off = { ...residency, usedNs: residency.usedNs.map(() => 0), idleNs: 0, downNs: residency.totalNs };
  return { ...cluster, cores: [...cores, { ...last, residency: off }] };
}
