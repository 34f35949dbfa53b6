/** Loads the configuration for commands that read the sources, and decides when the simulator stands in for the tools. */
import type { Plain } from "../config/field.ts";
import type { Loaded } from "../config/load.ts";
import type { Configuration } from "../config/schema.ts";
import { loadWorld, refuse, type ConfigChoice } from "./config.ts";
import type { ExitCode } from "./exit.ts";
import { loadCompiled } from "./expressions.ts";
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

/** The configuration to run with, or the exit code after everything wrong with it was printed. */
export async function prepare(choice: RunChoice, world: World): Promise<Prepared | ExitCode> {
  const loaded = await loadCompiled(loadWorld(choice, world));
  if (!loaded.ok) return refuse(loaded, world);
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
export function withSimulator(configuration: Configuration, self: readonly string[]): Configuration {
  const { powermetrics, vm_stat, sysctl, pmset, ioreg } = configuration.sources;
  const command = (tool: string): readonly string[] => [...self, "simulate", tool];
  return {
    ...configuration,
    sources: {
      powermetrics: { ...powermetrics, command: command("powermetrics") },
      vm_stat: { ...vm_stat, command: command("vm_stat") },
      sysctl: { ...sysctl, command: command("sysctl") },
      pmset: { ...pmset, command: command("pmset") },
      ioreg: { ...ioreg, command: command("ioreg") },
    },
  };
}
