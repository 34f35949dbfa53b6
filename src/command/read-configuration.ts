/**
 * Reads the command line and the configuration of `run` in a process that ends: their libraries take 20 MB that a
 * daemon would keep for life, and while they load there, the agent loads here.
 *
 *     readConfiguration ── prepare REQUEST ARGUMENTS… ──► this program again: answerRequest
 *                       ◄── one line of JSON, secrets included ──┘
 */
import { posix } from "node:path";
import type { Plain } from "../config/field.ts";
import { causeOf } from "../runtime/cause.ts";
import { defined } from "../runtime/defined.ts";
import { packSecrets, unpackSecrets } from "../runtime/secret.ts";
import { runTool, type ToolRun } from "../source/child.ts";
import type { Prepared } from "./load.ts";
import type { RunArguments } from "./program.ts";
import { exitCode, type ExitCode, type StartContext, type CommandContext } from "./context.ts";

/**
 * Whose system it was when the agent started. Once root is given up, a process of the account would find another home and
 * another state folder, and with them other values for the same file.
 */
export interface StartedAs extends Pick<CommandContext, "uid" | "home" | "hostname"> {
  readonly stateFolder: string;
}

interface Request {
  readonly cwd: string;
  /** Absent at the start itself: both processes see the same system. */
  readonly startedAs?: StartedAs;
}

/** What to run with. */
export interface RunConfiguration extends Omit<Prepared, "printable"> {
  /** The effective configuration as YAML, secrets hidden. */
  readonly text: string;
  /** Of `--pid-file`, absolute. */
  readonly pidFile?: string;
}

/** Help, a wrong call, or everything that is wrong with the configuration: what to print and how to end. */
export interface NoRun {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Only between two processes of the same version. */
interface Reply {
  readonly version: string;
  readonly answer: RunConfiguration | NoRun;
}

/** A file on a network that sleeps may take its time. */
const timeoutMs = 60_000;
const maxBytes = 16 * 1024 * 1024;

/** @param args what follows `run` on the command line */
export async function readConfiguration(
  args: readonly string[],
  context: StartContext,
  startedAs?: StartedAs,
): Promise<RunConfiguration | NoRun> {
  const request: Request = defined({ cwd: context.cwd, startedAs });
  const run = await runTool([...context.self, "prepare", JSON.stringify(request), ...args], {
    clock: context.clock,
    environment: defined(context.env) as Record<string, string>,
    timeoutMs,
    maxBytes,
    signal: context.signal,
  });
  const reply = replyOf(run, context.self);
  if (typeof reply === "string") return failed(reply);
  if (reply.version === context.version) return reply.answer;
  return failed(`the agent here was replaced by ${reply.version}: restart it`);
}

/** Or why there is none. */
function replyOf(run: ToolRun, [program = ""]: StartContext["self"]): Reply | string {
  if (run.status !== "ended") return `its reader ended early (${run.status})`;
  if (run.exit.kind === "not_started") return `cannot start ${program}: ${run.exit.message}`;
  // Flags of Node.js such as --trace-gc hold there too, and print around it.
  const lines = run.stdout.toString("utf8").split("\n");
  const line = lines.find((candidate) => candidate.startsWith('{"version":')) ?? "";
  try {
    // Our own program wrote it, and says of which version it is.
    return unpackSecrets(line) as Reply;
  } catch (error) {
    return run.stderr === "" ? causeOf(error) : run.stderr;
  }
}

function failed(cause: string): NoRun {
  return { code: exitCode.temporary, stdout: "", stderr: `cannot read the configuration: ${cause}\n` };
}

/** `prepare`: the other side. Its own failures are bugs and throw. */
export async function answerRequest(
  [request = "", ...args]: readonly string[],
  context: CommandContext,
): Promise<ExitCode> {
  const answer = await answerOf(args, asStarted(JSON.parse(request) as Request, context));
  const reply: Reply = { version: context.version, answer };
  await context.write(`\n${packSecrets(reply)}\n`);
  return exitCode.ok;
}

/** As in the process that asks, which may have had rights that neither has now. */
function asStarted({ cwd, startedAs }: Request, context: CommandContext): CommandContext {
  if (startedAs === undefined) return { ...context, cwd };
  const { stateFolder, ...identity } = startedAs;
  return { ...context, cwd, ...identity, env: { ...context.env, STATE_DIRECTORY: stateFolder } };
}

async function answerOf(args: readonly string[], context: CommandContext): Promise<RunConfiguration | NoRun> {
  let stdout = "";
  let stderr = "";
  let configuration: RunConfiguration | undefined;
  const quiet: CommandContext = {
    ...context,
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
  };
  const onRun = async (run: RunArguments): Promise<ExitCode> => {
    const read = await configurationFor(run, quiet);
    if (typeof read === "number") return read;
    configuration = read;
    return exitCode.ok;
  };
  const plain = plainArguments(args);
  const code = plain === undefined ? await byGrammar(args, quiet, onRun) : await onRun(plain);
  return configuration ?? { code, stdout, stderr };
}

async function byGrammar(
  args: readonly string[],
  context: CommandContext,
  onRun: (run: RunArguments) => Promise<ExitCode>,
): Promise<number> {
  const { runProgram } = await import("./program.ts");
  return runProgram(["run", ...args], context, onRun);
}

async function configurationFor(
  { choice, pidFile, logFile }: RunArguments,
  context: CommandContext,
): Promise<RunConfiguration | ExitCode> {
  const [{ prepare }, { printConfiguration }] = await Promise.all([
    import("./load.ts"),
    import("../config/print.ts"),
  ]);
  const prepared = await prepare(choice, context);
  if (typeof prepared === "number") return prepared;
  const { printable, configuration, ...rest } = prepared;
  const { log } = configuration;
  const absolute = (path: string | undefined): string | undefined => path && posix.resolve(context.cwd, path);
  const file = log.file ?? absolute(logFile);
  return {
    ...rest,
    ...defined({ pidFile: absolute(pidFile) }),
    configuration: { ...configuration, log: defined({ ...log, file }) },
    text: printConfiguration(file === log.file ? printable : withLogFile(printable, file ?? "")),
  };
}

function withLogFile(printable: Plain, file: string): Plain {
  if (!isSection(printable)) return printable;
  const { log } = printable;
  return { ...printable, log: { ...(isSection(log) && log), file } };
}

const isSection = (value: Plain | undefined): value is Readonly<Record<string, Plain | undefined>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const optionsWithValue: ReadonlySet<string> = new Set(["--config", "--pid-file", "--log-file"]);

/**
 * The command line of `run` as launchd and most people write it, without the grammar of program.ts, which takes 10 ms to
 * load. Undefined for everything that is not plain, wrong calls and help among it.
 */
export function plainArguments(args: readonly string[]): RunArguments | undefined {
  const values = new Map<string, string>();
  for (let rest = args; rest.length > 0;) {
    const [option = "", value] = rest;
    const taken = valueOf(option, value);
    if (taken === undefined) return undefined;
    values.set(option, taken);
    rest = rest.slice(taken === value ? 2 : 1);
  }
  const simulate = values.get("--simulate");
  return defined({
    choice: defined({
      config: values.get("--config"),
      simulate: simulate === undefined ? undefined : simulate === "auto" ? "auto" : "always",
      flags: {},
    } as const),
    pidFile: values.get("--pid-file"),
    logFile: values.get("--log-file"),
  });
}

/** Undefined unless it can't be read in two ways. */
function valueOf(option: string, next: string | undefined): string | undefined {
  const value = next?.startsWith("-") === true ? undefined : next;
  if (optionsWithValue.has(option)) return value === "" ? undefined : value;
  if (option !== "--simulate") return undefined;
  if (value === undefined) return "always";
  return value === "always" || value === "auto" ? value : undefined;
}
