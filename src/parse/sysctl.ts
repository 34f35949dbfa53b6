/**
 * Reads what `sysctl` prints of the names in `sysctlNames`.
 * 2^64 has 20 digits: what has more is no number of the kernel's, and with hundreds of them it would be Infinity.
 */
import { defined } from "../runtime/defined.ts";
import { createFindingLog, type FindingLog } from "./field.ts";
import { linesOf, nothingPrinted, unexpectedOutput, parsed, type ParseResult } from "./result.ts";
import type { SysctlSample } from "./sample.ts";

type Values = Omit<SysctlSample, "findings">;
type Reader = (value: string, log: FindingLog) => Values | undefined;

/** What each name's value says; undefined for a value of another shape. */
const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["vm.swapusage", readSwapUsage],
  ["hw.memsize", readMemorySize],
  ["kern.boottime", readBootTime],
  ["kern.memorystatus_vm_pressure_level", readPressureLevel],
  ["vm.loadavg", readLoadAverages],
  ["machdep.cpu.brand_string", (value) => readName("chip", value)],
  ["kern.osproductversion", (value) => readName("osVersion", value)],
]);

/** What is asked in one run; a name that an older macOS lacks costs its own line only. */
export const sysctlNames: readonly string[] = [...readers.keys()];

const unitBytes: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
};

/** Of memory or swap: ten times what the largest Mac ever had. */
const mostBytes = 16 * 2 ** 40;
/** Hundredths of a mebibyte are printed. */
const swapPrecision = 2 ** 20 / 100;

/** Any line may be missing: an unknown name is a message on standard error, and the others are printed. */
export function parseSysctl(text: string | Uint8Array): ParseResult<SysctlSample> {
  const lines = linesOf(text);
  const [first] = lines;
  if (first === undefined) return nothingPrinted("sysctl");
  const log = createFindingLog();
  const read = lines.map((line) => readLine(line, log));
  if (read.every((values) => values === undefined)) return unexpectedOutput("sysctl", first, "name: value");
  const values = read.reduce<Values>((all, one) => ({ ...all, ...one }), {});
  return parsed({ ...values, findings: log.findings() });
}

function readLine(line: string, log: FindingLog): Values | undefined {
  const [, name = "", value = ""] = /^([\w.]+)\s*[:=]\s*(.*)$/.exec(line) ?? [];
  const values = readers.get(name)?.(value, log);
  if (values === undefined) log.unknown(name === "" ? line : name);
  return values;
}

/** `total = 10240.00M  used = 9689.94M  free = 550.06M  (encrypted)`, each rounded to hundredths of a mebibyte. */
function readSwapUsage(value: string, log: FindingLog): Values | undefined {
  const { total, used, free } = sizesIn(value);
  if (total === undefined && used === undefined && free === undefined) return undefined;
  const swapTotalBytes = log.within("swap_total", total, 0, mostBytes);
  const most = swapTotalBytes === undefined ? mostBytes : swapTotalBytes + swapPrecision;
  return defined({
    swapTotalBytes,
    swapUsedBytes: log.within("swap_used", used, 0, most),
    swapFreeBytes: log.within("swap_free", free, 0, most),
  });
}

function sizesIn(text: string): Readonly<Record<string, number>> {
  const sizes: Record<string, number> = {};
  const pattern = /(?<!\S)(total|used|free) = (\d{1,20}(?:[.,]\d{1,20})?)([BKMGT]?)(?!\S)/g;
  for (const [, name = "", number = "", unit = ""] of text.matchAll(pattern))
    sizes[name] ??= Math.round(Number(number.replace(",", ".")) * (unitBytes[unit] ?? 1));
  return sizes;
}

function readMemorySize(value: string, log: FindingLog): Values | undefined {
  if (!/^\d{1,20}$/.test(value) || Number(value) === 0) return undefined;
  return defined({ memoryBytes: log.within("memory_size", Number(value), 1, mostBytes) });
}

/** `{ sec = 978307216, usec = 0 } Sun Dec 31 19:00:16 2000`: the text is local time, the numbers are UTC. */
function readBootTime(value: string): Values | undefined {
  const [, seconds, micros] = /(?:^|\s)sec = (\d{1,20}), usec = (\d{1,20})(?:[\s}]|$)/.exec(value) ?? [];
  return seconds === undefined
    ? undefined
    : { bootTimeMs: Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) };
}

const pressureLevels = new Set([1, 2, 4]);

function readPressureLevel(value: string, log: FindingLog): Values | undefined {
  if (!/^-?\d+$/.test(value)) return undefined;
  if (pressureLevels.has(Number(value))) return { memoryPressureLevel: Number(value) };
  log.implausible("memory_pressure_level");
  return {};
}

/** No Mac has as many threads. */
const mostLoad = 1e6;

/** `{ 1.41 1.52 1.60 }` */
function readLoadAverages(value: string, log: FindingLog): Values | undefined {
  const loads = /^\{ (\d{1,9}[.,]\d{1,9}) (\d{1,9}[.,]\d{1,9}) (\d{1,9}[.,]\d{1,9}) \}$/.exec(value);
  if (loads === null) return undefined;
  const [one, five, fifteen] = loads
    .slice(1)
    .map((load) => log.within("load_average", Number(load.replace(",", ".")), 0, mostLoad));
  return { loadAverages: defined({ one, five, fifteen }) };
}

/** Becomes a label. */
const longestName = 100;

function readName(key: "chip" | "osVersion", value: string): Values | undefined {
  const name = value.trim().slice(0, longestName).toWellFormed();
  return name === "" ? undefined : { [key]: name };
}
