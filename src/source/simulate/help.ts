/** Owns the help text of the simulated powermetrics: what scripts read of the real one, and what the simulator adds. */
import { chips } from "./chips.ts";
import { faultNames } from "./faults.ts";
import type { Host } from "./host.ts";
import { osNumber } from "./os-version.ts";
import { describeSampler, samplersOf } from "./samplers.ts";

type Row = readonly [option: string, meaning: string];

/** macOS 12 renamed three options (FORMATS.md, section 2). */
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
