/** The simulated vm_stat: the report since boot in its three layouts (src/parse/README.md, 6). */
import { hasFault, misbehave } from "./faults.ts";
import { memoryBytes, type Host, osNumber } from "./mac.ts";
import { memoryAt, type Memory } from "./memory.ts";
import type { Settings } from "./settings.ts";
import type { ToolIo } from "./simulate.ts";

type Row = readonly [label: string, value: number];

export async function vmStat(
  argv: readonly string[],
  { host, faults }: Settings,
  io: ToolIo,
): Promise<number> {
  const width = labelWidth(argv, host);
  if (width === undefined) {
    await io.stderr.write("usage: vm_stat, without an interval\n");
    return 1;
  }
  const fault = await misbehave(faults, "vm_stat: failed to get statistics.  error 5", io);
  if (fault !== undefined) return fault;
  const memory = memoryAt(host, io.clock.now());
  await io.stdout.write(report(host, hasFault(faults, "glitch") ? glitched(memory) : memory, width));
  return 0;
}

/** A kernel counter gone wrong, and the "free" that vm_stat makes of it: free minus speculative, wrapped at 2^32. */
function glitched(memory: Memory): Memory {
  const speculative = 1_072_693_248;
  return { ...memory, speculative, free: 2 ** 32 + memory.free - speculative };
}

/** `--width` is the simulator's own: the label column, which no argument of Apple's changes. Undefined for any other argument. */
function labelWidth(argv: readonly string[], host: Host): number | undefined {
  const [option, width = ""] = argv;
  if (option === undefined) return tagsMemory(host) ? 35 : 30;
  return option === "--width" && /^[1-9]\d?$/.test(width) && argv.length === 2 ? Number(width) : undefined;
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
