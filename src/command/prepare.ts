/** `prepare`, which only `run` calls: the other side of apart.ts. */
import { posix } from "node:path";
import type { Plain } from "../config/field.ts";
import { printConfiguration } from "../config/print.ts";
import type { Given } from "./apart.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { prepare, type RunChoice } from "./load.ts";
import { plainArguments } from "./plain-arguments.ts";
import type { RunArguments } from "./program.ts";
import { packReply, type Settled, type Unsettled } from "./reply.ts";
import type { World } from "./world.ts";

/** Prints the reply; its own failures are bugs and throw. */
export async function prepareForRun(
  [given = "", ...args]: readonly string[],
  world: World,
): Promise<ExitCode> {
  await world.write(packReply(await answer(args, worldOf(given, world)), world));
  return exitCode.ok;
}

/** The world of the process that asks, which may have had rights that neither has now. */
function worldOf(text: string, world: World): World {
  // Our own program wrote it.
  const { cwd, startedAs } = JSON.parse(text) as Given;
  if (startedAs === undefined) return { ...world, cwd };
  const { stateFolder, ...identity } = startedAs;
  return { ...world, cwd, ...identity, env: { ...world.env, STATE_DIRECTORY: stateFolder } };
}

async function answer(args: readonly string[], world: World): Promise<Settled | Unsettled> {
  let stdout = "";
  let stderr = "";
  let settled: Settled | undefined;
  const quiet: World = {
    ...world,
    stdout: (text) => void (stdout += text),
    stderr: (text) => void (stderr += text),
  };
  const onRun = async ({ choice, pidFile, logFile }: RunArguments): Promise<ExitCode> => {
    const prepared = await settle(choice, logFile && posix.resolve(world.cwd, logFile), quiet);
    if (typeof prepared === "number") return prepared;
    settled = { ...prepared, ...(pidFile !== undefined && { pidFile: posix.resolve(world.cwd, pidFile) }) };
    return exitCode.ok;
  };
  const plain = plainArguments(args);
  const code = plain === undefined ? await byGrammar(args, quiet, onRun) : await onRun(plain);
  return settled ?? { code, stdout, stderr };
}

async function byGrammar(
  args: readonly string[],
  world: World,
  onRun: (run: RunArguments) => Promise<ExitCode>,
): Promise<number> {
  const { runProgram } = await import("./program.ts");
  return runProgram(["run", ...args], world, onRun);
}

async function settle(
  choice: RunChoice,
  logFile: string | undefined,
  world: World,
): Promise<Settled | ExitCode> {
  const prepared = await prepare(choice, world);
  if (typeof prepared === "number") return prepared;
  const { printable, configuration, ...settled } = prepared;
  const { log } = configuration;
  if (logFile === undefined || log.file !== undefined)
    return { ...settled, configuration, text: printConfiguration(printable) };
  return {
    ...settled,
    configuration: { ...configuration, log: { ...log, file: logFile } },
    text: printConfiguration(withLogFile(printable, logFile)),
  };
}

function withLogFile(printable: Plain, file: string): Plain {
  if (!isSection(printable)) return printable;
  const { log } = printable;
  return { ...printable, log: { ...(isSection(log) && log), file } };
}

const isSection = (value: Plain | undefined): value is Readonly<Record<string, Plain | undefined>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
