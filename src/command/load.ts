/** Loads the configuration for commands, and decides when the simulator stands in for the tools. */
import type { Plain } from "../config/field.ts";
import { loadConfiguration, type Loaded, type LoadContext, type Refused } from "../config/load.ts";
import { formatProblem, inReadingOrder } from "../config/problem.ts";
import type { Configuration } from "../config/schema.ts";
import { defined } from "../runtime/defined.ts";
import { systemNames } from "../source/system-name.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

/** What the commands about configuration are given. */
export interface ConfigContext extends Omit<LoadContext, "path" | "flags"> {
  stdout(text: string): void;
  stderr(text: string): void;
}

/** Where a command finds its configuration. */
export interface ConfigChoice {
  /** `--config`. */
  readonly config?: string;
  /** Values from the command line by dotted path. */
  readonly flags?: LoadContext["flags"];
}

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
  /** HTTPS_PROXY and its like, of the environment or of mdm.env. */
  readonly proxies: Loaded["proxies"];
  /** The configuration as a file would write it, secrets hidden. */
  readonly printable: Plain;
}

/** The configuration to run with, or the exit code after everything wrong with it was printed. */
export async function prepare(choice: RunChoice, context: CommandContext): Promise<Prepared | ExitCode> {
  const loaded = await loadCompiled(loadContext(choice, context));
  if (!loaded.ok) return refuse(loaded, context);
  const simulated =
    choice.simulate === "always" || (choice.simulate === "auto" && cannotAskMac(loaded, context));
  const { configuration, warnings, file, printable, proxies } = loaded;
  return {
    printable,
    proxies,
    configuration: simulated ? withSimulator(configuration, context.self) : configuration,
    warnings,
    simulated,
    ...defined({ file }),
  };
}

function cannotAskMac({ configuration }: Loaded, context: CommandContext): boolean {
  return context.platform !== "darwin" || (configuration.sources.powermetrics.enabled && context.uid !== 0);
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

/** With this command's choice of a configuration. */
export function loadContext({ config, flags = {} }: ConfigChoice, context: ConfigContext): LoadContext {
  const systemName = context.systemName ?? systemNames(context.platform);
  return { ...context, systemName, flags, ...defined({ path: config }) };
}

/** The installed configuration as the daemon reads it, which sees none of this shell's variables. */
export function loadInstalled(config: string, context: ConfigContext): Loaded | Refused {
  return loadConfiguration({ ...loadContext({ config }, context), env: {} });
}

/** What applies where the installed configuration is refused or may not be read. @throws Error for a bug: defaults are valid */
export function loadDefaults(context: ConfigContext): Loaded {
  const loaded = loadInstalled("/defaults.yaml", { ...context, readFile: () => Buffer.alloc(0) });
  if (loaded.ok) return loaded;
  throw new Error(`cannot use the defaults: ${loaded.problems.map(formatProblem).join(", ")}`);
}

/** Reports every warning and every problem, one a line. */
export function refuse({ problems, warnings }: Refused, context: Pick<ConfigContext, "stderr">): ExitCode {
  for (const warning of warnings) context.stderr(`warning: ${warning}\n`);
  for (const problem of problems) context.stderr(`${formatProblem(problem)}\n`);
  return exitCode.badConfiguration;
}

/** As `loadConfiguration`, an expression that RE2 refuses being one more problem. */
export async function loadCompiled(context: LoadContext): Promise<Loaded | Refused> {
  const loaded = loadConfiguration(context);
  if (loaded.expressions.length === 0) return loaded;
  const { compilePattern } = await import("../sink/relabel/pattern.ts");
  const problems = loaded.expressions.flatMap(({ text, path, origin }) => {
    const compiled = compilePattern(text);
    return compiled.ok ? [] : [{ origin, path, message: compiled.error }];
  });
  if (problems.length === 0) return loaded;
  const { expressions, file, warnings } = loaded;
  const all = [...(loaded.ok ? [] : loaded.problems), ...problems];
  return {
    ok: false,
    problems: inReadingOrder(all),
    warnings,
    expressions,
    ...defined({ file }),
  };
}
