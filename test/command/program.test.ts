/** The command line as people type it: help with examples, the version, a summary for people. */
import assert from "node:assert/strict";
import test from "node:test";
import { run } from "../cli/agent.ts";

test("each command's help ends with command lines to copy", async () => {
  const { stdout } = await run(["--help"]);
  const verbs = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, verb = ""]) => verb);
  assert.ok(verbs.length > 15, verbs.join());
  for (const verb of verbs) {
    if (verb === "help") continue;
    const help = await run([verb, "--help"]);
    assert.equal(help.code, 0, verb);
    assert.match(help.stdout, new RegExp(`^Examples?:\\n {2}mac-powermetrics-agent ${verb}`, "m"));
  }
});

test("version says what runs where", async () => {
  const { stdout } = await run(["version"]);
  assert.match(
    stdout,
    /^mac-powermetrics-agent \d+\.\d+\.\d+, Node\.js \d+\.\d+\.\d+, [a-z0-9]+ [a-z0-9]+\n$/,
  );
});

test("a summary has what a person asks first, and leaves out what the machine lacks", async () => {
  const { stdout } = await run(["once", "--simulate", "--format", "summary"]);
  assert.match(stdout, /^Whole machine +\d+(?:\.\d+)? m?W$/m);
  assert.match(stdout, /^CPU power +\d+(?:\.\d+)? m?W +\d+(?:\.\d+)? % active$/m);
  assert.match(stdout, /^Series: .*powermetrics \d+/m);
  assert.doesNotMatch(stdout, /not reported|undefined|NaN/);
});
