/** Owns what a simulated machine is: its clusters, traits and the Mac it sits in; `chips.ts` lists them. */

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
 * How a cluster's own figures relate to its cores (FORMATS.md, sections 1 and 3.1): `share` frequencies sum to 1,
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
