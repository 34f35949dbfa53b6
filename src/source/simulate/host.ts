/** Owns what stays the same of the simulated Mac while it is up: its chip, its seed, and since when it runs. */
import type { Chip } from "./chip.ts";
import { chance } from "./noise.ts";

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
