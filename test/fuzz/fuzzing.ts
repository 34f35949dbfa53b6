/**
 * How a property is fuzzed: few runs in every test run, as many as there is time for on request.
 *
 *     FUZZ_RUNS=N      runs of each property, default 100
 *     FUZZ_MINUTES=N   instead: this long for each file, shared by its properties
 *     FUZZ_SEED=N      begins where a failure was found; fixed by default, printed with every test
 *     FUZZ_PATH=N:N    with the seed and the test: the one input that failed, without the runs before it
 *     FUZZ_TEST=TEXT   only properties with this in their names
 */
import assert from "node:assert/strict";
import { basename } from "node:path";
import test, { after, type TestContext } from "node:test";
import fc from "../support/property.ts";
import { optionsFrom } from "./options.ts";

const options = optionsFrom(process.env);
const { seed, path, minutes } = options;
const longest = minutes === undefined ? 300_000 : Infinity;
/** Shares of fewer runs than these are chance. */
const fewestJudged = 100;

let chosen = 0;
after(() => assert.ok(chosen > 0, `FUZZ_TEST must be part of a test's name, got ${options.test}`));

export interface Subject<Input> {
  readonly inputs: fc.Arbitrary<Input>;
  /** One run costs as much as so many of others, so there are fewer. */
  readonly costs?: number;
  /** The least share of the inputs that must not be passed over, so that a property does not hold of nothing. */
  readonly compares?: number;
  /** Done once, before the first input; gives what is done with each. `compared` counts an input towards `compares`. */
  readonly prepare: (context: TestContext, compared: () => void) => Check<Input> | Promise<Check<Input>>;
}

type Check<Input> = (input: Input) => void | Promise<void>;

/** A test that holds for every input. */
export function fuzz<Input>(
  name: string,
  { inputs, costs = 1, compares = 0, prepare }: Subject<Input>,
): void {
  const isChosen = name.includes(options.test);
  if (isChosen) chosen++;
  test(name, { timeout: longest, skip: !isChosen }, async (context) => {
    context.diagnostic(`FUZZ_SEED=${seed} repeats these runs`);
    let runs = 0;
    let compared = 0;
    const check = await prepare(context, () => compared++);
    const property = fc.asyncProperty(inputs, async (input) => {
      runs++;
      await check(input);
    });
    await fc.assert(property, { ...bounds(costs), reporter: reporterFor(context) });
    context.diagnostic(compares > 0 ? `${runs} runs, ${compared} compared` : `${runs} runs`);
    if (runs >= fewestJudged)
      assert.ok(
        compared >= compares * runs,
        `${compared} of ${runs} inputs were compared, the rest passed over`,
      );
  });
}

/** How many properties share the time is known when the first one runs: all of a file are declared before. */
function bounds(costs: number): fc.Parameters<unknown> {
  if (path !== undefined) return { seed, path, numRuns: 1 };
  if (minutes === undefined) return { seed, numRuns: Math.max(1, Math.round(options.runs / costs)) };
  const limit = fc.interruptAfterTimeLimit((minutes * 60_000) / chosen);
  return { seed, numRuns: Number.MAX_SAFE_INTEGER, plugins: [limit] };
}

/** fast-check's own words, and the command that reaches the same input at once. */
function reporterFor({ name, filePath = "" }: TestContext): (details: fc.RunDetails<unknown>) => void {
  return (details) => {
    if (!details.failed) return;
    const again = [
      `npm run fuzz -- --only ${basename(filePath, ".test.ts")} --test ${JSON.stringify(name)}`,
      `--seed ${details.seed} --path ${details.counterexamplePath ?? "0"}`,
    ];
    throw new Error(`${fc.defaultReportMessage(details)}\n\nAgain: ${again.join(" ")}`, {
      cause: details.errorInstance,
    });
  };
}
