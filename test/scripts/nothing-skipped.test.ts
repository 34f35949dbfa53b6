/** The reporter of .ci/run fails a run in which a test was left out, whatever the test left it out with. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../support/folder.ts";

const reporter = fileURLToPath(new URL("../support/nothing-skipped.ts", import.meta.url));

function ran(t: TestContext, body: string): { status: number | null; stdout: string } {
  const file = join(temporaryFolder(t), "some.test.mjs");
  writeFileSync(file, `import test, { describe } from "node:test";\n${body}`);
  // Without this, node --test takes itself for a test file of ours.
  const { NODE_TEST_CONTEXT: _ours, ...env } = process.env;
  return spawnSync(process.execPath, ["--test", `--test-reporter=${reporter}`, file], {
    env,
    encoding: "utf8",
  });
}

for (const [how, body] of [
  ["an option", `test("one", { skip: "no captures" }, () => {});`],
  ["an option of its suite", `describe("all", { skip: "no captures" }, () => { test("one", () => {}); });`],
  ["a call", `test("one", (t) => t.skip("no captures"));`],
] as const)
  test(`a test that is left out by ${how} fails the run and is named with its reason`, (t) => {
    const { status, stdout } = ran(t, `test("other", () => {});\n${body}`);
    assert.equal(status, 1);
    assert.match(stdout, /left out:\n.*some\.test\.mjs: (?:one|all): no captures\n/);
  });

test("a run in which nothing is left out, or what is excused, passes", (t) => {
  const { status, stdout } = ran(
    t,
    `test("other", () => {});\ntest("one", { skip: "excused: no history" }, () => {});`,
  );
  assert.equal(stdout, "");
  assert.equal(status, 0);
});
