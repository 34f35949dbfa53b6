/** Owns what can go wrong on request: `--fault [TOOL:]KIND[@DOCUMENT]`, documents of the stream counted from 1. */

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
  "interval",
  "glitch",
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

/** Faults that end or interrupt the stream strike once, at the second document unless told otherwise. */
export function strikesAt(faults: readonly Fault[], kind: FaultKind, document: number): boolean {
  return faults.some((fault) => fault.kind === kind && (fault.document ?? 2) === document);
}

/** Faults of a document's content strike the one named, or every one. */
export function spoils(faults: readonly Fault[], kind: FaultKind, document: number): boolean {
  return faults.some((fault) => fault.kind === kind && (fault.document ?? document) === document);
}

/** Faults that last strike from the document named on, or from the second. */
export function lastsAt(faults: readonly Fault[], kind: FaultKind, document: number): boolean {
  return faults.some((fault) => fault.kind === kind && document >= (fault.document ?? 2));
}
