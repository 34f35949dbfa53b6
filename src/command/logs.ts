/** `logs`: the end of the daemon's log, and with `-f` what comes after it. */
import { loadConfiguration } from "../config/load.ts";
import { layoutUnder, type Layout } from "../daemon/layout.ts";
import { openTail } from "../daemon/tail.ts";
import { causeOf } from "../runtime/cause.ts";
import { loadWorld } from "./load.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { resolvePrefix } from "./install.ts";
import type { World } from "./world.ts";

export interface LogsArguments {
  readonly follow?: boolean;
  readonly lines: number;
  /** launchd's file instead: what the agent said before its own log was open. */
  readonly launchd?: boolean;
  readonly prefix?: string;
}

/** 1 when there is no log, or none that this user may read. */
export async function logs(
  { follow = false, lines, launchd = false, prefix }: LogsArguments,
  world: World,
): Promise<ExitCode> {
  const layout = layoutUnder(resolvePrefix(prefix, world));
  const path = launchd ? layout.standardError : logOf(layout, world);
  try {
    const tail = openTail(path, lines);
    if (!(await world.write(tail.last)) || !follow) return exitCode.ok;
    await tail.follow((text) => world.write(text), world.clock, world.signal);
    return exitCode.ok;
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const advice =
      world.uid === 0 ? "is the daemon installed? see mac-powermetrics-agent status" : "try with sudo";
    world.stderr(`cannot read ${path}: ${causeOf(error)}; ${advice}\n`);
    return exitCode.failure;
  }
}

/** Where the configuration sends it; it may not be ours to read, and then the usual place is tried. */
function logOf({ config, log }: Layout, world: World): string {
  if (!world.fileExists(config)) return log;
  const loaded = loadConfiguration({ ...loadWorld({ config }, world), env: {} });
  if (!loaded.ok) return log;
  return loaded.configuration.log.file ?? log;
}
