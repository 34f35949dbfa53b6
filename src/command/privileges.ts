/** Finds the account that `run` is to become, and gives it what it will need before anything is opened. */
import { posix } from "node:path";
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
import type { Prepared } from "./load.ts";
import { toolRunner } from "./system.ts";
import type { World } from "./world.ts";

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

export async function reportTrust(
  prepared: Pick<Prepared, "configuration" | "file" | "simulated">,
  world: World,
): Promise<TrustReport> {
  const { acted, kept } = await findDistrusted(prepared, world);
  if (world.uid !== 0) return { problems: [], warnings: [...acted, ...kept] };
  if (prepared.simulated && !namesFiles(prepared.configuration, world))
    return { problems: kept, warnings: acted };
  return { problems: [...acted, ...kept], warnings: [] };
}

/** Whether root would open a file where the configuration says, and not only in its own folder. */
function namesFiles(configuration: Configuration, world: World): boolean {
  const { journal, log } = configuration;
  const isElsewhere = posix.dirname(journal.path) !== stateFolder(world);
  return isElsewhere || log.file !== undefined || filesIn(configuration).length > 0;
}

async function findDistrusted(
  prepared: Pick<Prepared, "configuration" | "file" | "simulated">,
  world: World,
): Promise<Distrust> {
  const { configuration, simulated } = prepared;
  const file = prepared.file === undefined ? undefined : posix.resolve(world.cwd, prepared.file);
  const subjects = { configuration, file, simulated, webFiles: await webFilesOf(configuration) };
  if (world.uid !== 0) return distrustOf({ ...subjects, keepers: [world.uid], writers: [world.uid] });
  const plan = await planPrivileges(configuration.run_as, { process, tool: toolRunner(world), uid: 0 });
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

export async function preparePrivileges(
  { run_as, journal, log }: Configuration,
  world: World,
): Promise<Granted> {
  const odd = oddFile(journal.path);
  if (odd !== undefined) return { ok: false, message: `journal.path: ${odd}` };
  const plan = await planPrivileges(run_as, { process, tool: toolRunner(world), uid: world.uid });
  switch (plan.status) {
    case "refused":
      return { ok: false, message: plan.message };
    case "kept":
      // Elsewhere root is a developer's, in a container or on a test machine, and there is nothing to install.
      return {
        ok: true,
        privileges: noPrivileges,
        ...(plan.warning !== undefined && world.platform === "darwin" && { warning: plan.warning }),
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

/** What is wrong with the account of a configuration that may follow. */
export async function accountProblem({ run_as }: Configuration, world: World): Promise<string | undefined> {
  const plan = await planPrivileges(run_as, { process, tool: toolRunner(world), uid: world.uid });
  return plan.status === "refused" ? plan.message : undefined;
}
