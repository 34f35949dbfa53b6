/** `uninstall`: every step of `install` taken back, and a list of what stays. */
import { defaultAccount } from "../daemon/account.ts";
import { uninstall as uninstallAgent } from "../daemon/install.ts";
import type { StepReport } from "../daemon/step.ts";
import { loadInstalled } from "./load.ts";
import { objectionTo, refuseWith, reporter, resolvePrefix } from "./install.ts";
import { openSystem } from "./system.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export interface UninstallArguments {
  readonly dryRun?: boolean;
  readonly prefix?: string;
  /** Also the configuration, journal, logs and account. */
  readonly purge?: boolean;
}

/** 0 when all that should go is gone, also when nothing was there. */
export async function uninstall(options: UninstallArguments, context: CommandContext): Promise<ExitCode> {
  const objection = objectionTo(options, context, "uninstall");
  if (objection !== undefined) return refuseWith(objection, context);
  const system = openSystem(resolvePrefix(options.prefix, context), context);
  const kept: StepReport[] = [];
  let steps = 0;
  const print = reporter(context);
  const failure = await uninstallAgent(accountIn(system.layout.config, context), system, {
    dryRun: options.dryRun === true,
    purge: options.purge === true,
    report(step) {
      print(step);
      steps++;
      if (step.status === "kept") kept.push(step);
    },
  });
  if (failure !== undefined) {
    context.stderr(`${failure}\n`);
    return exitCode.failure;
  }
  if (steps === 0) context.stdout("nothing of it is installed\n");
  if (kept.length > 0) context.stdout(`${kept.length} things were left; --purge removes them as well\n`);
  return exitCode.ok;
}

/** A configuration that can't be read names no account: then it is the default one. */
function accountIn(config: string, context: CommandContext): string {
  if (!context.fileExists(config)) return defaultAccount;
  const loaded = loadInstalled(config, context);
  return loaded.ok ? loaded.configuration.run_as : defaultAccount;
}
