/** `logs`: the end of the daemon's log, and with `-f` what comes after it. */
import { layoutUnder, type Layout } from "../daemon/layout.ts";
import { openTail } from "../daemon/tail.ts";
import { causeOf } from "../runtime/cause.ts";
import { loadInstalled } from "./load.ts";
import { resolvePrefix } from "./install.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

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
  context: CommandContext,
): Promise<ExitCode> {
  const layout = layoutUnder(resolvePrefix(prefix, context));
  const path = launchd ? layout.standardError : logOf(layout, context);
  try {
    const tail = openTail(path, lines);
    if (!(await context.write(tail.last)) || !follow) return exitCode.ok;
    await tail.follow((text) => context.write(text), context.clock, context.signal);
    return exitCode.ok;
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const advice =
      context.uid === 0 ? "is the daemon installed? see mac-powermetrics-agent status" : "try with sudo";
    context.stderr(`cannot read ${path}: ${causeOf(error)}; ${advice}\n`);
    return exitCode.failure;
  }
}

/** Where the configuration sends it; it may not be ours to read, and then the usual place is tried. */
function logOf({ config, log }: Layout, context: CommandContext): string {
  if (!context.fileExists(config)) return log;
  const loaded = loadInstalled(config, context);
  if (!loaded.ok) return log;
  return loaded.configuration.log.file ?? log;
}
