/** What `run` makes of the process that reads its configuration: here played by scripts that fail in every way. */
import assert from "node:assert/strict";
import test from "node:test";
import { settleApart } from "../../src/command/apart.ts";
import type { StartWorld } from "../../src/command/world.ts";
import { systemClock } from "../../src/runtime/clock.ts";

function worldOf(script: string, signal = new AbortController().signal): StartWorld {
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
  assert.deepEqual(await settleApart([], worldOf(script)), reply.answer);
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
    const settled = await settleApart([], worldOf(script));
    assert.ok("code" in settled);
    assert.equal(settled.code, 75);
    assert.match(settled.stderr.trimEnd(), cause);
  });

test("a program that is gone is a temporary failure, and a stop ends the reader", async () => {
  const gone = await settleApart([], { ...worldOf(""), self: ["/nowhere/node"] });
  assert.match("code" in gone ? gone.stderr : "", /^cannot read the configuration: .*\/nowhere\/node/);
  const stop = new AbortController();
  const hanging = settleApart([], worldOf("setInterval(() => 0, 1e6)", stop.signal));
  stop.abort();
  assert.match(JSON.stringify(await hanging), /ended early \(stopped\)/);
});
