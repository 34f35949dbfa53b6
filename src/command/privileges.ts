/** Owns how `run` comes by an account to become, and hands it what it will need: before anything is opened. */
import type { Configuration } from "../config/schema.ts";
import {
  entrustJournal,
  entrustLog,
  noPrivileges,
  planPrivileges,
  type Privileges,
} from "../daemon/privileges.ts";
import { causeOf } from "../runtime/cause.ts";
import { toolRunner } from "./system.ts";
import type { World } from "./world.ts";

type Prepared =
  | { readonly ok: true; readonly privileges: Privileges; readonly warning?: string }
  | { readonly ok: false; readonly message: string };

export async function preparePrivileges(
  { run_as, journal, log }: Configuration,
  world: World,
): Promise<Prepared> {
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
