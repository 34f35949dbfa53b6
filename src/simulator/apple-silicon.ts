/** Writes the `processor` and `gpu` dictionaries of Apple Silicon (src/parse/README.md, 3.1 and 3.2). */
import { type AppleChip, osNumber } from "./mac.ts";
import type { PlistWriter } from "./plist-writer.ts";
import {
  meanMegahertz,
  usedTime,
  type Residency,
  type ClusterState,
  type CoreState,
  type SiliconState,
} from "./silicon.ts";

export function writeProcessor(
  plist: PlistWriter,
  chip: AppleChip,
  os: string,
  state: SiliconState,
  elapsedNs: number,
): void {
  plist.dictionary("processor", () => {
    plist.array("clusters", state.clusters, (cluster, index) => {
      const online = reportsOnline(chip, index, state.clusters.length);
      plist.dictionary(undefined, () => writeCluster(plist, chip, os, cluster, online));
    });
    if (countsInstructions(os))
      writeInstructions(
        plist,
        state.clusters.flatMap((cluster) => cluster.cores),
      );
    writePower(plist, os, state, elapsedNs / 1e9);
  });
}

type Rail = readonly [name: string, millijoules: number];

function writePower(plist: PlistWriter, os: string, state: SiliconState, seconds: number): void {
  const { cpuMillijoules, gpuMillijoules, aneMillijoules } = state;
  const rails: readonly Rail[] = [
    ["cpu", cpuMillijoules],
    ["gpu", gpuMillijoules],
    ["ane", aneMillijoules],
  ];
  const sum = cpuMillijoules + gpuMillijoules + aneMillijoules;
  // Until macOS 12 memory and package were measured too, and nothing was combined.
  const early = osNumber(os) < osNumber("13.0");
  const memory = Math.round(sum * 0.12 + seconds * 60);
  const measured = early ? [...rails, ["dram", memory] as const, ["package", sum + memory] as const] : rails;
  for (const [rail, millijoules] of measured) {
    plist.brokenInteger(`${rail}_energy`, millijoules);
    plist.brokenReal(`${rail}_power`, millijoules / seconds);
  }
  if (!early) plist.brokenReal("combined_power", sum / seconds);
}

/** 12 and 13 report instructions; 14 took them out again. */
function countsInstructions(os: string): boolean {
  return osNumber(os) >= osNumber("12.0") && osNumber(os) < osNumber("14.0");
}

function writeInstructions(plist: PlistWriter, cores: readonly CoreState[]): void {
  const cycles = cores.reduce(
    (sum, { residency }) => sum + (usedTime(residency) / 1e3) * meanMegahertz(residency),
    0,
  );
  const perClock = cycles === 0 ? 0 : 1.2 + 0.2 * cores.length;
  plist.real("inst_retired", cycles * perClock);
  plist.real("inst_per_clk", perClock);
}

function reportsOnline(chip: AppleChip, index: number, count: number): boolean {
  switch (chip.online) {
    case "none":
      return false;
    case "first":
      return index === 0;
    case "allButLast":
      return index < count - 1;
    case "all":
      return true;
  }
}

function writeCluster(
  plist: PlistWriter,
  chip: AppleChip,
  os: string,
  cluster: ClusterState,
  online: boolean,
): void {
  const figures = clusterFigures(chip, cluster);
  plist.string("name", cluster.plan.name);
  plist.flag("hw_resid_counters", true);
  plist.real("freq_hz", figures.megahertz * 1e6);
  plist.integer("idle_ns", figures.idleNs);
  plist.real("idle_ratio", figures.idleRatio);
  if (chip.parks) writeDown(plist, cluster.down ? figures.totalNs : 0, cluster.down ? 1 : 0);
  writeStates(plist, "dvfm_states", cluster.plan.megahertz, figures.usedNs, figures.shareOfNs);
  if (online) plist.real("online_ratio", cluster.down ? 0 : 1);
  if (countsInstructions(os)) writeInstructions(plist, cluster.cores);
  plist.array("cpus", cluster.cores, (core) =>
    plist.dictionary(undefined, () => writeCore(plist, chip, core)),
  );
}

function writeCore(plist: PlistWriter, chip: AppleChip, { cpu, residency }: CoreState): void {
  plist.integer("cpu", cpu);
  plist.real("freq_hz", meanMegahertz(residency) * 1e6);
  plist.integer("idle_ns", residency.idleNs);
  plist.real("idle_ratio", residency.idleNs / residency.totalNs);
  if (chip.parks) writeDown(plist, residency.downNs, residency.downNs / residency.totalNs);
  writeStates(plist, "dvfm_states", residency.megahertz, residency.usedNs, residency.totalNs);
}

function writeDown(plist: PlistWriter, ns: number, ratio: number): void {
  plist.integer("down_ns", ns);
  plist.real("down_ratio", ratio);
}

function writeStates(
  plist: PlistWriter,
  key: string,
  megahertz: readonly number[],
  usedNs: readonly number[],
  totalNs: number,
): void {
  plist.array(key, megahertz, (frequency, index) =>
    plist.dictionary(undefined, () => {
      plist.integer("freq", frequency);
      writeUsed(plist, usedNs[index] ?? 0, totalNs);
    }),
  );
}

function writeUsed(plist: PlistWriter, ns: number, totalNs: number): void {
  plist.integer("used_ns", ns);
  plist.real("used_ratio", totalNs === 0 ? 0 : ns / totalNs);
}

interface ClusterFigures {
  readonly megahertz: number;
  readonly idleNs: number;
  readonly idleRatio: number;
  readonly usedNs: readonly number[];
  /** What `used_ratio` is a share of. */
  readonly shareOfNs: number;
  readonly totalNs: number;
}

/** A cluster is busy while any of its cores is: as long as the busiest one, to keep the arithmetic plain. */
function clusterFigures(chip: AppleChip, cluster: ClusterState): ClusterFigures {
  const busiest = cluster.cores
    .map((it) => it.residency)
    .reduce((most, it) => (usedTime(it) > usedTime(most) ? it : most));
  const { totalNs } = busiest;
  if (cluster.down) {
    return { megahertz: 0, idleNs: 0, idleRatio: 0, usedNs: busiest.usedNs, shareOfNs: 0, totalNs };
  }
  const used = usedTime(busiest);
  const idleNs = totalNs - used;
  // A cluster that did nothing still waited somewhere: at its lowest frequency.
  const usedNs = used === 0 ? busiest.usedNs.map((_, index) => (index === 0 ? 1000 : 0)) : busiest.usedNs;
  const share = { usedNs, shareOfNs: used === 0 ? 1000 : used, totalNs };
  const megahertz = used === 0 ? (busiest.megahertz[0] ?? 0) : meanMegahertz(busiest);
  switch (chip.figures) {
    case "share":
      return { ...share, megahertz, idleNs, idleRatio: idleNs / totalNs };
    case "remainder":
      return {
        ...share,
        usedNs: busiest.usedNs,
        shareOfNs: totalNs,
        megahertz,
        idleNs,
        idleRatio: idleNs / totalNs,
      };
    case "stuck":
      return { ...share, megahertz: 0, idleNs, idleRatio: 1 };
    case "neverIdle":
      return { ...share, megahertz, idleNs: 0, idleRatio: 0 };
  }
}

export function writeGpu(plist: PlistWriter, os: string, gpu: Residency, millijoules: number): void {
  const older = osNumber(os) < osNumber("14.0");
  plist.dictionary("gpu", () => {
    plist.real("freq_hz", meanMegahertz(gpu));
    plist.integer("idle_ns", gpu.idleNs);
    plist.real("idle_ratio", gpu.idleNs / gpu.totalNs);
    writeStates(plist, "dvfm_states", gpu.megahertz, gpu.usedNs, gpu.totalNs);
    if (older) writeStates(plist, "requested_freq", gpu.megahertz, gpu.usedNs, gpu.totalNs);
    else writeSoftwareStates(plist, gpu);
    // The tool prints its idle time a second time, before the energy.
    plist.integer("idle_ns", gpu.idleNs);
    if (!older) plist.real("idle_ratio", gpu.idleNs / gpu.totalNs);
    plist.integer("gpu_energy", millijoules);
  });
}

function writeSoftwareStates(plist: PlistWriter, gpu: Residency): void {
  const lists = [
    ["sw_requested_state", "sw_req_state", "P"],
    ["sw_state", "sw_state", "SW_P"],
  ] as const;
  for (const [list, key, prefix] of lists) {
    plist.array(list, gpu.usedNs, (ns, index) =>
      plist.dictionary(undefined, () => {
        plist.string(key, `${prefix}${index + 1}`);
        writeUsed(plist, ns, gpu.totalNs);
      }),
    );
  }
}
