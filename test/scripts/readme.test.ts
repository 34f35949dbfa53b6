/** Commands that README and CONTRIBUTING show are there, with their options. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const text = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "launchd/README.md",
  "config/receivers.md",
  "config/exporters.md",
]
  .map((path) => readFileSync(join(root, path), "utf8"))
  .join("\n");
const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  scripts: Record<string, string>;
};

function helpOf(verb: string): string {
  const { status, stdout } = spawnSync(process.execPath, [join(root, "src/cli.ts"), verb, "--help"], {
    encoding: "utf8",
  });
  assert.equal(status, 0, verb);
  return stdout;
}

test("every command and option of the agent that is shown exists", () => {
  const shown = new Map<string, Set<string>>();
  for (const [, verb = "", rest = ""] of text.matchAll(
    /(?:mac-powermetrics-agent|src\/cli\.ts) ([a-z]+)((?: [^\s`#,.;:)]+)*)/g,
  )) {
    const flags = shown.get(verb) ?? shown.set(verb, new Set()).get(verb);
    for (const [flag] of rest.matchAll(/--[a-z-]+/g)) flags?.add(flag);
  }
  const known = new Set([...helpOf("help").matchAll(/^ {2}([a-z]+)\b/gm)].map(([, verb = ""]) => verb));
  const commands = [...shown.keys()].filter((verb) => known.has(verb));
  assert.ok(commands.length >= 8, commands.join(" "));
  for (const verb of ["install", "uninstall", "status", "doctor", "once"])
    assert.ok(commands.includes(verb), verb);
  for (const verb of commands) {
    const help = helpOf(verb);
    for (const flag of shown.get(verb) ?? []) assert.ok(help.includes(flag), `${verb} ${flag}`);
  }
});

test("every npm script and script of CI that is shown exists", () => {
  for (const [, name = ""] of text.matchAll(/npm run ([a-z]+)/g))
    assert.ok(scripts[name] !== undefined, name);
  for (const [path] of text.matchAll(/\.ci\/[\w/]+/g)) assert.ok(existsSync(join(root, path)), path);
});
