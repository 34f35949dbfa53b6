/** Owns powermetrics' command line: the arguments it knows, in all their spellings. */

export interface Arguments {
  readonly help: boolean;
  readonly format: string;
  /** 0 disables periodic samples. */
  readonly intervalMs: number;
  /** Endless when absent. */
  readonly count?: number;
  /** Names as given; nothing when not given. */
  readonly samplers?: readonly string[];
  readonly all: boolean;
  readonly coalitions: boolean;
  readonly initialUsage: boolean;
  readonly usageSummary: boolean;
}

type ParsedArguments = { readonly arguments: Arguments } | { readonly problem: string };

/** Long names of options with a value; macOS 12 renamed some (FORMATS.md, section 2). */
const valued: Readonly<Record<string, string>> = {
  "--poweravg": "a",
  "--buffer-size": "b",
  "--format": "f",
  "--sample-rate": "i",
  "--sample-interval": "i",
  "--sample-count": "n",
  "--output-file": "o",
  "--order": "r",
  "--samplers": "s",
  "--wakeup-cost": "t",
  "--unhide-info": "unhide",
};

const switches: Readonly<Record<string, string>> = { "--help": "h", "--show-all": "A" };
const plainSwitch = /^--(show|hide|handle)-[a-z-]+$/;

export function parseArguments(argv: readonly string[]): ParsedArguments {
  const values = new Map<string, string>();
  const set = new Set<string>();
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? "";
    const option = readOption(word);
    if (option === undefined) return { problem: `unrecognized option: ${word}` };
    if (!option.takesValue) set.add(option.name);
    else {
      const value = option.value ?? argv[++index];
      if (value === undefined) return { problem: `option requires an argument: ${word}` };
      values.set(option.name, value);
    }
  }
  return interpret(values, set);
}

interface Option {
  readonly name: string;
  readonly takesValue: boolean;
  readonly value?: string;
}

/** `--name`, `--name=value`, `-x`, `-xvalue`. */
function readOption(word: string): Option | undefined {
  if (word.startsWith("--")) {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    const short = valued[name];
    if (short !== undefined) {
      return { name: short, takesValue: true, ...(equals >= 0 && { value: word.slice(equals + 1) }) };
    }
    if (equals >= 0 || !(name in switches || plainSwitch.test(name))) return undefined;
    return { name: switches[name] ?? name, takesValue: false };
  }
  const short = /^-([A-Za-z])(.*)$/.exec(word);
  const [, name = "", attached = ""] = short ?? [];
  if ("hAWCO".includes(name) && name !== "" && attached === "") return { name, takesValue: false };
  if (!"abfiunorst".includes(name) || name === "") return undefined;
  return { name, takesValue: true, ...(attached !== "" && { value: attached }) };
}

function interpret(values: ReadonlyMap<string, string>, set: ReadonlySet<string>): ParsedArguments {
  for (const name of ["a", "b", "i", "n"]) {
    const value = values.get(name) ?? "0";
    if (!/^-?\d+$/.test(value)) return { problem: `invalid value for -${name}: ${value}` };
  }
  const intervalMs = Number(values.get("i") ?? 5000);
  if (intervalMs < 0) return { problem: `invalid value for -i: ${intervalMs}` };
  const count = Number(values.get("n") ?? -1);
  const samplers = values.get("s")?.split(",");
  return {
    arguments: {
      help: set.has("h"),
      format: values.get("f") ?? "text",
      intervalMs,
      ...(count > 0 && { count }),
      ...(samplers !== undefined && { samplers }),
      all: set.has("A"),
      coalitions: set.has("A") || set.has("--show-process-coalition"),
      initialUsage: set.has("--show-initial-usage"),
      usageSummary: set.has("--show-usage-summary"),
    },
  };
}
