/**
 * Reads the dialect of Apple Silicon: clusters of CPUs, one GPU (src/parse/README.md, 3).
 *
 * A cluster's own frequency and idle time are not read: M3 and M4 report 0 Hz and 100 % idle for busy clusters.
 */
import { defined } from "../../runtime/defined.ts";
import type { Fields, FindingLog } from "../field.ts";
import type { PlistDict } from "../plist/reader.ts";
import type { Cluster, Core, Gpu, Processor } from "../sample.ts";
import {
  activeShare,
  amountOfEnergy,
  coreIds,
  frequencyOf,
  readRails,
  readResidency,
  remainingShare,
  sharesOf,
  type CoreIds,
} from "./processor.ts";

const knownOfProcessor = new Set([
  ...["cpu", "gpu", "ane", "dram", "package"].flatMap((rail) => [`${rail}_energy`, `${rail}_power`]),
  ...["combined_power", "cpu_power_zones_engaged", "inst_retired", "inst_per_clk", "clusters"],
]);
const knownOfCluster = new Set(
  "name hw_resid_counters freq_hz idle_ns idle_ratio down_ns down_ratio dvfm_states online_ratio requested_mhz recommended_cores inst_retired inst_per_clk cpus".split(
    " ",
  ),
);
const knownOfCpu = new Set(
  "cpu freq_hz idle_ns idle_ratio down_ns down_ratio dvfm_states inst_retired inst_per_clk".split(" "),
);
const knownOfGpu = new Set(
  "freq_hz idle_ns idle_ratio dvfm_states requested_freq sw_requested_state sw_state gpu_energy".split(" "),
);

/** What the parts of a document share. */
export interface Window {
  readonly elapsedNs: number;
  readonly frequencyResidency: boolean;
  readonly log: FindingLog;
}

export function readAppleSilicon(processor: Fields, window: Window): Processor {
  processor.expect(knownOfProcessor);
  const ids = coreIds();
  const clusters: Cluster[] = [];
  const cores: Core[] = [];
  for (const row of processor.rows("clusters") ?? []) {
    row.expect(knownOfCluster);
    const name = row.text("name");
    const own = (row.rows("cpus") ?? []).flatMap((cpu) => readCore(cpu, name, ids, window));
    cores.push(...own);
    if (name === undefined) continue;
    const onlineRatio = window.log.ratio("cluster_online_ratio", row.number("online_ratio"));
    clusters.push({ name, ...defined({ onlineRatio }), cores: own });
  }
  return { ...readRails(processor, window.elapsedNs, cores, window.log), clusters, cores };
}

/** A core that is switched off has `idle_ratio` 0 and `down_ratio` 1, so activity is what its states add up to. */
function readCore(cpu: Fields, cluster: string | undefined, ids: CoreIds, window: Window): readonly Core[] {
  const { log } = window;
  cpu.expect(knownOfCpu);
  const id = ids.take(cpu);
  if (id === undefined) return [];
  const column = cpu.column("dvfm_states");
  const states = column === undefined ? cpu.dicts("dvfm_states") : undefined;
  const idleRatio = log.ratio("core_idle_ratio", cpu.number("idle_ratio"));
  const downRatio = log.ratio("core_down_ratio", cpu.number("down_ratio"));
  const rest = idleRatio === undefined ? undefined : remainingShare(idleRatio, downRatio);
  const activeRatio = log.ratio("core_active_ratio", activeShare(column ?? sharesOf(states)) ?? rest);
  const frequencyHz = frequencyOf("core_freq_hz", cpu.number("freq_hz"), log);
  const frequencyResidency = window.frequencyResidency ? readResidency(states, megahertzOf, log) : undefined;
  return [defined({ id, cluster, frequencyHz, activeRatio, idleRatio, downRatio, frequencyResidency })];
}

/**
 * The GPU's own section. Its `freq_hz` is in MHz, whatever its name says. Its energy is for documents without a
 * processor: where both exist `processor.gpu_energy` is the one that `combined_power` adds up, and on M2 Ultra they differ.
 */
export function readGpu(gpu: Fields, window: Window): Gpu {
  const { log } = window;
  gpu.expect(knownOfGpu);
  const megahertz = gpu.number("freq_hz");
  const idleRatio = log.ratio("gpu_idle_ratio", gpu.number("idle_ratio"));
  return defined({
    frequencyHz: frequencyOf("gpu_freq_hz", megahertz === undefined ? undefined : megahertz * 1e6, log),
    activeRatio: idleRatio === undefined ? undefined : remainingShare(idleRatio),
    idleRatio,
    millijoules: amountOfEnergy("gpu_energy", gpu.number("gpu_energy"), window.elapsedNs, log),
    frequencyResidency: window.frequencyResidency
      ? readResidency(gpu.dicts("dvfm_states"), megahertzOf, log)
      : undefined,
  });
}

function megahertzOf(state: PlistDict): number | undefined {
  const megahertz = state.get("freq");
  return typeof megahertz === "number" && megahertz >= 0 && megahertz < Infinity ? megahertz : undefined;
}
