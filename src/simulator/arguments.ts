/** The command line of the simulated powermetrics: its arguments in all their spellings, its samplers, and its help text (src/parse/README.md, 5). */
import { chips } from "./chips.ts";
import { faultNames } from "./faults.ts";
import { osNumber, type Chip, type Host } from "./mac.ts";

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

/** Long names of options with a value; macOS 12 renamed some. */
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

type Row = readonly [option: string, meaning: string];

/** macOS 12 renamed three options. */
function options(os: string): readonly Row[] {
  const renamed = osNumber(os) >= osNumber("12.0");
  return [
    ["-h | --help", "show this message"],
    ["-s | --samplers <samplers>", "samplers and sampler groups, separated by commas"],
    [
      renamed ? "-o | --output-file <file>" : "-u | --output-file <file>",
      "write to a file [default: stdout]",
    ],
    ["-b | --buffer-size <size>", "output buffer (0=none, 1=line)"],
    [
      renamed ? "-i | --sample-rate <N>" : "-i | --sample-interval <N>",
      "one sample every N ms (0=disabled) [default: 5000ms]",
    ],
    ["-n | --sample-count <N>", "stop after N samples (-1=infinite) [default: -1]"],
    [
      renamed ? "-r | --order <method>" : "-o | --order <method>",
      "order of the process list [default: composite]",
    ],
    ["-f | --format <format>", "text or plist [default: text]"],
    ["-a | --poweravg <N>", "power average every N samples (0=disabled) [default: 10]"],
    ["--show-initial-usage", "a first sample for the whole uptime"],
    ["--show-usage-summary", "a last sample for the whole run"],
    ["--show-process-coalition", "group processes by coalition"],
    ["--show-process-gpu", "GPU time of each process"],
    ["--show-process-netstats", "network use of each process"],
    ["--show-process-io", "disk use of each process"],
    ["--show-process-energy", "energy impact of each process"],
    ["--show-all", "all samplers with everything they know"],
    ["--handle-invalid-values", "print invalid=true instead of aborting"],
  ];
}

const simulator: readonly Row[] = [
  ["--chip <name>", "the machine to be, see below"],
  ["--os <version>", "its macOS version"],
  ["--seed <N>", "another machine of the same kind"],
  ["--start <time>", "simulated time begins here"],
  ["--no-pace", "print without waiting for windows to pass"],
  ["--tasks <N>", "how many tasks a document lists"],
  ["--fault <fault>", "go wrong on purpose: [tool:]kind[@document], see below"],
];

/** What scripts read of the real tool's help, and what the simulator adds. */
export function helpText(host: Host): string {
  const groups = samplersOf(host.chip, host.os);
  const samplers = groups.all.map((name): Row => [name, describeSampler(name)]);
  return [
    "Usage: powermetrics [options]",
    "",
    "This is a simulation of the tool of the same name, not Apple's.",
    "",
    "The following command-line options are supported:",
    "",
    ...table(options(host.os), 29),
    "",
    "The following output formats are supported by --format:",
    "",
    ...table([["plist", "machine-readable property list, NUL-separated"]], 12),
    "",
    "The following samplers are supported by --samplers:",
    "",
    ...table(samplers, 18),
    "",
    "and the following sampler groups are supported by --samplers:",
    "",
    ...table(
      [
        ["all", groups.all.join(",")],
        ["default", groups.default.join(",")],
      ],
      14,
    ),
    "",
    "The simulator adds these options:",
    "",
    ...table(simulator, 29),
    "",
    `Chips: ${Object.keys(chips).join(", ")}`,
    `Faults: ${faultNames.join(", ")}`,
    "",
  ].join("\n");
}

function table(rows: readonly Row[], width: number): readonly string[] {
  return rows.map(([option, meaning]) => `    ${option.padEnd(width)}${meaning}`);
}

const described = {
  tasks: "per task cpu usage and wakeup stats",
  battery: "battery and backlight info",
  network: "network usage info",
  disk: "disk usage info",
  int_sources: "interrupt sources information",
  devices: "device power states",
  interrupts: "interrupt distribution",
  cpu_power: "cpu power and frequency info",
  thermal: "thermal pressure notifications",
  sfi: "selective forced idle information",
  gpu_power: "gpu power and frequency info",
  gpu_agpm_stats: "Statistics reported by AGPM",
  smc: "SMC sensors",
  gpu_dcc_stats: "gpu duty cycle info",
  nvme_ssd: "NVMe power state information",
  io_throttle_ssd: "IO Throttling information",
  bandwidth: "amc bandwidth counters",
  ane_power: "dedicated rail ane power and frequency info",
} as const;

export type Sampler = keyof typeof described;

const early: readonly Sampler[] = ["tasks", "battery", "network", "disk"];
const middle: readonly Sampler[] = ["interrupts", "cpu_power", "thermal", "sfi", "gpu_power"];
const usual: readonly Sampler[] = [...early, "interrupts", "cpu_power", "gpu_power"];

interface SamplerGroups {
  readonly all: readonly Sampler[];
  readonly default: readonly Sampler[];
}

/** Which samplers powermetrics has on a chip and a macOS version (src/parse/README.md, 5). */
export function samplersOf(chip: Chip, os: string): SamplerGroups {
  if (chip.kind === "intel") {
    const all: Sampler[] = [
      ...early,
      "int_sources",
      ...middle,
      "gpu_agpm_stats",
      "smc",
      "gpu_dcc_stats",
      "nvme_ssd",
      "io_throttle_ssd",
    ];
    return { all, default: [...usual, "gpu_agpm_stats", "smc", "gpu_dcc_stats"] };
  }
  if (osNumber(os) < osNumber("13.0")) {
    return { all: [...early, "int_sources", "devices", ...middle, "bandwidth"], default: usual };
  }
  return { all: [...early, ...middle, "ane_power"], default: usual };
}

function describeSampler(sampler: Sampler): string {
  return described[sampler];
}

type Chosen = { readonly samplers: ReadonlySet<Sampler> } | { readonly unrecognized: string };

/** Resolves names and groups; the first name that the machine does not have is the tool's complaint. */
export function chooseSamplers(names: readonly string[], groups: SamplerGroups): Chosen {
  const chosen = new Set<Sampler>();
  for (const name of names) {
    const meant =
      name === "all" || name === "default" ? groups[name] : groups.all.filter((it) => it === name);
    if (meant.length === 0) return { unrecognized: name };
    for (const sampler of meant) chosen.add(sampler);
  }
  return { samplers: chosen };
}
