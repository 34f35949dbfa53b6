/** The simulator's own flags, which no Apple tool has: taken out of the arguments before a tool sees them. */
import { chips, defaultChip } from "./chips.ts";
import { faultNames, parseFault, type Fault } from "./faults.ts";
import type { Host } from "./mac.ts";

export interface Settings {
  readonly host: Host;
  /** Where simulated time begins, milliseconds since the Unix epoch; the clock's own time when absent. */
  readonly startMs?: number;
  /** Whether the tool waits for its windows to pass. */
  readonly paced: boolean;
  /** How many tasks a document lists. */
  readonly tasks: number;
  readonly faults: readonly Fault[];
}

type Configured = { readonly settings: Settings; readonly rest: readonly string[] } | Problem;

const valued = ["--chip", "--os", "--seed", "--start", "--tasks", "--fault"] as const;
type ValuedFlag = (typeof valued)[number];

/**
 * @param tool whose faults count: see `Fault`.
 * @param preset the same flags in one string, as MAC_POWERMETRICS_SIMULATE holds them; flags in `argv` win.
 */
export function configure(tool: string, argv: readonly string[], preset = ""): Configured {
  const flags: Flags = { values: new Map(), faults: [], paced: true };
  const ours = takeFlags(
    preset.split(/\s+/).filter((word) => word !== ""),
    flags,
  );
  if ("problem" in ours) return ours;
  if (ours.rest[0] !== undefined) return { problem: `unexpected simulator flag: ${ours.rest[0]}` };
  const theirs = takeFlags(argv, flags);
  if ("problem" in theirs) return theirs;
  const settings = interpret(tool, flags);
  return "problem" in settings ? settings : { settings, rest: theirs.rest };
}

interface Flags {
  readonly values: Map<ValuedFlag, string>;
  readonly faults: string[];
  paced: boolean;
}

interface Problem {
  readonly problem: string;
}

/** Adds the simulator's flags to `flags` and leaves the rest. */
function takeFlags(words: readonly string[], flags: Flags): { readonly rest: readonly string[] } | Problem {
  const rest: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const [name = "", ...joined] = word.split("=");
    const flag = valued.find((it) => it === name);
    if (word === "--no-pace") flags.paced = false;
    else if (flag === undefined) rest.push(word);
    else {
      const value = joined.length > 0 ? joined.join("=") : words[++index];
      if (value === undefined) return { problem: `${flag} must have a value` };
      if (flag === "--fault") flags.faults.push(value);
      else flags.values.set(flag, value);
    }
  }
  return { rest };
}

function interpret(tool: string, { values, faults: faultTexts, paced }: Flags): Settings | Problem {
  const chipName = values.get("--chip") ?? defaultChip;
  const chip = Object.hasOwn(chips, chipName) ? chips[chipName] : undefined;
  if (chip === undefined) return mustBeOneOf("--chip", Object.keys(chips), chipName);
  const os = values.get("--os") ?? chip.os;
  if (!/^\d+(\.\d+){0,2}$/.test(os)) return { problem: `--os must be a version such as 26.4, got ${os}` };
  const seed = Number(values.get("--seed") ?? 1);
  if (!Number.isSafeInteger(seed))
    return { problem: `--seed must be an integer, got ${values.get("--seed")}` };
  const tasks = Number(values.get("--tasks") ?? 25);
  if (!Number.isInteger(tasks) || tasks < 0)
    return { problem: `--tasks must be a count, got ${values.get("--tasks")}` };
  const start = values.get("--start");
  const startMs = start === undefined ? undefined : parseStart(start);
  if (startMs !== undefined && Number.isNaN(startMs)) {
    return { problem: `--start must be an ISO date or seconds since 1970, got ${start}` };
  }
  const faults: Fault[] = [];
  for (const text of faultTexts) {
    const fault = parseFault(text);
    if (fault === undefined) return mustBeOneOf("--fault", faultNames, text);
    if (fault.tool === undefined || fault.tool === tool) faults.push(fault);
  }
  return { host: { chip, os, seed }, ...(startMs !== undefined && { startMs }), paced, tasks, faults };
}

function mustBeOneOf(flag: string, known: readonly string[], got: string): Problem {
  return { problem: `${flag} must be one of ${known.join(", ")}, got ${got}` };
}

function parseStart(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}
