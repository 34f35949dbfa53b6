/** The simulated vm_stat: the report since boot in its three layouts (src/parse/README.md, 6). */
import { hasFault } from "./faults.ts";
import { memoryBytes, type Host, osNumber } from "./mac.ts";
import { memoryAt, type Memory } from "./memory.ts";
import type { Settings } from "./settings.ts";
import type { ToolWorld } from "./process.ts";

type Row = readonly [label: string, value: number];

export async function vmStat(argv: readonly string[], settings: Settings, world: ToolWorld): Promise<number> {
  const parsed = parseArguments(argv, settings.host);
  if (parsed === undefined) {
    await world.stderr.write("usage: vm_stat [[-c count] interval]\n");
    return 1;
  }
  const { faults, host } = settings;
  if (hasFault(faults, "fail")) {
    await world.stderr.write("vm_stat: failed to get statistics.  error 5\n");
    return 1;
  }
  if (hasFault(faults, "hang")) await world.forever();
  if (hasFault(faults, "hang") || hasFault(faults, "empty")) return 0;
  const intervalMs = parsed.intervalMs ?? (hasFault(faults, "interval") ? 1000 : undefined);
  if (intervalMs !== undefined) return table(host, intervalMs, parsed.count, world);
  const memory = memoryAt(host, world.clock.now());
  await world.stdout.write(
    report(host, hasFault(faults, "glitch") ? glitched(memory) : memory, parsed.width),
  );
  return 0;
}

/** A kernel counter gone wrong, and the "free" that vm_stat makes of it: free minus speculative, wrapped at 2^32. */
function glitched(memory: Memory): Memory {
  const speculative = 1_072_693_248;
  return { ...memory, speculative, free: 2 ** 32 + memory.free - speculative };
}

interface Arguments {
  readonly intervalMs?: number;
  readonly count: number;
  readonly width: number;
}

/** `--width` is the simulator's own: the label column, which no argument of Apple's changes. */
function parseArguments(argv: readonly string[], host: Host): Arguments | undefined {
  let width = tagsMemory(host) ? 35 : 30;
  let count = Infinity;
  let intervalMs: number | undefined;
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    const number = Number(word === "--width" || word === "-c" ? argv[++index] : word);
    if (!Number.isFinite(number) || number <= 0) return undefined;
    if (word === "--width") width = number;
    else if (word === "-c") count = number;
    else intervalMs = number * 1000;
  }
  return { width, count, ...(intervalMs !== undefined && { intervalMs }) };
}

function tagsMemory({ chip, os }: Host): boolean {
  return chip.kind === "apple" && chip.tagsMemory === true && osNumber(os) >= osNumber("27.0");
}

function report(host: Host, memory: Memory, width: number): string {
  const old = width < 30;
  const rows = [
    ...(old ? rows10_8(memory) : usualRows(memory)),
    ...(tagsMemory(host) ? tagRows(host, memory) : []),
  ];
  const lines = rows.map(([label, value]) => `${`${label}:`.padEnd(width)} ${String(value).padStart(16)}.`);
  return [
    `Mach Virtual Memory Statistics: (page size of ${memory.pageSize} bytes)`,
    ...lines,
    ...(old ? ["Object cache: 12 hits of 139872 lookups (0% hit rate)"] : []),
    "",
  ].join("\n");
}

function usualRows(memory: Memory): readonly Row[] {
  const { counters } = memory;
  return [
    ["Pages free", memory.free],
    ["Pages active", memory.active],
    ["Pages inactive", memory.inactive],
    ["Pages speculative", memory.speculative],
    ["Pages throttled", 0],
    ["Pages wired down", memory.wired],
    ["Pages purgeable", memory.purgeable],
    ['"Translation faults"', counters.faults],
    ["Pages copy-on-write", counters.copyOnWrite],
    ["Pages zero filled", counters.zeroFilled],
    ["Pages reactivated", counters.reactivated],
    ["Pages purged", counters.purged],
    ["File-backed pages", memory.fileBacked],
    ["Anonymous pages", memory.anonymous],
    ["Pages stored in compressor", memory.storedInCompressor],
    ["Pages occupied by compressor", memory.occupiedByCompressor],
    ["Decompressions", counters.decompressions],
    ["Compressions", counters.compressions],
    ["Pageins", counters.pageIns],
    ["Pageouts", counters.pageOuts],
    ["Swapins", counters.swapIns],
    ["Swapouts", counters.swapOuts],
  ];
}

/** What Mountain Lion and older print, in their narrower column. */
function rows10_8(memory: Memory): readonly Row[] {
  const later = [
    "Pages throttled",
    "Pages purgeable",
    "Pages purged",
    "File-backed pages",
    "Anonymous pages",
  ];
  return usualRows(memory).filter(([label]) => !later.includes(label) && !/compress|Swap/i.test(label));
}

/** Tag storage is a 32nd of the memory. */
function tagRows(host: Host, memory: Memory): readonly Row[] {
  const storage = memoryBytes(host.chip) / 32 / memory.pageSize;
  const resident = Math.floor(memory.anonymous * 0.27);
  const compressed = Math.floor(memory.storedInCompressor * 0.015);
  const holding = Math.floor(resident / 19);
  const free = Math.floor(storage * 0.001);
  return [
    ["Pages tagged", resident + compressed],
    ["Pages tagged resident", resident],
    ["Pages tagged compressed", compressed],
    ["Pages tag-storage", storage],
    ["Pages tag-storage holding tags", holding],
    ["Pages tag-storage free", free],
    ["Pages tag-storage non-tag pageable", storage - holding - free],
    ["Pages tag-storage non-tag wired", 0],
    ["Bytes of compressed tags", compressed * 134],
    ["Tagged compressions", Math.floor(memory.counters.compressions * 0.031)],
    ["Tagged decompressions", Math.floor(memory.counters.decompressions * 0.047)],
  ];
}

interface Column {
  readonly title: string;
  readonly width: number;
  readonly value: (memory: Memory) => number;
  readonly counts: boolean;
}

const columns: readonly Column[] = [
  column("free", 8, false, (it) => it.free),
  column("active", 8, false, (it) => it.active),
  column("specul", 8, false, (it) => it.speculative),
  column("inactive", 8, false, (it) => it.inactive),
  column("throttle", 8, false, () => 0),
  column("wired", 8, false, (it) => it.wired),
  column("prgable", 8, false, (it) => it.purgeable),
  column("faults", 8, true, (it) => it.counters.faults),
  column("copy", 8, true, (it) => it.counters.copyOnWrite),
  column("0fill", 8, true, (it) => it.counters.zeroFilled),
  column("reactive", 8, true, (it) => it.counters.reactivated),
  column("purged", 8, true, (it) => it.counters.purged),
  column("file-backed", 11, false, (it) => it.fileBacked),
  column("anonymous", 9, false, (it) => it.anonymous),
  column("cmprssed", 8, false, (it) => it.storedInCompressor),
  column("cmprssor", 8, false, (it) => it.occupiedByCompressor),
  column("dcomprs", 8, true, (it) => it.counters.decompressions),
  column("comprs", 8, true, (it) => it.counters.compressions),
  column("pageins", 8, true, (it) => it.counters.pageIns),
  column("pageout", 8, true, (it) => it.counters.pageOuts),
  column("swapins", 8, true, (it) => it.counters.swapIns),
  column("swapouts", 8, true, (it) => it.counters.swapOuts),
];

function column(title: string, width: number, counts: boolean, value: (memory: Memory) => number): Column {
  return { title, width, counts, value };
}

/** Counters are deltas after the first row that follows a header; gauges are always absolute. */
async function table(host: Host, intervalMs: number, count: number, world: ToolWorld): Promise<number> {
  let last: Memory | undefined;
  for (let row = 0; row < count && !world.signal.aborted; row++) {
    const memory = memoryAt(host, world.clock.now());
    const before = row % 21 === 0 ? undefined : last;
    const text = (row % 21 === 0 ? tableHeader(memory) : "") + tableRow(memory, before);
    if (!(await world.stdout.write(text))) return 141;
    last = memory;
    if (row + 1 < count) await world.clock.sleep(intervalMs, world.signal);
  }
  return 0;
}

function tableHeader(memory: Memory): string {
  const titles = columns.map(({ title, width }) => title.padStart(width)).join(" ");
  return `Mach Virtual Memory Statistics: (page size of ${memory.pageSize} bytes)\n${titles} \n`;
}

function tableRow(memory: Memory, before: Memory | undefined): string {
  const cells = columns.map(({ width, counts, value }) => {
    const figure = value(memory) - (counts && before !== undefined ? value(before) : 0);
    return shortened(figure, width).padStart(width);
  });
  return `${cells.join(" ")} \n`;
}

function shortened(figure: number, width: number): string {
  const suffixes = ["", "K", "M", "G"];
  let text = String(figure);
  for (let step = 1; text.length > width && step < suffixes.length; step++) {
    text = `${Math.floor(figure / 1000 ** step)}${suffixes[step] ?? ""}`;
  }
  return text;
}
