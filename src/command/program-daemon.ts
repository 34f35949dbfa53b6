/** The grammar of the verbs about life on a Mac: install, uninstall, status, logs, doctor, completion. */
import { Argument, InvalidArgumentError, Option, type Command } from "commander";
import { parseDuration } from "../runtime/quantity.ts";
import { exitCode } from "./exit.ts";
import type { Add } from "./program.ts";
import { shells, type Shell } from "./completion.ts";

export const simulateOption = (): Option =>
  new Option(
    "--simulate [when]",
    "use the simulator instead of Apple's tools; auto: where there is no Mac with root",
  )
    .choices(["always", "auto"])
    .preset("always");

interface PrefixOption {
  readonly prefix?: string;
}

const prefixed = (command: Command): Command =>
  command.option("--prefix <folder>", "work below this folder instead of the system, tools included");

const addInstall: Add = (program, world, done) =>
  prefixed(program.command("install"))
    .description("install or upgrade the daemon: program, account, configuration, launchd job, log rotation")
    .option("--dry-run", "only print the steps")
    .option("--config <file>", "configuration to install where there is none yet")
    .option("--node <file>", "self-contained Node.js to copy; default: the one that runs this")
    .option("--timeout <duration>", "how long it may take to become ready", milliseconds, 60_000)
    .action(
      async (
        options: PrefixOption & { dryRun?: boolean; timeout: number; config?: string; node?: string },
      ) => {
        const { install } = await import("./install.ts");
        const { dryRun = false, timeout, ...rest } = options;
        done(await install({ ...rest, dryRun, readyTimeoutMs: timeout }, world));
      },
    );

const addUninstall: Add = (program, world, done) =>
  prefixed(program.command("uninstall"))
    .description("take every step of install back and list what is left")
    .option("--dry-run", "only print the steps")
    .option("--purge", "also remove configuration, journal, logs and account")
    .action(
      async ({
        dryRun = false,
        purge = false,
        ...rest
      }: PrefixOption & { dryRun?: boolean; purge?: boolean }) => {
        const { uninstall } = await import("./uninstall.ts");
        done(await uninstall({ ...rest, dryRun, purge }, world));
      },
    );

const addStatus: Add = (program, world, done) =>
  prefixed(program.command("status"))
    .description("say whether the daemon is installed, runs and is ready")
    .option("--json", "print it as JSON")
    .action(async ({ json = false, ...rest }: PrefixOption & { json?: boolean }) => {
      const { status } = await import("./status.ts");
      done(await status({ ...rest, json }, world));
    });

const addLogs: Add = (program, world, done) =>
  prefixed(program.command("logs"))
    .description("print the end of the daemon's log")
    .option("-f, --follow", "go on with what is written, also across rotation")
    .option("-n, --lines <count>", "how many lines", positive, 50)
    .option("--launchd", "launchd's file: what was said before the log was open")
    .action(async (options: PrefixOption & { follow?: boolean; lines: number; launchd?: boolean }) => {
      const { logs } = await import("./logs.ts");
      const { follow = false, launchd = false, ...rest } = options;
      done(await logs({ ...rest, follow, launchd }, world));
    });

interface DoctorOptions extends PrefixOption {
  readonly config?: string;
  readonly json?: boolean;
  readonly deep?: boolean;
  readonly output?: string;
  readonly sleep?: boolean;
  readonly installTrial?: boolean;
  readonly record?: number;
  readonly simulate?: "always" | "auto";
}

const addDoctor: Add = (program, world, done) =>
  prefixed(program.command("doctor"))
    .description("look for everything that keeps the agent from working, and say how to fix it")
    .option("--config <file>", "configuration to look at; default: the installed one")
    .option("--json", "print the findings as JSON")
    .option("--deep", "try everything on this Mac for some 90 s, and write a report that can be shared")
    .option("-o, --output <file>", "with --deep: where the report goes; default: doctor-report.json")
    .option("--install-trial", "with --deep: also make and remove an account and launchd jobs")
    .option("--sleep", "with --deep: also put the Mac to sleep for half a minute")
    .option("--record <duration>", "with --deep: add a recording of 60s, say", milliseconds)
    .addOption(simulateOption())
    .action(async (options: DoctorOptions) => {
      const { deep = false, json = false, prefix, config } = options;
      const alone = deepOnly.find((name) => options[name] !== undefined);
      if (!deep && alone !== undefined) {
        world.stderr(`--${alone === "installTrial" ? "install-trial" : alone} must come with --deep\n`);
        done(exitCode.usage);
        return;
      }
      const [{ doctor }, { diagnose }, { connectProbe }] = await Promise.all([
        import("./doctor.ts"),
        import("./diagnose.ts"),
        import("./connect.ts"),
      ]);
      const where = { ...(prefix !== undefined && { prefix }), ...(config !== undefined && { config }) };
      const probes = [connectProbe(world)];
      done(await (deep ? diagnose(options, world, probes) : doctor({ ...where, json }, world, probes)));
    });

const deepOnly = ["output", "installTrial", "sleep", "record", "simulate"] as const;

const addCompletion: Add = (program, world) =>
  program
    .command("completion")
    .description("print a completion script for a shell")
    .addArgument(new Argument("<shell>").choices(shells))
    .action(async (shell: Shell) => {
      const { completionScript } = await import("./completion.ts");
      await world.write(completionScript(shell, program));
    });

export const daemonVerbs: readonly Add[] = [
  addInstall,
  addUninstall,
  addStatus,
  addLogs,
  addDoctor,
  addCompletion,
];

function milliseconds(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("It must be a duration such as 90s or 1m30s.");
  return ms;
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1)
    throw new InvalidArgumentError("It must be a whole number above 0.");
  return number;
}
