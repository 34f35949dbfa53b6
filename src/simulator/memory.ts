/** The virtual memory of the simulated Mac at a moment: pages in use, and counters since boot that only grow. */
import { bootTimeMs, memoryBytes, pageSize, type Host } from "./mac.ts";
import { accrued, clamp, noise } from "./noise.ts";

export interface Memory {
  readonly pageSize: number;
  readonly free: number;
  readonly active: number;
  readonly inactive: number;
  readonly speculative: number;
  readonly wired: number;
  readonly purgeable: number;
  readonly fileBacked: number;
  readonly anonymous: number;
  readonly storedInCompressor: number;
  readonly occupiedByCompressor: number;
  /** Since boot, by the names of `counterRates`. */
  readonly counters: Readonly<Record<Counter, number>>;
  /** 1 normal, 2 warning, 4 critical. */
  readonly pressureLevel: 1 | 2 | 4;
  readonly swapTotalBytes: number;
  readonly swapUsedBytes: number;
}

/** Per second, on average. Translation faults pass 2^32 after six weeks. */
const counterRates = {
  faults: 1_900,
  copyOnWrite: 85,
  zeroFilled: 720,
  reactivated: 22,
  purged: 16,
  decompressions: 34,
  compressions: 46,
  pageIns: 24,
  pageOuts: 0.7,
  swapIns: 0.5,
  swapOuts: 0.9,
} as const;

type Counter = keyof typeof counterRates;

const channel = { counter: 7_000, gauge: 7_100 } as const;

export function memoryAt(host: Host, timeMs: number): Memory {
  const { seed, chip } = host;
  const size = pageSize(chip);
  const total = Math.floor(memoryBytes(chip) / size);
  const wave = (index: number, period: number): number => noise(seed, channel.gauge + index, timeMs, period);
  const squeeze = clamp(0.15 + 0.55 * wave(0, 3_600_000) + 0.25 * wave(1, 120_000));
  const share = (part: number): number => Math.floor(total * part);

  const wired = share(0.09 + 0.02 * wave(2, 300_000));
  const occupiedByCompressor = share(0.22 * squeeze ** 2);
  const free = share(0.004 + 0.1 * (1 - squeeze) * wave(3, 40_000));
  const speculative = share(0.003 + 0.015 * wave(4, 30_000));
  const pageable = total - wired - occupiedByCompressor - free - speculative;
  const active = Math.floor(pageable * (0.49 + 0.03 * wave(5, 20_000)));
  const inactive = pageable - active;
  const cached = active + inactive + speculative;
  const fileBacked = Math.floor(cached * (0.22 + 0.2 * (1 - squeeze)));
  const swapTotalBytes = Math.ceil(squeeze * 6) * 2 ** 30;
  return {
    pageSize: size,
    free,
    active,
    inactive,
    speculative,
    wired,
    purgeable: share(0.002 + 0.012 * wave(6, 60_000)),
    fileBacked,
    anonymous: cached - fileBacked,
    storedInCompressor: Math.floor(occupiedByCompressor * (2.4 + wave(7, 600_000))),
    occupiedByCompressor,
    counters: countersAt(host, timeMs),
    pressureLevel: squeeze > 0.93 ? 4 : squeeze > 0.8 ? 2 : 1,
    swapTotalBytes,
    swapUsedBytes: Math.floor(swapTotalBytes * (0.4 + 0.5 * squeeze)),
  };
}

function countersAt(host: Host, timeMs: number): Record<Counter, number> {
  const booted = bootTimeMs(host.seed, timeMs);
  const since = (name: Counter, index: number): number => {
    const at = (moment: number): number =>
      accrued(host.seed, channel.counter + index, moment, counterRates[name]);
    return Math.max(0, Math.floor(at(timeMs) - at(booted)));
  };
  return {
    faults: since("faults", 0),
    copyOnWrite: since("copyOnWrite", 1),
    zeroFilled: since("zeroFilled", 2),
    reactivated: since("reactivated", 3),
    purged: since("purged", 4),
    decompressions: since("decompressions", 5),
    compressions: since("compressions", 6),
    pageIns: since("pageIns", 7),
    pageOuts: since("pageOuts", 8),
    swapIns: since("swapIns", 9),
    swapOuts: since("swapOuts", 10),
  };
}
