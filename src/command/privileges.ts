/** Finds the account that `run` is to become, and gives it what it will need before anything is opened. */
import { posix } from "node:path";
import type { Configuration } from "../config/schema.ts";
import {
  entrustJournal,
  entrustLog,
  noPrivileges,
  planPrivileges,
  type Privileges,
} from "../daemon/privileges.ts";
import { distrustOf, oddFile } from "../daemon/trust.ts";
import { causeOf } from "../runtime/cause.ts";
import type { Prepared } from "./load.ts";
import { toolRunner } from "./system.ts";
import type { World } from "./world.ts";

type Granted =
  | { readonly ok: true; readonly privileges: Privileges; readonly warning?: string }
  | { readonly ok: false; readonly message: string };

/**
 * What somebody else could change of that which root acts upon. Anybody else than root acts for themselves: the commands of
 * `check` warn then.
 */
export async function rootProblems(
  prepared: Pick<Prepared, "configuration" | "file" | "simulated">,
  world: World,
): Promise<readonly string[]> {
  const { configuration, simulated } = prepared;
  const file = prepared.file === undefined ? undefined : posix.resolve(world.cwd, prepared.file);
  if (world.uid !== 0) {
    const own = [world.uid];
    return distrustOf({ configuration, file, simulated, keepers: own, writers: own });
  }
  const plan = await planPrivileges(configuration.run_as, { process, tool: toolRunner(world), uid: 0 });
  const keepers = plan.status === "to_drop" ? [plan.owner.uid] : [];
  return distrustOf({ configuration, file, simulated, keepers, writers: [] });
}

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
