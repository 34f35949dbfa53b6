/**
 * Reads the command line of `run` as launchd and most people write it, without the grammar of program.ts, which takes
 * 10 ms to load.
 */
import type { RunArguments } from "./program.ts";

const named: ReadonlySet<string> = new Set(["--config", "--pid-file", "--log-file"]);

/** What the grammar makes of the same arguments; undefined for everything that is not plain, wrong calls and help among it. */
export function plainArguments(args: readonly string[]): RunArguments | undefined {
  const values = new Map<string, string>();
  for (let rest = args; rest.length > 0;) {
    const [option = "", value] = rest;
    const taken = valueOf(option, value);
    if (taken === undefined) return undefined;
    values.set(option, taken);
    rest = rest.slice(taken === value ? 2 : 1);
  }
  return chosen(values);
}

/** Undefined unless it can't be read in two ways. */
function valueOf(option: string, next: string | undefined): string | undefined {
  const value = next?.startsWith("-") === true ? undefined : next;
  if (named.has(option)) return value === "" ? undefined : value;
  if (option !== "--simulate") return undefined;
  if (value === undefined) return "always";
  return value === "always" || value === "auto" ? value : undefined;
}

function chosen(values: ReadonlyMap<string, string>): RunArguments {
  const names = ["--config", "--simulate", "--pid-file", "--log-file"];
  const [config, simulate, pidFile, logFile] = names.map((name) => values.get(name));
  return {
    choice: {
      ...(config !== undefined && { config }),
      ...(simulate !== undefined && { simulate: simulate === "auto" ? "auto" : "always" }),
      flags: {},
    },
    ...(pidFile !== undefined && { pidFile }),
    ...(logFile !== undefined && { logFile }),
  };
}
