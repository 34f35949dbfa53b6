/**
 * Reads one `vm_stat` report of any width and age. Pages that the machine's memory has no room for are withheld.
 * 2^64 has 20 digits: what has more is no number of the kernel's, and with hundreds of them it would be Infinity.
 */
import { createFindingLog } from "./field.ts";
import { linesOf, nothingPrinted, unexpectedOutput, failed, parsed, type ParseResult } from "./result.ts";
import type { VmStatSample } from "./sample.ts";

type Count = Exclude<keyof VmStatSample, "pageSizeBytes" | "findings">;

/** The label decides, never the column: label columns are 25, 30 or 35 wide. */
const counts: ReadonlyMap<string, Count> = new Map([
  ["Pages free", "free"],
  ["Pages active", "active"],
  ["Pages inactive", "inactive"],
  ["Pages speculative", "speculative"],
  ["Pages throttled", "throttled"],
  ["Pages wired down", "wired"],
  ["Pages purgeable", "purgeable"],
  ["Translation faults", "faults"],
  ["Pages copy-on-write", "copyOnWrite"],
  ["Pages zero filled", "zeroFilled"],
  ["Pages reactivated", "reactivated"],
  ["Pages purged", "purged"],
  ["File-backed pages", "fileBacked"],
  ["Anonymous pages", "anonymous"],
  ["Pages stored in compressor", "compressor"],
  ["Pages occupied by compressor", "compressorOccupied"],
  ["Decompressions", "decompressions"],
  ["Compressions", "compressions"],
  ["Pageins", "pageIns"],
  ["Pageouts", "pageOuts"],
  ["Swapins", "swapIns"],
  ["Swapouts", "swapOuts"],
]);

/** Mac OS X 10.8 and older, and machines with memory tagging. */
const unused = new Set([
  "Object cache",
  "Pages tagged",
  "Pages tagged resident",
  "Pages tagged compressed",
  "Pages tag-storage",
  "Pages tag-storage holding tags",
  "Pages tag-storage free",
  "Pages tag-storage non-tag pageable",
  "Pages tag-storage non-tag wired",
  "Bytes of compressed tags",
  "Tagged compressions",
  "Tagged decompressions",
]);

/** A page is in one of these. */
const disjoint: readonly Count[] = [
  "free",
  "active",
  "inactive",
  "speculative",
  "throttled",
  "wired",
  "compressorOccupied",
];
/** Other counts of pages in memory. */
const resident: readonly Count[] = ["purgeable", "fileBacked", "anonymous"];

/** No Mac had more than 1.5 TiB; for a report of a machine whose memory is not known. */
const largestMemory = 2 * 2 ** 40;
/** vm_stat reads its counters one after another, while pages move between them. */
const sumSlack = 1.05;
/** The compressor counts what it holds as it was before, in swap files too, so that memory is no bound. */
const mostCompression = 64;

const header = /\(page size of (\d{1,20}) bytes\)/;
const intervalTitles = /^free\s+active\s/;

/**
 * Reads one report. Without its header the counts have no unit, so that is an error; any line may be missing.
 *
 * @param memoryBytes of the machine that the report is of
 */
export function parseVmStat(
  text: string | Uint8Array,
  memoryBytes = largestMemory,
): ParseResult<VmStatSample> {
  const lines = linesOf(text);
  const [first] = lines;
  if (first === undefined) return nothingPrinted("vm_stat");
  if (lines.some((line) => intervalTitles.test(line))) return failed(intervalMode);
  const at = lines.findIndex((line) => header.test(line));
  const pageSizeBytes = Number(header.exec(lines[at] ?? "")?.[1]);
  if (!(pageSizeBytes > 0)) return unexpectedOutput("vm_stat", first, "(page size of N bytes)");
  const log = createFindingLog();
  const sample: Partial<Record<Count, number>> = {};
  for (const line of lines.toSpliced(at, 1)) {
    const row = readLine(line);
    if (row === undefined) log.unknown(line);
    else if (row.count !== undefined) sample[row.count] = row.value;
  }
  const impossible = impossibleCounts(sample, memoryBytes / pageSizeBytes);
  for (const count of impossible) log.implausible(fieldOf(count));
  const names: ReadonlySet<string> = impossible;
  const kept = Object.entries(sample).filter(([count]) => !names.has(count));
  return parsed({ pageSizeBytes, ...Object.fromEntries(kept), findings: log.findings() });
}

/** A kernel counter that went wrong shows as more pages than there are, and so does the "free" that vm_stat subtracts from it. */
function impossibleCounts(
  sample: Readonly<Partial<Record<Count, number>>>,
  mostPages: number,
): ReadonlySet<Count> {
  const exceeds = (count: Count, most: number): boolean => (sample[count] ?? 0) > most;
  const impossible = new Set([...disjoint, ...resident].filter((count) => exceeds(count, mostPages)));
  if (exceeds("compressor", mostPages * mostCompression)) impossible.add("compressor");
  const others = disjoint.filter((count) => sample[count] !== undefined && !impossible.has(count));
  const sum = others.reduce((total, count) => total + (sample[count] ?? 0), 0);
  // Nothing says which of them is wrong.
  return sum > mostPages * sumSlack ? new Set([...impossible, ...others]) : impossible;
}

/** `Pages wired down` → `pages_wired_down`. */
function fieldOf(count: Count): string {
  const label = [...counts].find(([, one]) => one === count)?.[0] ?? count;
  return label.toLowerCase().replaceAll(/[^a-z]+/g, "_");
}

const intervalMode = {
  kind: "content",
  message:
    "unexpected vm_stat output: got its interval table, want one report (run vm_stat without an interval)",
} as const;

/** Undefined for a line that is not known. The dot behind a value means nothing. */
function readLine(line: string): { readonly count: Count | undefined; readonly value: number } | undefined {
  const colon = line.lastIndexOf(":");
  const label = line.slice(0, Math.max(0, colon)).trim().replaceAll('"', "");
  const digits = /^(\d{1,20})\.?$/.exec(line.slice(colon + 1).trim())?.[1];
  const count = counts.get(label);
  if (count !== undefined && digits !== undefined) return { count, value: Number(digits) };
  return unused.has(label) ? { count: undefined, value: 0 } : undefined;
}
