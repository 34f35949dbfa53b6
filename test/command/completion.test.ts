import test from "node:test";
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Argument, Command, Option } from "commander";
import { completionScript, shells, type Shell } from "../../src/command/completion.ts";
import type { CommandContext } from "../../src/command/context.ts";
import { createProgram } from "../../src/command/program.ts";
import { temporaryFolder } from "../cli/agent.ts";

const name = "mac-powermetrics-agent";

function program(): Command {
  const root = new Command(name);
  root
    .command("once")
    .description("one sample, the user's own [really]")
    .option("-c, --config <file>", "a file")
    .addOption(new Option("--format <format>", "form: of the output").choices(["json", "table"]));
  root
    .command("completion")
    .description("print")
    .addArgument(new Argument("<shell>").choices(["bash", "zsh"]));
  return root;
}

/** What bash offers for these words, the last one being typed. */
function offered(...words: string[]): string[] {
  return offeredBy(program(), ...words);
}

function offeredBy(grammar: Command, ...words: string[]): string[] {
  const script = `${completionScript("bash", grammar)}
COMP_WORDS=(${name} ${words.map((word) => `'${word}'`).join(" ")})
COMP_CWORD=${words.length}
_mac_powermetrics_agent
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync("bash", ["-c", script], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line !== "");
}

test("bash completes verbs, their options, and the values of both", () => {
  assert.deepEqual(offered("on"), ["once"]);
  assert.deepEqual(offered("once", "--fo"), ["--format"]);
  assert.deepEqual(offered("once", "--format", ""), ["json", "table"]);
  assert.deepEqual(offered("completion", "z"), ["zsh"]);
});

test("bash leaves files to the shell where an option takes one", () => {
  assert.deepEqual(offered("once", "--config", ""), []);
});

test("the values of our own verbs and options are offered, beside the next option where they may be left out", () => {
  const own = createProgram({ version: "1.2.3" } as CommandContext);
  const bash = (...words: string[]): string[] => offeredBy(own, ...words);
  assert.deepEqual(bash("journal", "").slice(0, 3), ["stats", "export", "forget"]);
  assert.deepEqual(bash("config", "").slice(0, 3), ["example", "schema", "print"]);
  assert.deepEqual(bash("completion", "f"), ["fish"]);
  assert.deepEqual(bash("simulate", "p"), ["powermetrics", "pmset"]);
  assert.deepEqual(bash("once", "--format", "s"), ["summary"]);
  assert.deepEqual(bash("run", "--log.level", "w"), ["warn"]);
  assert.deepEqual(bash("once", "--simulate", "a"), ["always", "auto"]);
  assert.deepEqual(bash("once", "--simulate", "--p"), ["--push"]);
});

const fish = spawnSync("fish", ["-c", "true"]).status === 0 ? false : "fish is not here";

test("fish offers the same", { skip: fish }, (t) => {
  const file = join(temporaryFolder(t), "completion.fish");
  writeFileSync(file, completionScript("fish", createProgram({ version: "1.2.3" } as CommandContext)));
  const offeredFor = (line: string): string[] => {
    const command = `source ${file}; complete -C ${JSON.stringify(`${name} ${line}`)}`;
    const printed = execFileSync("fish", ["--no-config", "-c", command], { encoding: "utf8" });
    return printed.split("\n").map((row) => row.split("\t")[0] ?? "");
  };
  assert.ok(offeredFor("journal ").includes("forget"));
  assert.ok(offeredFor("once --format ").includes("summary"));
  assert.ok(offeredFor("once --simulate=").some((value) => value.endsWith("auto")));
});

for (const shell of shells) {
  const here = spawnSync(shell, ["-c", "true"]).status === 0;
  test(`${shell} takes its script`, { skip: here ? false : `${shell} is not here` }, (t) => {
    const file = join(temporaryFolder(t), shell);
    writeFileSync(file, completionScript(shell, program()));
    const { status, stderr } = spawnSync(shell, ["-n", file], { encoding: "utf8" });
    assert.equal(status, 0, stderr);
  });
}

test("every verb and every option is in each shell's script, with quotes that hold", () => {
  for (const shell of shells satisfies readonly Shell[]) {
    const script = completionScript(shell, program());
    for (const word of ["once", "completion", "config", "format", "json", "help"])
      assert.ok(script.includes(word), `${shell}: ${word}`);
    if (shell !== "bash") assert.ok(script.includes(String.raw`user'\''s own`), shell);
  }
});
