/** Owns the simulator's own flags, which no Apple tool has: taken out of the arguments before a tool sees them. */
import { chips, defaultChip } from "./chips.ts";
import { faultNames, parseFault, type Fault } from "./faults.ts";
import type { Host } from "./host.ts";

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

export type Configured =
  { readonly settings: Settings; readonly rest: readonly string[] } | { readonly problem: string };

const valued = ["--chip", "--os", "--seed", "--start", "--tasks", "--fault"] as const;
type Flag = (typeof valued)[number];

/**
 * @param preset the same flags in one string, as MAC_POWERMETRICS_SIMULATE holds them; flags in `argv` win.
 */
export function configure(argv: readonly string[], preset = ""): Configured {
  const values = new Map<Flag, string>();
  const faultTexts: string[] = [];
  const rest: string[] = [];
  let paced = true;
  const words = preset.split(/\s+/).filter((word) => word !== "");
  const fromPreset = words.length;
  const all = [...words, ...argv];
  for (let index = 0; index < all.length; index++) {
    const word = all[index] ?? "";
    const [name = "", ...joined] = word.split("=");
    const flag = valued.find((it) => it === name);
    if (word === "--no-pace") paced = false;
    else if (flag !== undefined) {
      const value = joined.length > 0 ? joined.join("=") : all[++index];
      if (value === undefined) return { problem: `${flag} must have a value` };
      if (flag === "--fault") faultTexts.push(value);
      else values.set(flag, value);
    } else if (index < fromPreset) return { problem: `unexpected simulator flag: ${word}` };
    else rest.push(word);
  }
  const settings = interpret(values, faultTexts, paced);
  return "problem" in settings ? settings : { settings, rest };
}

function interpret(
  values: ReadonlyMap<Flag, string>,
  faultTexts: readonly string[],
  paced: boolean,
): Settings | { readonly problem: string } {
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
    faults.push(fault);
  }
  return { host: { chip, os, seed }, ...(startMs !== undefined && { startMs }), paced, tasks, faults };
}

function mustBeOneOf(flag: string, known: readonly string[], got: string): { readonly problem: string } {
  return { problem: `${flag} must be one of ${known.join(", ")}, got ${got}` };
}

function parseStart(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}
