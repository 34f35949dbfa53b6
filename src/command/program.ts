/** The grammar of the command line: verbs, their options and help. A verb's file is loaded when it is called, and takes the options as they are. */
import { Argument, Command, CommanderError } from "commander";
import type { Plain } from "../config/field.ts";
import { defined } from "../runtime/defined.ts";
import type { CheckArguments } from "./check.ts";
import { shells, type Shell } from "./completion.ts";
import type { ConfigArguments } from "./config.ts";
import type { JournalChoice, JournalOptions } from "./journal.ts";
import type { RunChoice } from "./load.ts";
import type { MetricsArguments } from "./metrics.ts";
import type { OnceChoice } from "./once.ts";
import type { RecordChoice } from "./record.ts";
import type { ReplayChoice } from "./replay.ts";
import type { TopChoice } from "./top.ts";
import { examplesOf } from "./examples.ts";
import { addServiceVerbs } from "./service-verbs.ts";
import {
  choiceOption,
  configOption,
  duration,
  formatOption,
  jsonOption,
  logLevels,
  pushOption,
  simulateOption,
} from "./options.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

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
  context: CommandContext,
  onRun?: OnRun,
): Promise<number> {
  let code: number = exitCode.ok;
  const program = createProgram(context, (ended) => void (code = ended), onRun);
  try {
    await program.parseAsync(argv, { from: "user" });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCode.ok : exitCode.usage;
  }
}

/** The grammar itself. @param ended takes the exit code of the command that ran */
export function createProgram(
  context: CommandContext,
  ended: (code: ExitCode) => void = () => undefined,
  onRun: OnRun = () => refuseRun(context),
): Command {
  const program = new Command("mac-powermetrics-agent")
    .description(
      "Mac power metrics, pushed durably: powermetrics and vm_stat to Prometheus and OpenTelemetry",
    )
    .version(context.version)
    .configureOutput({ writeOut: (text) => context.stdout(text), writeErr: (text) => context.stderr(text) })
    .showHelpAfterError("(add --help for the options)")
    .exitOverride();
  const act: Act =
    (action) =>
    async (...args) =>
      ended(await action(...args));
  addRun(program, act, onRun);
  for (const add of [addSamples, addConfiguration, addJournal, addTop]) add(program, act, context);
  for (const add of [addServiceVerbs, addCompletion, addVersion]) add(program, act, context);
  for (const command of program.commands) command.addHelpText("after", examplesOf(command.name()));
  return program;
}

/** cli.ts takes `run` before it comes here: the daemon itself does without this grammar. */
function refuseRun(context: CommandContext): ExitCode {
  context.stderr("run must be the first argument, got others before it\n");
  return exitCode.usage;
}

/** An action for commander from one that gives the exit code; it is called with the verb's arguments, then its options. */
export type Act = <Args extends unknown[]>(
  action: (...args: Args) => ExitCode | Promise<ExitCode>,
) => (...args: Args) => Promise<void>;

interface RunOptions extends Omit<RunChoice, "flags">, Omit<RunArguments, "choice"> {
  readonly "web.listenAddress"?: readonly string[];
  readonly "log.level"?: string;
  readonly "log.format"?: string;
}

function addRun(program: Command, act: Act, onRun: OnRun): void {
  program
    .command("run")
    .description("run the agent in the foreground; SIGTERM and SIGINT flush and stop it")
    .addOption(configOption())
    .addOption(simulateOption())
    .option("--web.listen-address <address...>", "where to serve /metrics, as host:port")
    .addOption(choiceOption("--log.level <level>", "lowest level of messages to log", logLevels))
    .addOption(choiceOption("--log.format <format>", "form of messages", ["auto", "text", "json"]))
    .option("--pid-file <file>", "write the process' number here, for log rotation")
    .option("--log-file <file>", "log here when the configuration has no log.file")
    .action(
      act(({ config, simulate, pidFile, logFile, ...options }: RunOptions) => {
        const flags: Readonly<Record<string, Plain>> = defined({
          "web.listen_addresses": options["web.listenAddress"],
          "log.level": options["log.level"],
          "log.format": options["log.format"],
        });
        return onRun(defined({ choice: defined({ config, simulate, flags }), pidFile, logFile }));
      }),
    );
}

function addSamples(program: Command, act: Act, context: CommandContext): void {
  program
    .command("once")
    .description("take one sample of each source and print it")
    .addOption(configOption())
    .addOption(simulateOption())
    .addOption(formatOption("prometheus", "openmetrics", "json", "table", "summary"))
    .addOption(pushOption())
    .action(act(async (options: OnceChoice) => (await import("./once.ts")).once(options, context)));
  program
    .command("replay")
    .description("put recorded output through the whole pipeline, with its own times")
    .argument("[folder]", "a folder that record has written")
    .option("--powermetrics <file>", "a stream of powermetrics -f plist")
    .option("--vm-stat <file>", "reports of vm_stat, one after the other")
    .option("--ioreg <file>", "what ioreg -a -r printed of AppleSmartBattery, IOAccelerator or both")
    .option("--scrape <file>", "what an exporter answered, as text or OpenMetrics")
    .addOption(configOption())
    .addOption(formatOption("prometheus", "openmetrics", "json", "jsonl"))
    .addOption(pushOption())
    .action(
      act(async (folder: string | undefined, options: Omit<ReplayChoice, "folder">) =>
        (await import("./replay.ts")).replay(defined({ ...options, folder }), context),
      ),
    );
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
    .action(
      act(async (folder: string, options: Omit<RecordChoice, "folder">) =>
        (await import("./record.ts")).record({ ...options, folder }, context),
      ),
    );
  // Only for the help: cli.ts starts the simulator itself, without loading this.
  program
    .command("simulate")
    .description("impersonate powermetrics, vm_stat, sysctl, pmset or ioreg with the tool's own arguments")
    .addArgument(
      new Argument("<tool>", "the tool").choices(["powermetrics", "vm_stat", "sysctl", "pmset", "ioreg"]),
    )
    .argument(
      "[arguments...]",
      "the tool's own, and the simulator's such as --chip: see simulate powermetrics --help",
    )
    .allowUnknownOption();
}

function addConfiguration(program: Command, act: Act, context: CommandContext): void {
  program
    .command("check")
    .description("report everything that is wrong with a configuration")
    .addOption(configOption())
    .option("--connect", "also try every receiver and every target")
    .addOption(jsonOption())
    .action(
      act(async (options: CheckArguments) => {
        const [{ check }, { connectProbe }, { trialOf }] = await Promise.all([
          import("./check.ts"),
          import("./connect.ts"),
          import("./trial.ts"),
        ]);
        return check(options, context, connectProbe(context), trialOf(context));
      }),
    );
  program
    .command("config")
    .description("print a starter file, the JSON Schema, or the effective configuration")
    .addArgument(
      new Argument("<what>", "the starter file, the schema, or what is in effect, secrets hidden").choices([
        "example",
        "schema",
        "print",
      ]),
    )
    .addOption(configOption())
    .option("--origins", "with print: where each value comes from")
    .action(
      act(async (what: ConfigArguments["what"], options: Omit<ConfigArguments, "what">) =>
        (await import("./config.ts")).config({ ...options, what }, context),
      ),
    );
  program
    .command("metrics")
    .description("print the catalogue of metrics")
    .addOption(formatOption("md", "json"))
    .action(
      act(async (options: MetricsArguments) => (await import("./metrics.ts")).metrics(options, context)),
    );
}

function addJournal(program: Command, act: Act, context: CommandContext): void {
  program
    .command("journal")
    .description("report what the journal on disk holds, export it, or give up the backlog of a removed sink")
    .addArgument(
      new Argument("<what>", "figures, the samples, or the end of a backlog").choices([
        "stats",
        "export",
        "forget",
      ]),
    )
    .addArgument(new Argument("[sink]", "with forget: a sink that is configured no more, as stats list it"))
    .addOption(configOption())
    .option("--file <path>", "with stats and export: another database, such as one that was set aside")
    .option("--json", "with stats: print them as JSON")
    .option("--since <duration>", "with export: only the last 24h, for example; default: all", duration)
    .addOption(formatOption("jsonl", "openmetrics"))
    .action(
      act(async (what: JournalChoice["what"], sink: string | undefined, options: JournalOptions) =>
        (await import("./journal.ts")).journal(defined({ ...options, what, sink }), context),
      ),
    );
}

function addTop(program: Command, act: Act, context: CommandContext): void {
  program
    .command("top")
    .description("show a running agent, or sources of its own, live in the terminal; ? lists its keys")
    .option(
      "--url <address>",
      "of the running agent; default: http://127.0.0.1:9127, and own sources where none answers",
    )
    .addOption(configOption())
    .addOption(simulateOption())
    .action(act(async (options: TopChoice) => (await import("./top.ts")).top(options, context)));
}

function addVersion(program: Command, act: Act, context: CommandContext): void {
  const { version, nodeVersion, platform, arch } = context;
  program
    .command("version")
    .description("print the version of the agent and of its Node.js, and the system")
    .action(
      act(async () => {
        await context.write(
          `mac-powermetrics-agent ${version}, Node.js ${nodeVersion.replace("v", "")}, ${platform} ${arch}\n`,
        );
        return exitCode.ok;
      }),
    );
}

function addCompletion(program: Command, act: Act, context: CommandContext): void {
  program
    .command("completion")
    .description("print a completion script for a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(shells))
    .action(
      act(async (shell: Shell) => (await import("./completion.ts")).completion(shell, program, context)),
    );
}
