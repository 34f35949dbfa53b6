/** `uninstall`: every step of `install` taken back, and a list of what stays. */
import { loadConfiguration } from "../config/load.ts";
import { defaultAccount } from "../daemon/account.ts";
import { uninstall as uninstallAgent } from "../daemon/install.ts";
import type { StepReport } from "../daemon/step.ts";
import { loadWorld } from "./load.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { objectionTo, resolvePrefix, reporter, told } from "./install.ts";
import { openSystem } from "./system.ts";
import type { World } from "./world.ts";

export interface UninstallArguments {
  readonly dryRun?: boolean;
  readonly prefix?: string;
  /** Also the configuration, journal, logs and account. */
  readonly purge?: boolean;
}

/** 0 when all that should go is gone, also when nothing was there. */
export async function uninstall(options: UninstallArguments, world: World): Promise<ExitCode> {
  const objection = objectionTo(options, world, "uninstall");
  if (objection !== undefined) return told(objection, world);
  const system = openSystem(resolvePrefix(options.prefix, world), world);
  const kept: StepReport[] = [];
  const print = reporter(world);
  const failure = await uninstallAgent(accountIn(system.layout.config, world), system, {
    dryRun: options.dryRun === true,
    purge: options.purge === true,
    report(step) {
      print(step);
      if (step.status === "kept") kept.push(step);
    },
  });
  if (failure !== undefined) {
    world.stderr(`${failure}\n`);
    return exitCode.failure;
  }
  if (kept.length > 0) world.stdout(`${kept.length} things were left; --purge removes them as well\n`);
  return exitCode.ok;
}

/** A configuration that can't be read names no account: then it is the default one. */
function accountIn(config: string, world: World): string {
  if (!world.fileExists(config)) return defaultAccount;
  const loaded = loadConfiguration({ ...loadWorld({ config }, world), env: {} });
  return loaded.ok ? loaded.configuration.run_as : defaultAccount;
}
