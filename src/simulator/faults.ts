/** What can go wrong on request: `--fault [TOOL:]KIND[@DOCUMENT]`, documents of the stream counted from 1. */
import type { ToolIo } from "./simulate.ts";
import type { AppleChip, Chip } from "./mac.ts";
import type { ClusterState, SiliconState } from "./silicon.ts";

const kinds = [
  // powermetrics, before the stream
  "not-root",
  "unknown-sampler",
  // powermetrics, in the stream
  "stall",
  "truncate",
  "garbage",
  "abort",
  "sleep-gap",
  "sleep-gap-spanned",
  "zero-power",
  "parked-core",
  "busy-cores",
  "huge",
  "unescaped",
  // the polled tools
  "fail",
  "empty",
  "hang",
  "glitch",
  // ioreg
  "ghost",
  "stuck",
  "reset",
] as const;

export type FaultKind = (typeof kinds)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** The tool that goes wrong; every one that knows the fault when absent. */
  readonly tool?: string;
  /** Without it the fault takes its usual course, see below. */
  readonly document?: number;
}

/** Reads `[TOOL:]KIND[@DOCUMENT]`; nothing when the text names no fault. */
export function parseFault(text: string): Fault | undefined {
  const match = /^(?:([a-z_]+):)?([a-z-]+)(?:@([1-9]\d*))?$/.exec(text);
  const [, tool, name, document] = match ?? [];
  const kind = kinds.find((it) => it === name);
  if (kind === undefined) return undefined;
  return {
    kind,
    ...(tool !== undefined && { tool }),
    ...(document !== undefined && { document: Number(document) }),
  };
}

export const faultNames: readonly string[] = kinds;

export function hasFault(faults: readonly Fault[], kind: FaultKind): boolean {
  return faults.some((fault) => fault.kind === kind);
}

/** Faults that end or interrupt the stream strike once, at the second document unless asked otherwise. */
export function strikesAt(faults: readonly Fault[], kind: FaultKind, document: number): boolean {
  return faults.some((fault) => fault.kind === kind && (fault.document ?? 2) === document);
}

/** Faults of a document's content strike the one named, or every one. */
export function spoils(faults: readonly Fault[], kind: FaultKind, document: number): boolean {
  return faults.some((fault) => fault.kind === kind && (fault.document ?? document) === document);
}

/** Faults that last strike from the document named on, or from the second. */
function lastsAt(faults: readonly Fault[], kind: FaultKind, document: number): boolean {
  return faults.some((fault) => fault.kind === kind && document >= (fault.document ?? 2));
}

/** Of a tool that prints one answer: hangs, prints nothing or fails. The exit code; undefined when no such fault was asked for. */
export async function misbehave(
  faults: readonly Fault[],
  complaint: string,
  io: ToolIo,
): Promise<number | undefined> {
  if (hasFault(faults, "hang")) await io.forever();
  if (hasFault(faults, "hang") || hasFault(faults, "empty")) return 0;
  if (!hasFault(faults, "fail")) return undefined;
  await io.stderr.write(`${complaint}\n`);
  return 1;
}

interface Spoiled {
  readonly host: { readonly chip: Chip };
  readonly faults: readonly Fault[];
  readonly number: number;
}

/** The faults that change what a document says of the chip. */
export function spoilSilicon(state: SiliconState, { host, faults, number }: Spoiled): SiliconState {
  let spoiled = state;
  if (spoils(faults, "zero-power", number)) {
    spoiled = { ...spoiled, cpuMillijoules: 0, gpuMillijoules: 0, aneMillijoules: 0 };
  }
  if (lastsAt(faults, "busy-cores", number))
    spoiled = { ...spoiled, clusters: spoiled.clusters.map(neverIdle) };
  if (lastsAt(faults, "parked-core", number) && host.chip.kind === "apple") {
    const chip = host.chip;
    spoiled = {
      ...spoiled,
      clusters: spoiled.clusters.map((it, index) => (index === 0 ? withoutLastCore(chip, it) : it)),
    };
  }
  return spoiled;
}

/** As M2 on macOS 13: cores at their highest frequency all the time, whatever they did, and the last one without any figure. */
function neverIdle(cluster: ClusterState): ClusterState {
  const cores = cluster.cores.map(({ cpu, residency }, index) => {
    const { megahertz, totalNs } = residency;
    const usedNs = megahertz.map((_, at) => (at === megahertz.length - 1 ? totalNs : 0));
    const last = index === cluster.cores.length - 1;
    return { cpu, residency: { ...residency, usedNs, idleNs: 0, downNs: 0, totalNs: last ? NaN : totalNs } };
  });
  return { ...cluster, cores };
}

/** Switched off where the chip reports that; vanished where it does not. */
function withoutLastCore(chip: AppleChip, cluster: ClusterState): ClusterState {
  const cores = cluster.cores.slice(0, -1);
  const last = cluster.cores.at(-1);
  if (!chip.parks || last === undefined) return { ...cluster, cores };
  const { residency } = last;
  const off = { ...residency, usedNs: residency.usedNs.map(() => 0), idleNs: 0, downNs: residency.totalNs };
  return { ...cluster, cores: [...cores, { ...last, residency: off }] };
}
