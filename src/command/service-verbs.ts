/** The verbs for life on a Mac: install, uninstall, status, logs, doctor. */
import { Option, type Command } from "commander";
import type { CommandContext } from "./context.ts";
import type { DoctorArguments } from "./doctor.ts";
import type { InstallArguments } from "./install.ts";
import type { LogsArguments } from "./logs.ts";
import { dryRunOption, duration, jsonOption, positive, prefixOption, simulateOption } from "./options.ts";
import type { Act } from "./program.ts";
import type { StatusArguments } from "./status.ts";
import type { UninstallArguments } from "./uninstall.ts";

export function addServiceVerbs(program: Command, act: Act, context: CommandContext): void {
  for (const add of [addInstall, addStatus, addDoctor]) add(program, act, context);
}

function addInstall(program: Command, act: Act, context: CommandContext): void {
  program
    .command("install")
    .addOption(prefixOption())
    .description("install or upgrade the daemon: program, account, configuration, launchd job, log rotation")
    .addOption(dryRunOption())
    .option("--config <file>", "configuration to install where there is none yet")
    .option("--node <file>", "self-contained Node.js to copy; default: the one that runs this")
    .addOption(
      new Option("--timeout <duration>", "how long it may take to become ready")
        .argParser(duration)
        .default(60_000, "1m"),
    )
    .action(
      act(async (options: InstallArguments) => (await import("./install.ts")).install(options, context)),
    );
  program
    .command("uninstall")
    .addOption(prefixOption())
    .description("take every step of install back and list what is left")
    .addOption(dryRunOption())
    .option("--purge", "also remove configuration, journal, logs and account")
    .action(
      act(async (options: UninstallArguments) =>
        (await import("./uninstall.ts")).uninstall(options, context),
      ),
    );
}

function addStatus(program: Command, act: Act, context: CommandContext): void {
  program
    .command("status")
    .addOption(prefixOption())
    .description("report whether the daemon is installed, runs and is ready")
    .addOption(jsonOption())
    .action(act(async (options: StatusArguments) => (await import("./status.ts")).status(options, context)));
  program
    .command("logs")
    .addOption(prefixOption())
    .description("print the end of the daemon's log")
    .option("-f, --follow", "go on with what is written, also across rotation")
    .option("-n, --lines <count>", "how many lines", positive, 50)
    .option("--launchd", "launchd's file: what was logged before the agent's own log was open")
    .action(act(async (options: LogsArguments) => (await import("./logs.ts")).logs(options, context)));
}

function addDoctor(program: Command, act: Act, context: CommandContext): void {
  program
    .command("doctor")
    .addOption(prefixOption())
    .description("look for everything that keeps the agent from working, and say how to fix it")
    .option("--config <file>", "configuration to look at; default: the installed one")
    .addOption(jsonOption())
    .option("--deep", "try everything on this Mac for some 90 s, and write a report that can be shared")
    .option("-o, --output <file>", "with --deep: where the report goes; default: doctor-report.json")
    .option("--install-trial", "with --deep: also make and remove an account and launchd jobs")
    .option("--sleep", "with --deep: also put the Mac to sleep for half a minute")
    .option("--record <duration>", "with --deep: add a recording of 60s, for example", duration)
    .addOption(simulateOption())
    .action(act(async (options: DoctorArguments) => (await import("./doctor.ts")).doctor(options, context)));
}
