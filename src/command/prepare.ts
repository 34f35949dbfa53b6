/** Owns `prepare`, which only `run` calls: the other side of apart.ts. */
import { printConfiguration } from "../config/print.ts";
import { formatProblem } from "../config/problem.ts";
import { packReply, type Question, type Settled, type Unsettled } from "./apart.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import { tryToPrepare } from "./load.ts";
import type { World } from "./world.ts";

/** Prints the reply; its own failures are bugs and throw. */
export async function prepareForRun(question: string, world: World): Promise<ExitCode> {
  // `run` of this very program asks.
  const { choice, cwd } = JSON.parse(question) as Question;
  await world.write(packReply({ version: world.version, answer: answer(choice, { ...world, cwd }) }));
  return exitCode.ok;
}

function answer(choice: Question["choice"], world: World): Settled | Unsettled {
  const prepared = tryToPrepare(choice, world);
  if ("problems" in prepared)
    return { code: exitCode.badConfiguration, problems: prepared.problems.map(formatProblem) };
  const { printable, ...settled } = prepared;
  return { ...settled, text: printConfiguration(printable) };
}
