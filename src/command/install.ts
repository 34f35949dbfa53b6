/** `install`: what is copied, what is refused before anything is touched, and what is printed. */
import { realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, resolve } from "node:path";
import { environmentFileOf } from "../config/env-file.ts";
import { loadConfiguration } from "../config/load.ts";
import type { Configuration } from "../config/schema.ts";
import { install as installAgent, type InstallOutcome } from "../daemon/install.ts";
import { endpointProbe, firstSampleMs, jobProbe, type ReadyProbe } from "../daemon/ready.ts";
import { runtimeObjection, prepareVersion, type PreparedVersion, type Release } from "../daemon/version.ts";
import type { Layout } from "../daemon/layout.ts";
import { starterEnvironment, starterFile } from "../daemon/launchd-files.ts";
import type { StepReport } from "../daemon/step.ts";
import type { System } from "../daemon/system.ts";
import { causeOf } from "../runtime/cause.ts";
import { loadContext, refuse } from "./load.ts";
import { openSystem } from "./system.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export interface InstallArguments {
  readonly dryRun?: boolean;
  /** Everything under this folder, tools included; for tests and images. */
  readonly prefix?: string;
  /** Becomes the configuration where there is none yet. */
  readonly config?: string;
  /** The runtime to copy instead of the one that runs this. */
  readonly node?: string;
  /** How long the new version may take to become ready, milliseconds. */
  readonly timeout: number;
}

/** 0 installed, 1 failed or rolled back, 69 not a Mac, 77 not root, 78 bad configuration. */
export async function install(options: InstallArguments, context: CommandContext): Promise<ExitCode> {
  const { dryRun = false } = options;
  const objection = objectionTo(options, context, "install");
  if (objection !== undefined) return refuseWith(objection, context);
  const system = openSystem(resolvePrefix(options.prefix, context), context);
  const settled = settle(options, system, context);
  if (typeof settled === "number") return settled;
  const version = prepare(options, system, context);
  if (typeof version === "string") {
    context.stderr(`${version}\n`);
    return exitCode.failure;
  }
  const { configuration, text, environment } = settled;
  const outcome = await installAgent(
    {
      version,
      account: configuration.run_as,
      configuration: text,
      environment,
      probe: probeOf(configuration, system),
      readyTimeoutMs: Math.max(options.timeout, firstSampleMs(configuration)),
    },
    system,
    { dryRun, report: reporter(context) },
  );
  return conclude(outcome, dryRun, system, context);
}

export function probeOf(configuration: Configuration, system: System): ReadyProbe {
  return configuration.web.enabled ? endpointProbe(configuration, system) : jobProbe(system);
}

interface Objection {
  readonly code: ExitCode;
  readonly message: string;
}

/** What `install` and `uninstall` need: a Mac and root, unless a prefix stands in, or nothing is to be changed. */
export function objectionTo(
  { prefix, dryRun }: { readonly prefix?: string; readonly dryRun?: boolean },
  { platform, uid }: CommandContext,
  verb: string,
): Objection | undefined {
  if (prefix !== undefined || dryRun === true) return undefined;
  if (platform !== "darwin") {
    return {
      code: exitCode.noPowermetrics,
      message: `cannot ${verb} here: launchd comes with macOS only; --dry-run shows the steps, --prefix works in a folder`,
    };
  }
  if (uid === 0) return undefined;
  return {
    code: exitCode.notRoot,
    message: `cannot ${verb} without root: run sudo mac-powermetrics-agent ${verb}`,
  };
}

export function refuseWith({ code, message }: Objection, context: CommandContext): ExitCode {
  context.stderr(`${message}\n`);
  return code;
}

export function resolvePrefix(prefix: string | undefined, { cwd }: CommandContext): string {
  return prefix === undefined ? "" : resolve(cwd, prefix);
}

interface Chosen {
  readonly configuration: Configuration;
  readonly text: string;
  /** Of the file of variables beside it. */
  readonly environment: string;
}

/** The configuration that will be in force and, where there is none, its text; checked as if it lay in its place already. */
function settle(
  { config, prefix }: InstallArguments,
  { layout }: System,
  context: CommandContext,
): Chosen | ExitCode {
  const exists = context.fileExists(layout.config);
  if (exists && config !== undefined)
    context.stderr(`warning: ${layout.config} is kept as it is, ${config} is not looked at\n`);
  let text: string;
  let environment: string;
  try {
    environment = environmentFor(config, layout, context);
    const path = exists ? layout.config : config === undefined ? undefined : resolve(context.cwd, config);
    text = path === undefined ? starterFile(layout) : Buffer.from(context.readFile(path)).toString("utf8");
  } catch (error) {
    return refuseWith(
      {
        code: exitCode.badConfiguration,
        message: `cannot read ${config ?? layout.config}: ${causeOf(error)}`,
      },
      context,
    );
  }
  const daemonContext = {
    ...loadContext({ config: layout.config }, context),
    // The daemon sees none of this shell's variables.
    env: {},
    uid: 0,
    readFile(path: string) {
      if (path === layout.config) return Buffer.from(text);
      return path === layout.environment ? Buffer.from(environment) : context.readFile(path);
    },
  };
  const loaded = loadConfiguration(
    prefix === undefined ? { ...daemonContext, platform: "darwin" } : daemonContext,
  );
  if (!loaded.ok) return refuse(loaded, context);
  for (const warning of loaded.warnings) context.stderr(`warning: ${warning}\n`);
  return { configuration: loaded.configuration, text, environment };
}

/** What lies there already, what lies beside the configuration to install, or an explanation. */
function environmentFor(config: string | undefined, layout: Layout, context: CommandContext): string {
  const given = config === undefined ? [] : [environmentFileOf(resolve(context.cwd, config))];
  const found = [layout.environment, ...given].find((path) => context.fileExists(path));
  return found === undefined ? starterEnvironment : Buffer.from(context.readFile(found)).toString("utf8");
}

/** The version to install, or what keeps us from it. */
function prepare(
  { node }: InstallArguments,
  system: System,
  context: CommandContext,
): PreparedVersion | string {
  const release = releaseOf(node, context);
  if (typeof release === "string") return release;
  const objection = runtimeObjection(release.node);
  if (objection !== undefined) return objection;
  try {
    return prepareVersion(release, system);
  } catch (error) {
    return `cannot read ${release.bundle} and ${release.node}: ${causeOf(error)}`;
  }
}

function releaseOf(node: string | undefined, { self, cwd, version }: CommandContext): Release | string {
  const [runtime = ""] = self;
  const script = self.at(-1) ?? "";
  try {
    const cli = realpathSync(isAbsolute(script) ? script : resolve(cwd, script));
    if (basename(cli) !== "cli.js")
      return `cannot install from source: run npm run build and then node dist/cli.js install, got ${cli}`;
    return {
      version,
      bundle: dirname(cli),
      node: realpathSync(node === undefined ? runtime : resolve(cwd, node)),
    };
  } catch (error) {
    return `cannot find program or runtime: ${causeOf(error)}`;
  }
}

/** One line a step, on standard output: a script can read what was done. Warnings go to standard error. */
export function reporter({
  stdout,
  stderr,
}: Pick<CommandContext, "stdout" | "stderr">): (report: StepReport) => void {
  const words = { done: "done", already: "ok", would: "would", kept: "keep", failed: "failed" } as const;
  return ({ describe, status, warning }) => {
    stdout(`${words[status].padEnd(6)} ${describe}\n`);
    if (warning !== undefined) stderr(`warning: ${warning}\n`);
  };
}

function conclude(
  outcome: InstallOutcome,
  dryRun: boolean,
  { layout }: System,
  context: CommandContext,
): ExitCode {
  switch (outcome.status) {
    case "installed":
      if (!dryRun) context.stdout(`installed; configuration is ${layout.config}\n`);
      return exitCode.ok;
    case "failed":
      context.stderr(
        `${outcome.failure}\nsee mac-powermetrics-agent logs and mac-powermetrics-agent doctor\n`,
      );
      return exitCode.failure;
    case "rolled_back":
      context.stderr(`${outcome.failure}\nwent back to ${outcome.to}, which is ready\n`);
      return exitCode.failure;
  }
}
