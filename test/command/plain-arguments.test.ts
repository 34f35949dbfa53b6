/** The short way to read the command line of `run` beside the grammar: the same answer, or none. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { plainArguments } from "../../src/command/plain-arguments.ts";
import { runProgram, type RunArguments } from "../../src/command/program.ts";
import type { World } from "../../src/command/world.ts";

const silent = { version: "1.2.3", stdout: () => undefined, stderr: () => undefined } as unknown as World;

async function byGrammar(args: readonly string[]): Promise<RunArguments | undefined> {
  let found: RunArguments | undefined;
  await runProgram(["run", ...args], silent, (run) => {
    found = run;
    return 0;
  });
  return found;
}

test("the arguments of launchd and of a trial are read without the grammar, as the grammar reads them", async () => {
  for (const args of [
    [],
    ["--config", "/a/agent.yaml", "--pid-file", "/b/agent.pid", "--log-file", "/c/agent.log"],
    ["--simulate", "--config", "a.yaml"],
    ["--simulate", "auto"],
    ["--config", "a.yaml", "--config", "b.yaml"],
  ]) {
    assert.ok(plainArguments(args), args.join(" "));
    assert.deepEqual(plainArguments(args), await byGrammar(args));
  }
});

test("whatever the arguments are, they are read as the grammar reads them, or left to it", async () => {
  const word = fc.constantFrom(
    ...[
      "--config",
      "--pid-file",
      "--log-file",
      "--simulate",
      "auto",
      "always",
      "a.yaml",
      "",
      "-",
      "--",
      "-h",
      "--help",
    ],
    ...[
      "--config=a.yaml",
      "--simulate=auto",
      "--log.level",
      "debug",
      "--web.listen-address",
      ":0",
      "__proto__",
    ],
  );
  await fc.assert(
    fc.asyncProperty(fc.array(word, { maxLength: 6 }), async (args) => {
      const plain = plainArguments(args);
      if (plain !== undefined) assert.deepEqual(plain, await byGrammar(args));
    }),
    { numRuns: 1000 },
  );
});
