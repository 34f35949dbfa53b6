/** Owns how commands that read the sources come by their configuration, and when the simulator stands in for the tools. */
import type { Plain } from "../config/field.ts";
import { loadConfiguration, type Loaded, type Refused } from "../config/load.ts";
import type { Configuration } from "../config/schema.ts";
import { loadWorld, refuse, type ConfigChoice } from "./config.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import type { World } from "./world.ts";

/** `always`, or `auto`: where there is no Mac with root to ask. */
export type SimulateChoice = "always" | "auto" | undefined;

export interface RunChoice extends ConfigChoice {
  readonly simulate?: SimulateChoice;
}

export interface Prepared {
  readonly configuration: Configuration;
  readonly warnings: readonly string[];
  readonly file?: string;
  readonly simulated: boolean;
  /** The configuration as a file would write it, secrets hidden. */
  readonly printable: Plain;
}

/** The configuration to run with, or the exit code after everything wrong with it was told. */
export function prepare(choice: RunChoice, world: World): Prepared | ExitCode {
  const prepared = tryToPrepare(choice, world);
  return "problems" in prepared ? refuse(prepared, world) : prepared;
}

/** The same without a word: for a reload, whose problems go to the log. */
export function tryToPrepare(choice: RunChoice, world: World): Prepared | Refused {
  const loaded = loadConfiguration(loadWorld(choice, world));
  if (!loaded.ok) return loaded;
  const simulated =
    choice.simulate === "always" || (choice.simulate === "auto" && cannotAskMac(loaded, world));
  const { configuration, warnings, file, printable } = loaded;
  return {
    printable,
    configuration: simulated ? withSimulator(configuration, world.self) : configuration,
    warnings,
    simulated,
    ...(file !== undefined && { file }),
  };
}

function cannotAskMac({ configuration }: Loaded, world: World): boolean {
  return world.platform !== "darwin" || (configuration.sources.powermetrics.enabled && world.uid !== 0);
}

/** Every tool is this program again, which impersonates it. */
function withSimulator(configuration: Configuration, self: readonly string[]): Configuration {
  const { powermetrics, vm_stat, sysctl, pmset } = configuration.sources;
  const command = (tool: string): readonly string[] => [...self, "simulate", tool];
  return {
    ...configuration,
    sources: {
      powermetrics: { ...powermetrics, command: command("powermetrics") },
      vm_stat: { ...vm_stat, command: command("vm_stat") },
      sysctl: { ...sysctl, command: command("sysctl") },
      pmset: { ...pmset, command: command("pmset") },
    },
  };
}

/** What stands between us and real samples, with the exit code for it; absent when nothing does. */
export function obstacle(
  { configuration, simulated }: Prepared,
  world: World,
): { readonly code: ExitCode; readonly message: string } | undefined {
  const { enabled, command, interval } = configuration.sources.powermetrics;
  const [program = ""] = command;
  if (simulated || !enabled) return undefined;
  if (!world.fileExists(program)) {
    return {
      code: exitCode.noPowermetrics,
      message:
        `cannot find ${program}: powermetrics comes with macOS only; ` +
        "use --simulate to try the agent here, or turn sources.powermetrics.enabled off",
    };
  }
  // A wrapper such as [/usr/bin/sudo, -n, /usr/bin/powermetrics] brings root along itself.
  if (world.uid !== 0 && program.endsWith("/powermetrics")) {
    return {
      code: exitCode.notRoot,
      message:
        `cannot run ${program} without root; either install the daemon (sudo mac-powermetrics-agent install), ` +
        "or run this with sudo, or set sources.powermetrics.command to " +
        `["/usr/bin/sudo", "-n", "${program}"] and add to sudoers: ${sudoersLine(program, interval)}`,
    };
  }
  return undefined;
}

/** Just what the agent asks: its list of samplers, and one stream. Tasks add arguments, for which the last * stands. */
function sudoersLine(program: string, interval: number): string {
  return `%admin ALL=(root) NOPASSWD: ${program} --help, ${program} -f plist -i ${Math.round(interval)} -s *`;
}
