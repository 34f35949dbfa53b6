/** The grammar of the command line: verbs, their options and help. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../runtime/quantity.ts";
import type { Plain } from "../config/field.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import type { JournalOptions, JournalRequest } from "./journal.ts";
import type { RunChoice } from "./load.ts";
import { daemonVerbs, simulateOption } from "./program-daemon.ts";
import type { World } from "./world.ts";

type Options = Readonly<Record<string, unknown>>;

/** What `run` was called with. */
export interface RunArguments {
  readonly choice: RunChoice;
  /** Written while we are root, for newsyslog, which signals the process of this number to open its log again. */
  readonly pidFile?: string;
  /** Where the log goes when the configuration names no file. */
  readonly logFile?: string;
}

type OnRun = (run: RunArguments) => ExitCode | Promise<ExitCode>;

/** Runs one command and resolves to its exit code; a wrong call gives 2 and says what to type. */
export async function runProgram(
  argv: readonly string[],
  world: World,
  onRun: OnRun = () => refuseRun(world),
): Promise<number> {
  let code: number = exitCode.ok;
  const program = createProgram(world, onRun, (result) => void (code = result));
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  }
}

/** cli.ts takes `run` before it comes here: the daemon itself does without this grammar. */
function refuseRun(world: World): ExitCode {
  world.stderr("run must be the first argument, got others before it\n");
  return exitCode.usage;
}

function createProgram(world: World, onRun: OnRun, done: (code: number) => void): Command {
  const program = new Command("mac-powermetrics-agent")
    .description(
      "Mac power metrics, pushed durably: powermetrics and vm_stat to Prometheus and OpenTelemetry",
    )
    .version(world.version)
    .configureOutput({ writeOut: (text) => world.stdout(text), writeErr: (text) => world.stderr(text) })
    .showHelpAfterError("(add --help for the options)")
    .exitOverride();
  for (const add of [
    addRun(onRun),
    addOnce,
    addReplay,
    addRecord,
    addSimulate,
    addCheck,
    addConfig,
    addMetrics,
    addJournal,
    addTop,
    ...daemonVerbs,
  ]) {
    add(program, world, done);
  }
  return program;
}

/** Adds one verb; `done` takes its exit code. */
export type Add = (program: Command, world: World, done: (code: number) => void) => void;

const configOption = (): Option => new Option("--config <file>", "configuration file");
const pushOption = (): Option => new Option("--push", "also deliver to every receiver of the configuration");
const addRun =
  (onRun: OnRun): Add =>
  (program, _world, done) =>
    program
      .command("run")
      .description("run the agent in the foreground; SIGTERM and SIGINT flush and stop it")
      .addOption(configOption())
      .addOption(simulateOption())
      .option("--web.listen-address <address...>", "where to serve /metrics, as host:port")
      .addOption(
        new Option("--log.level <level>", "least important messages to show").choices([
          "debug",
          "info",
          "warn",
          "error",
        ]),
      )
      .addOption(new Option("--log.format <format>", "form of messages").choices(["auto", "text", "json"]))
      .option("--pid-file <file>", "write the process' number here, for log rotation")
      .option("--log-file <file>", "log here when the configuration has no log.file")
      .action(async (options: Options & { pidFile?: string; logFile?: string }) => {
        const { pidFile, logFile } = options;
        const chosen = { ...choice(options), flags: runFlags(options) };
        const files = {
          ...(pidFile !== undefined && { pidFile }),
          ...(logFile !== undefined && { logFile }),
        };
        done(await onRun({ choice: chosen, ...files }));
      });

const addOnce: Add = (program, world, done) =>
  program
    .command("once")
    .description("take one sample of each source and print it")
    .addOption(configOption())
    .addOption(simulateOption())
    .addOption(
      new Option("--format <format>", "form of the output")
        .choices(["prometheus", "openmetrics", "json", "table"])
        .default("prometheus"),
    )
    .addOption(pushOption())
    .action(async (options: Options & { format: "prometheus"; push?: boolean }) => {
      const { once } = await import("./once.ts");
      done(await once({ ...choice(options), format: options.format, push: options.push === true }, world));
    });

interface ReplayOptions {
  readonly powermetrics?: string;
  readonly vmStat?: string;
  readonly ioreg?: string;
  readonly format: "prometheus" | "openmetrics" | "json" | "jsonl";
  readonly push?: boolean;
}

const addReplay: Add = (program, world, done) =>
  program
    .command("replay")
    .description("put recorded output through the whole pipeline, with its own times")
    .argument("[folder]", "a folder that record has written")
    .option("--powermetrics <file>", "a stream of powermetrics -f plist")
    .option("--vm-stat <file>", "reports of vm_stat, one after the other")
    .option("--ioreg <file>", "what ioreg -a -r printed of AppleSmartBattery, IOAccelerator or both")
    .addOption(configOption())
    .addOption(
      new Option("--format <format>", "form of the output")
        .choices(["prometheus", "openmetrics", "json", "jsonl"])
        .default("prometheus"),
    )
    .addOption(pushOption())
    .action(async (folder: string | undefined, options: Options & ReplayOptions) => {
      const { replay } = await import("./replay.ts");
      const { powermetrics, vmStat, ioreg, format, push } = options;
      const files = {
        ...(folder !== undefined && { folder }),
        ...(powermetrics !== undefined && { powermetrics }),
        ...(vmStat !== undefined && { vmStat }),
        ...(ioreg !== undefined && { ioreg }),
      };
      done(await replay({ ...choice(options), files, format, push: push === true }, world));
    });

const addRecord: Add = (program, world, done) =>
  program
    .command("record")
    .description("write what the tools print into files, for bug reports and replay")
    .argument("<folder>", "where to write; must not hold a recording yet")
    .option(
      "--duration <duration>",
      "stop after this time, such as 90s, and the first report of each source; default: until a signal",
      duration,
    )
    .option("--no-redact", "keep names, serial numbers and addresses as they are")
    .addOption(configOption())
    .addOption(simulateOption())
    .action(async (folder: string, options: Options & { duration?: number; redact: boolean }) => {
      const { record } = await import("./record.ts");
      const { duration: durationMs, redact } = options;
      const chosen = { ...choice(options), folder, redact };
      done(await record({ ...chosen, ...(durationMs !== undefined && { durationMs }) }, world));
    });

/** Only for the help: cli.ts starts the simulator itself, without loading this. */
const addSimulate: Add = (program) =>
  program
    .command("simulate")
    .description("impersonate powermetrics, vm_stat, sysctl or pmset with the tool's own arguments")
    .argument("<tool>")
    .argument("[arguments...]")
    .allowUnknownOption();

const addCheck: Add = (program, world, done) =>
  program
    .command("check")
    .description("say everything that is wrong with a configuration")
    .addOption(configOption())
    .option("--connect", "also try every receiver")
    .option("--json", "print the findings as JSON")
    .action(async (options: Options & { connect?: boolean; json?: boolean }) => {
      const { check } = await import("./check.ts");
      const [{ connectProbe }, { trialOf }] = await Promise.all([
        import("./connect.ts"),
        import("./exercise.ts"),
      ]);
      done(
        await check(
          { ...choice(options), connect: options.connect === true, json: options.json === true },
          world,
          [connectProbe(world)],
          trialOf(world),
        ),
      );
    });

const addConfig: Add = (program, world, done) =>
  program
    .command("config")
    .description("print a starter file, the JSON Schema, or the effective configuration")
    .addArgument(new Argument("<what>").choices(["example", "schema", "print"]))
    .addOption(configOption())
    .option("--origins", "with print: where each value comes from")
    .action(async (what: "example" | "schema" | "print", options: Options & { origins?: boolean }) => {
      const { config } = await import("./config.ts");
      done(await config({ ...choice(options), what, origins: options.origins === true }, world));
    });

const addMetrics: Add = (program, world) =>
  program
    .command("metrics")
    .description("print the catalogue of metrics")
    .addOption(new Option("--format <format>", "form of the output").choices(["md", "json"]).default("md"))
    .action(async ({ format }: { format: "md" | "json" }) => {
      const { formatCatalogue } = await import("./metrics.ts");
      await world.write(formatCatalogue(format));
    });

const addJournal: Add = (program, world, done) =>
  program
    .command("journal")
    .description("say what the journal on disk holds, export it, or give up the backlog of a removed sink")
    .addArgument(new Argument("<what>").choices(["stats", "export", "forget"]))
    .addArgument(new Argument("[sink]", "with forget: a sink that is configured no more, as stats list it"))
    .addOption(configOption())
    .option("--file <path>", "with stats and export: another database, as one that was set aside")
    .option("--json", "with stats: print them as JSON")
    .option("--since <duration>", "with export: only the last 24h, say; default: everything", duration)
    .addOption(
      new Option("--format <format>", "with export: form of the output")
        .choices(["jsonl", "openmetrics"])
        .default("jsonl"),
    )
    .action(
      async (what: JournalRequest["what"], sink: string | undefined, options: Options & JournalOptions) => {
        const { journal, journalRequest } = await import("./journal.ts");
        done(await journal({ ...choice(options), ...journalRequest(what, sink, options) }, world));
      },
    );

const addTop: Add = (program, world, done) =>
  program
    .command("top")
    .description("show a running agent, or sources of its own, live in the terminal; q quits")
    .option(
      "--url <address>",
      "of the running agent; default: http://127.0.0.1:9127, and own sources where none answers",
    )
    .addOption(configOption())
    .addOption(simulateOption())
    .action(async (options: Options & { url?: string }) => {
      const { top } = await import("./top.ts");
      const { url } = options;
      done(await top({ ...choice(options), ...(url !== undefined && { url }) }, world));
    });

function choice(options: Options): { config?: string; simulate?: "always" | "auto" } {
  const { config, simulate } = options as { config?: string; simulate?: "always" | "auto" };
  return { ...(config !== undefined && { config }), ...(simulate !== undefined && { simulate }) };
}

/** Flags that stand for a key of the configuration, by the key's path. */
function runFlags(options: Options): Record<string, Plain> {
  const flags: [string, unknown][] = [
    ["web.listen_addresses", options["web.listenAddress"]],
    ["log.level", options["log.level"]],
    ["log.format", options["log.format"]],
  ];
  return Object.fromEntries(flags.filter((flag): flag is [string, Plain] => flag[1] !== undefined));
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("It must be a duration such as 90s or 1m30s.");
  return ms;
}
