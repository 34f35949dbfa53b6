/**
 * Owns how a property is fuzzed: few runs in every test run, as many as there is time for on request.
 *
 *     FUZZ_RUNS=N      runs of each property, default 100
 *     FUZZ_MINUTES=N   instead: this long for each file, shared by its properties
 *     FUZZ_SEED=N      begins where a failure was found; printed at the start and with every failure
 */
import test, { type TestContext } from "node:test";
import fc from "fast-check";

const { FUZZ_MINUTES = "0", FUZZ_RUNS = "100", FUZZ_SEED } = process.env;
const minutes = Number(FUZZ_MINUTES);
const seed = FUZZ_SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(FUZZ_SEED);
const longest = minutes > 0 ? Infinity : 60_000;

let properties = 0;
let limited = false;

export interface Subject<Input> {
  readonly inputs: fc.Arbitrary<Input>;
  /** One run costs as much as so many of others, so there are fewer. */
  readonly costs?: number;
  /** Done once, before the first input; gives what is done with each. */
  readonly prepare: (context: TestContext) => Check<Input> | Promise<Check<Input>>;
}

type Check<Input> = (input: Input) => void | Promise<void>;

/** A test that holds for every input. */
export function fuzz<Input>(name: string, { inputs, costs = 1, prepare }: Subject<Input>): void {
  properties++;
  test(name, { timeout: longest }, async (context) => {
    context.diagnostic(`FUZZ_SEED=${seed} repeats these runs`);
    const check = await prepare(context);
    const property = fc.asyncProperty(inputs, async (input) => check(input));
    await fc.assert(property, { seed, ...bounds(costs) });
  });
}

/** How many properties share the time is known when the first one runs: all of a file are declared before. */
function bounds(costs: number): { readonly numRuns: number } {
  if (minutes === 0) return { numRuns: Math.max(1, Math.round(Number(FUZZ_RUNS) / costs)) };
  if (!limited) fc.installGlobalPlugin(fc.interruptAfterTimeLimit((minutes * 60_000) / properties));
  limited = true;
  return { numRuns: Number.MAX_SAFE_INTEGER };
}
