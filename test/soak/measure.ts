/** Measures a soak: its length, what a process holds at a moment, and how much that grows in a day. */
import { existsSync, readdirSync } from "node:fs";
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Documents of a day that the machine sleeps for most of. */
export const wholeDay = 27_500;

/** As asked for by SOAK_DOCUMENTS, for all soaks alike. */
export function documentsWanted(usual: number): number {
  const asked = process.env["SOAK_DOCUMENTS"] ?? String(usual);
  if (!/^[1-9]\d*$/.test(asked))
    throw new Error(`SOAK_DOCUMENTS must be a whole number above 0, got ${asked}`);
  return Number(asked);
}

export interface Reading {
  /** Documents so far. */
  readonly documents: number;
  /** What JavaScript holds after a full collection, buffers included and its compiled code excluded; bytes. */
  readonly heap: number;
  /** Resident memory of the process, the allocator's spare pages included; bytes. */
  readonly rss: number;
  readonly descriptors: number;
  /** Of all its files; bytes. */
  readonly journal: number;
}

/** As --expose-gc gives it, whether or not the process was started with it. */
export function collectGarbage(): void {
  const collect = exposed();
  // Once more for what hangs on what the first one freed.
  collect();
  collect();
}

/** New objects alone, as V8 does it most of the time; twice, for what has to survive once before it is old. */
export function collectNewGarbage(): void {
  const collect = exposed();
  collect({ type: "minor" });
  collect({ type: "minor" });
}

function exposed(): (options?: { readonly type: "minor" }) => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as ReturnType<typeof exposed>;
}

/** V8 goes on compiling for hours. */
export const codeSpaces: readonly string[] = [
  "code_space",
  "code_large_object_space",
  "trusted_space",
  "trusted_large_object_space",
];

/** Of this process. */
export function heldHere(): Pick<Reading, "heap" | "rss" | "descriptors"> {
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  const code = getHeapSpaceStatistics()
    .filter(({ space_name: name }) => codeSpaces.includes(name))
    .reduce((sum, { space_used_size: used }) => sum + used, 0);
  return { heap: heapUsed + external - code, rss, descriptors: descriptorsHere() };
}

const descriptorFolder = "/dev/fd";

/** None where the system does not list them. */
function descriptorsHere(): number {
  return existsSync(descriptorFolder) ? readdirSync(descriptorFolder).length : 0;
}

/** What a document adds: the median of the slopes between all pairs of readings (Theil and Sen), which outliers do not move. */
export function slope<Of extends { readonly documents: number }>(
  readings: readonly Of[],
  value: (reading: Of) => number,
): number {
  const slopes = readings.flatMap((one, at) =>
    readings
      .slice(at + 1)
      .filter(({ documents }) => documents > one.documents)
      .map((later) => (value(later) - value(one)) / (later.documents - one.documents)),
  );
  return median(slopes);
}

/** How much the least of the last third lies above the least of the first: what is there for a moment does not count. */
export function shift(values: readonly number[]): number {
  const third = Math.ceil(values.length / 3);
  return Math.min(...values.slice(-third)) - Math.min(...values.slice(0, third));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

export function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

/** One line that can be quoted: growth in a whole day, at the pace of these readings. */
export function figures(
  what: { readonly documents: number; readonly samples: number },
  readings: readonly Reading[],
): string {
  const daily = (value: (reading: Reading) => number): number => slope(readings, value) * wholeDay;
  const [heap, rss, journal] = (["heap", "rss", "journal"] as const).map((key) =>
    megabytes(daily((one) => one[key])),
  );
  const descriptors = daily((one) => one.descriptors).toFixed(1);
  return `soak of ${what.documents} documents, ${what.samples} samples: growth a day of the heap ${heap} MB, of RSS ${rss} MB, of descriptors ${descriptors}, of the journal ${journal} MB`;
}
