/** Owns what a soak watches of its own process: memory after a collection of garbage, and open descriptors. */
import { existsSync, readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

export interface Reading {
  /** What JavaScript holds, buffers included, after a full collection; bytes. */
  readonly heap: number;
  /** Resident memory of the process, the allocator's spare pages included; bytes. */
  readonly rss: number;
  /** Absent where the system does not list them. */
  readonly descriptors: number | undefined;
}

/** As --expose-gc gives it, whether or not the process was started with it. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
}

const descriptorFolder = "/dev/fd";

export function takeReading(): Reading {
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return {
    heap: heapUsed + external,
    rss,
    descriptors: existsSync(descriptorFolder) ? readdirSync(descriptorFolder).length : undefined,
  };
}

/** How much the later half of the readings lies above the earlier one, by their medians; of `thirds`, the last above the first. */
export function growth(readings: readonly number[], by: "halves" | "thirds" = "halves"): number {
  const part = Math.floor(readings.length / (by === "halves" ? 2 : 3));
  return median(readings.slice(-part)) - median(readings.slice(0, -part).slice(0, part));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
