/** `status`: the installed daemon in a few lines, or as JSON. */
import type { ReadyProbe } from "../daemon/ready.ts";
import { formatStatus, readStatus } from "../daemon/status.ts";
import type { System } from "../daemon/system.ts";
import { loadDefaults, loadInstalled } from "./load.ts";
import { probeOf, resolvePrefix } from "./install.ts";
import { openSystem } from "./system.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export interface StatusArguments {
  readonly json?: boolean;
  readonly prefix?: string;
}

/** 0 when the installed agent is ready, else 1. */
export async function status(
  { json = false, prefix }: StatusArguments,
  context: CommandContext,
): Promise<ExitCode> {
  const system = openSystem(resolvePrefix(prefix, context), context);
  const found = await readStatus(system, installedProbe(system, context));
  context.stdout(json ? `${JSON.stringify(found, undefined, 2)}\n` : formatStatus(found));
  return found.installed && found.ready ? exitCode.ok : exitCode.failure;
}

/** The configuration is only root's and the agent's to read: without it the default address is asked. */
function installedProbe(system: System, context: CommandContext): ReadyProbe {
  const { config } = system.layout;
  const loaded = loadInstalled(config, context);
  return probeOf((loaded.ok ? loaded : loadDefaults(context)).configuration, system);
}
