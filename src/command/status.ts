/** `status`: the installed daemon in a few lines, or as JSON. */
import { loadConfiguration } from "../config/load.ts";
import type { ReadyProbe } from "../daemon/ready.ts";
import { formatStatus, readStatus } from "../daemon/status.ts";
import type { System } from "../daemon/system.ts";
import { loadWorld } from "./load.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { probeOf, resolvePrefix } from "./install.ts";
import { openSystem } from "./system.ts";
import type { World } from "./world.ts";

export interface StatusArguments {
  readonly json?: boolean;
  readonly prefix?: string;
}

/** 0 when the installed agent is ready, else 1. */
export async function status({ json = false, prefix }: StatusArguments, world: World): Promise<ExitCode> {
  const system = openSystem(resolvePrefix(prefix, world), world);
  const found = await readStatus(system, installedProbe(system, world));
  world.stdout(json ? `${JSON.stringify(found, undefined, 2)}\n` : formatStatus(found));
  return found.installed && found.ready ? exitCode.ok : exitCode.failure;
}

/** The configuration is only root's and the agent's to read: without it the default address is asked. */
function installedProbe(system: System, world: World): ReadyProbe {
  const { config } = system.layout;
  const daemonWorld = { ...loadWorld({ config }, world), env: {} };
  const loaded = loadConfiguration(daemonWorld);
  if (loaded.ok) return probeOf(loaded.configuration, system);
  const defaults = loadConfiguration({ ...daemonWorld, readFile: () => Buffer.alloc(0) });
  if (defaults.ok) return probeOf(defaults.configuration, system);
  return () => Promise.resolve({ ready: false, reason: `cannot read ${config}` });
}
