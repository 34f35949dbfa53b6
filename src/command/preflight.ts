/** What must hold before the agent starts: powermetrics can be run, root trusts every path, and the account of `run_as` exists. */
import { posix } from "node:path";
import { collectorSettings, extraArguments } from "../collection.ts";
import { neededSamplers } from "../collector/index.ts";
import { stateFolder } from "../config/locate.ts";
import type { Configuration } from "../config/schema.ts";
import {
  entrustJournal,
  entrustLog,
  noPrivileges,
  planPrivileges,
  type Privileges,
} from "../daemon/privileges.ts";
import { distrustOf, filesIn, oddFile, type Distrust } from "../daemon/trust.ts";
import { causeOf } from "../runtime/cause.ts";
import { readBounded } from "../runtime/files.ts";
import { silentLogger } from "../runtime/log.ts";
import { chooseSamplers, helpLimits, streamArguments } from "../source/arguments.ts";
import { childEnvironment } from "../source/child.ts";
import type { Prepared } from "./load.ts";
import { toolRunner } from "./system.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

type Start =
  | { readonly ok: true; readonly privileges: Privileges; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly code: ExitCode; readonly problems: readonly string[] };

type Subjects = Pick<Prepared, "configuration" | "file" | "simulated">;

/** Looks for all of it, then gives the account of `run_as` what it will need before anything is opened. */
export async function prepareStart(prepared: Subjects, context: CommandContext): Promise<Start> {
  const obstacle = await preflight(prepared, context);
  if (obstacle !== undefined) return { ok: false, code: obstacle.code, problems: [obstacle.message] };
  const { problems, warnings } = await reportTrust(prepared, context);
  if (problems.length > 0) return { ok: false, code: exitCode.badConfiguration, problems };
  const granted = await preparePrivileges(prepared.configuration, context);
  if (!granted.ok) return { ok: false, code: exitCode.badConfiguration, problems: [granted.message] };
  const { privileges, warning = [] } = granted;
  return { ok: true, privileges, warnings: (context.uid === 0 ? warnings : []).concat(warning) };
}

/** What would keep an agent that runs from starting again with another configuration. */
export async function startProblems(prepared: Subjects, context: CommandContext): Promise<readonly string[]> {
  const { problems } = await reportTrust(prepared, context);
  if (problems.length > 0) return problems;
  const obstacle = await preflight(prepared, context);
  if (obstacle !== undefined) return [obstacle.message];
  const plan = await planOf(prepared.configuration, context);
  return plan.status === "refused" ? [plan.message] : [];
}

/** What stands between us and real samples, with the exit code for it; absent when nothing does. */
export async function preflight(
  { configuration, simulated }: Pick<Prepared, "configuration" | "simulated">,
  context: CommandContext,
): Promise<{ readonly code: ExitCode; readonly message: string } | undefined> {
  const { enabled, command } = configuration.sources.powermetrics;
  const [program = ""] = command;
  if (simulated || !enabled) return undefined;
  if (!context.fileExists(program)) {
    return {
      code: exitCode.noPowermetrics,
      message:
        `cannot find ${program}: powermetrics comes with macOS only; ` +
        "use --simulate to try the agent here, or turn sources.powermetrics.enabled off",
    };
  }
  // A wrapper such as [/usr/bin/sudo, -n, /usr/bin/powermetrics] brings root along itself.
  if (context.uid !== 0 && program.endsWith("/powermetrics")) {
    return {
      code: exitCode.notRoot,
      message:
        `cannot run ${program} without root; either install the daemon (sudo mac-powermetrics-agent install), ` +
        "or run this with sudo, or set sources.powermetrics.command to " +
        `["/usr/bin/sudo", "-n", "${program}"] and add to sudoers: ${await sudoersLine(configuration, context)}`,
    };
  }
  return undefined;
}

/**
 * Each command line that the agent runs here, argument for argument. Any wildcard would also allow `-o FILE`, with which
 * powermetrics writes a file as root.
 */
async function sudoersLine({ sources }: Configuration, context: CommandContext): Promise<string> {
  const { command, interval, samplers } = sources.powermetrics;
  const settings = collectorSettings(sources, false);
  const wanted = samplers === "auto" ? neededSamplers(settings) : samplers;
  const here = await chooseSamplers(
    { command, wanted, log: silentLogger },
    {
      ...helpLimits,
      clock: context.clock,
      environment: childEnvironment(context.env),
      signal: context.signal,
    },
  );
  const stream = { intervalMs: interval, extraArguments: extraArguments(settings) };
  const lines = [
    ["--help"],
    // A powermetrics whose documents come late is started again with its output flushed line by line.
    ...[false, true].map((lineBuffered) => streamArguments(stream, here, lineBuffered)),
  ];
  const commands = lines.map((args) => [...command, ...args].map(escaped).join(" "));
  return `%admin ALL=(root) NOPASSWD: ${commands.join(", ")}`;
}

/** sudoers(5): these characters mean something else in a command's arguments. */
const escaped = (word: string): string => word.replace(/[\\,:= \t*?[\]!]/g, "\\$&");

type Granted =
  | { readonly ok: true; readonly privileges: Privileges; readonly warning?: string }
  | { readonly ok: false; readonly message: string };

/** What somebody else could change of that which the agent acts upon, one line each. */
export interface TrustReport {
  /** Root does not start with them. */
  readonly problems: readonly string[];
  /** Anybody else than root acts for themselves, and so does a simulation that runs and opens nothing which is named in the file. */
  readonly warnings: readonly string[];
}

export async function reportTrust(prepared: Subjects, context: CommandContext): Promise<TrustReport> {
  const { acted, kept } = await findDistrusted(prepared, context);
  if (context.uid !== 0) return { problems: [], warnings: [...acted, ...kept] };
  if (prepared.simulated && !namesFiles(prepared.configuration, context))
    return { problems: kept, warnings: acted };
  return { problems: [...acted, ...kept], warnings: [] };
}

/** Whether root would open a file where the configuration says, and not only in its own folder. */
function namesFiles(configuration: Configuration, context: CommandContext): boolean {
  const { journal, log } = configuration;
  const isElsewhere = posix.dirname(journal.path) !== stateFolder(context);
  return isElsewhere || log.file !== undefined || filesIn(configuration).length > 0;
}

async function findDistrusted(prepared: Subjects, context: CommandContext): Promise<Distrust> {
  const { configuration, simulated } = prepared;
  const file = prepared.file === undefined ? undefined : posix.resolve(context.cwd, prepared.file);
  const subjects = { configuration, file, simulated, webFiles: await webFilesOf(configuration) };
  if (context.uid !== 0) return distrustOf({ ...subjects, keepers: [context.uid], writers: [context.uid] });
  const plan = await planOf(configuration, context);
  const keepers = plan.status === "to_drop" ? [plan.owner.uid] : [];
  return distrustOf({ ...subjects, keepers, writers: [] });
}

/** The parser is loaded only where there is such a file; what is wrong with it is reported by those who use it. */
async function webFilesOf({ web }: Configuration): Promise<readonly string[]> {
  if (!web.enabled || web.config_file === undefined) return [];
  const { parseWebFile } = await import("../config/web-file.ts");
  try {
    const parsed = parseWebFile(web.config_file, readBounded(web.config_file, mostWebBytes));
    return parsed.ok ? filesIn(parsed.config).map(([, path]) => path) : [];
  } catch {
    return [];
  }
}

const mostWebBytes = 1024 * 1024;

async function preparePrivileges(configuration: Configuration, context: CommandContext): Promise<Granted> {
  const { run_as, journal, log } = configuration;
  const odd = oddFile(journal.path);
  if (odd !== undefined) return { ok: false, message: `journal.path: ${odd}` };
  const plan = await planOf(configuration, context);
  switch (plan.status) {
    case "refused":
      return { ok: false, message: plan.message };
    case "kept":
      // Elsewhere root is a developer's, in a container or on a test machine, and there is nothing to install.
      return {
        ok: true,
        privileges: noPrivileges,
        ...(plan.warning !== undefined && context.platform === "darwin" && { warning: plan.warning }),
      };
    case "to_drop":
      break;
  }
  const { privileges, owner } = plan;
  try {
    if (log.file !== undefined) entrustLog(log.file, owner);
    const message = entrustJournal(journal.path, owner, run_as);
    return message === undefined ? { ok: true, privileges } : { ok: false, message };
  } catch (error) {
    return { ok: false, message: `cannot hand journal and log to ${run_as}: ${causeOf(error)}` };
  }
}

function planOf({ run_as }: Configuration, context: CommandContext): ReturnType<typeof planPrivileges> {
  return planPrivileges(run_as, { process, tool: toolRunner(context), uid: context.uid });
}
