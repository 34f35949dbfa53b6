/** What a simulated Mac is: its chip with clusters and traits, its macOS version, and since when it has been up; `chips.ts` lists the chips. */
import { chance } from "./noise.ts";

/** Cores of the first tier take work first. */
export type Tier = "efficiency" | "performance";

export interface ClusterPlan {
  readonly name: string;
  readonly tier: Tier;
  /** Logical ids, in document order. */
  readonly cpus: readonly number[];
  readonly megahertz: readonly number[];
  /** At the highest frequency, fully busy. */
  readonly wattsPerCore: number;
}

export interface Gpu {
  /** In powermetrics' order: neither sorted nor free of duplicates. */
  readonly megahertz: readonly number[];
  readonly watts: number;
}

/**
 * How a cluster's own figures relate to its cores (src/parse/README.md, 3.1): `share` frequencies sum to 1,
 * `remainder` to 1 − idle, `stuck` says idle and 0 Hz whatever happens, `neverIdle` says busy whatever happens.
 */
export type ClusterFigures = "share" | "remainder" | "stuck" | "neverIdle";

interface Mac {
  readonly model: string;
  readonly brand: string;
  /** The macOS version unless asked otherwise. */
  readonly os: string;
  readonly memoryGib: number;
  readonly battery: boolean;
  /** Has High Power Mode, so that pmset prints `powermode` in the place of `lowpowermode`. */
  readonly highPower?: boolean;
}

export interface AppleChip extends Mac {
  readonly kind: "apple";
  /** Empty in a virtual machine, where powermetrics prints no `processor`. */
  readonly clusters: (os: string) => readonly ClusterPlan[];
  readonly gpu?: Gpu;
  readonly aneWatts: number;
  readonly figures: ClusterFigures;
  /** Whether idle cores are powered down and reported by `down_ratio`. */
  readonly parks: boolean;
  /** Which clusters report `online_ratio`. */
  readonly online: "none" | "first" | "allButLast" | "all";
  /** Memory tagging, which vm_stat reports from macOS 27 on. */
  readonly tagsMemory?: boolean;
}

export interface IntelChip extends Mac {
  readonly kind: "intel";
  readonly cores: number;
  readonly threadsPerCore: number;
  readonly nominalMegahertz: number;
  readonly turboMegahertz: number;
  /** Absent in a virtual machine, which reports neither power nor frequency. */
  readonly packageWatts?: number;
}

export type Chip = AppleChip | IntelChip;

/** Comparable: 26.4.1 → 260401. */
export function osNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  return major * 10_000 + minor * 100 + patch;
}

/** Such as `25G83` for 26.6: Darwin's major version, a letter for the minor one, and an invented number. */
export function osBuild(version: string): string {
  const [major = 0, minor = 0, patch = 0] = version.split(".").map(Number);
  if (major === 10) return `${minor + 4}${letter(patch)}83`;
  const darwin = major >= 26 ? major - 1 : major + 9;
  return `${darwin}${letter(minor)}83`;
}

function letter(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + Math.min(index, 25));
}

export interface Host {
  readonly chip: Chip;
  readonly os: string;
  readonly seed: number;
}

const bootPeriod = 90 * 86_400_000;

/** The last boot before a moment: once in 90 days, at a time of the seed's choosing, so that separate tools agree. */
export function bootTimeMs(seed: number, timeMs: number): number {
  const period = Math.floor(timeMs / bootPeriod);
  const boot = bootOf(seed, period);
  return boot <= timeMs ? boot : bootOf(seed, period - 1);
}

function bootOf(seed: number, period: number): number {
  const milliseconds = (period + 0.3 * chance(seed, 7, period)) * bootPeriod;
  return Math.floor(milliseconds / 1000) * 1000;
}

/** Bytes in a page: 16 KiB on Apple Silicon, 4 KiB on Intel. */
export function pageSize(chip: Chip): number {
  return chip.kind === "apple" ? 16_384 : 4_096;
}

export function memoryBytes(chip: Chip): number {
  return chip.memoryGib * 2 ** 30;
}

/** Logical CPUs, in document order. */
export function logicalCpus(host: Host): readonly number[] {
  const { chip } = host;
  if (chip.kind === "intel") return Array.from({ length: chip.cores * chip.threadsPerCore }, (_, cpu) => cpu);
  const cpus = chip.clusters(host.os).flatMap((cluster) => cluster.cpus);
  return cpus.length > 0 ? cpus : [0, 1, 2, 3];
}
