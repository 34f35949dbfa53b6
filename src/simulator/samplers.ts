/** Which samplers powermetrics has on a chip and a macOS version (src/parse/README.md, 5). */
import { type Chip, osNumber } from "./mac.ts";

const described = {
  tasks: "per task cpu usage and wakeup stats",
  battery: "battery and backlight info",
  network: "network usage info",
  disk: "disk usage info",
  int_sources: "interrupt sources information",
  devices: "device power states",
  interrupts: "interrupt distribution",
  cpu_power: "cpu power and frequency info",
  thermal: "thermal pressure notifications",
  sfi: "selective forced idle information",
  gpu_power: "gpu power and frequency info",
  gpu_agpm_stats: "Statistics reported by AGPM",
  smc: "SMC sensors",
  gpu_dcc_stats: "gpu duty cycle info",
  nvme_ssd: "NVMe power state information",
  io_throttle_ssd: "IO Throttling information",
  bandwidth: "amc bandwidth counters",
  ane_power: "dedicated rail ane power and frequency info",
} as const;

export type Sampler = keyof typeof described;

const early: readonly Sampler[] = ["tasks", "battery", "network", "disk"];
const middle: readonly Sampler[] = ["interrupts", "cpu_power", "thermal", "sfi", "gpu_power"];
const usual: readonly Sampler[] = [...early, "interrupts", "cpu_power", "gpu_power"];

interface SamplerGroups {
  readonly all: readonly Sampler[];
  readonly default: readonly Sampler[];
}

export function samplersOf(chip: Chip, os: string): SamplerGroups {
  if (chip.kind === "intel") {
    const all: Sampler[] = [
      ...early,
      "int_sources",
      ...middle,
      "gpu_agpm_stats",
      "smc",
      "gpu_dcc_stats",
      "nvme_ssd",
      "io_throttle_ssd",
    ];
    return { all, default: [...usual, "gpu_agpm_stats", "smc", "gpu_dcc_stats"] };
  }
  if (osNumber(os) < osNumber("13.0")) {
    return { all: [...early, "int_sources", "devices", ...middle, "bandwidth"], default: usual };
  }
  return { all: [...early, ...middle, "ane_power"], default: usual };
}

export function describeSampler(sampler: Sampler): string {
  return described[sampler];
}

type Chosen = { readonly samplers: ReadonlySet<Sampler> } | { readonly unrecognized: string };

/** Resolves names and groups; the first name that the machine does not have is the tool's complaint. */
export function chooseSamplers(names: readonly string[], groups: SamplerGroups): Chosen {
  const chosen = new Set<Sampler>();
  for (const name of names) {
    const meant =
      name === "all" || name === "default" ? groups[name] : groups.all.filter((it) => it === name);
    if (meant.length === 0) return { unrecognized: name };
    for (const sampler of meant) chosen.add(sampler);
  }
  return { samplers: chosen };
}
