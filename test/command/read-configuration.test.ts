/** What `run` makes of the process that reads its configuration, and what that process makes of the command line. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { runProgram, type RunArguments } from "../../src/command/program.ts";
import { plainArguments, readConfiguration } from "../../src/command/read-configuration.ts";
import type { StartContext, CommandContext } from "../../src/command/context.ts";
import { systemClock } from "../../src/runtime/clock.ts";

/** The process is played by a script that fails in every way. */
function worldOf(script: string, signal = new AbortController().signal): StartContext {
  const self = [process.execPath, "-e", script];
  return {
    clock: systemClock,
    env: process.env,
    cwd: "/",
    version: "1.2.3",
    self,
    signal,
  };
}

test("what the other process settled is taken as it is, and its complaints with their exit code", async () => {
  const reply = {
    version: "1.2.3",
    answer: { code: 78, stdout: "", stderr: "a.yaml:1:1: nothing is right\n" },
  };
  const script = `console.log("a flag prints", [1]);\nconsole.log(${JSON.stringify(JSON.stringify(reply))});console.log("more")`;
  assert.deepEqual(await readConfiguration([], worldOf(script)), reply.answer);
});

for (const [name, script, cause] of [
  ["dies", "console.error('no memory'); process.exit(9)", /^cannot read the configuration: no memory$/],
  ["says nothing", "", /^cannot read the configuration: .*JSON/],
  [
    "is of another version",
    `process.stdout.write(JSON.stringify({ version: "2.0.0", answer: {} }))`,
    /^cannot read the configuration: the agent here was replaced by 2\.0\.0: restart it$/,
  ],
] as const)
  test(`a reader that ${name} is a temporary failure that says why`, async () => {
    const settled = await readConfiguration([], worldOf(script));
    assert.ok("code" in settled);
    assert.equal(settled.code, 75);
    assert.match(settled.stderr.trimEnd(), cause);
  });

test("a program that is gone is a temporary failure, and a stop ends the reader", async () => {
  const gone = await readConfiguration([], { ...worldOf(""), self: ["/nowhere/node"] });
  assert.match("code" in gone ? gone.stderr : "", /^cannot read the configuration: .*\/nowhere\/node/);
  const stop = new AbortController();
  const hanging = readConfiguration([], worldOf("setInterval(() => 0, 1e6)", stop.signal));
  stop.abort();
  assert.match(JSON.stringify(await hanging), /ended early \(stopped\)/);
});

const silent = {
  version: "1.2.3",
  stdout: () => undefined,
  stderr: () => undefined,
} as unknown as CommandContext;

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
