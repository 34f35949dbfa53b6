/** The reporter of tests that were left out: it names them, lists their files, and fails the run where .ci/run asks for that. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { temporaryFolder } from "../support/folder.ts";

const reporter = fileURLToPath(new URL("../support/left-out.ts", import.meta.url));

function ran(t: TestContext, body: string, isStrict = true) {
  const folder = temporaryFolder(t);
  const file = join(folder, "some.test.mjs");
  const list = join(folder, "left-out");
  writeFileSync(file, `import test, { describe } from "node:test";\n${body}`);
  // Without this, node --test takes itself for a test file of ours.
  const { NODE_TEST_CONTEXT: _ours, REQUIRE_ALL: _strict, ...env } = process.env;
  const { status, stdout } = spawnSync(process.execPath, ["--test", `--test-reporter=${reporter}`, file], {
    env: { ...env, LEFT_OUT: list, ...(isStrict && { REQUIRE_ALL: "1" }) },
    encoding: "utf8",
  });
  return { status, stdout, file, list: readFileSync(list, "utf8") };
}

for (const [how, body] of [
  ["an option", `test("one", { skip: "no captures" }, () => {});`],
  ["an option of its suite", `describe("all", { skip: "no captures" }, () => { test("one", () => {}); });`],
  ["a call", `test("one", (t) => t.skip("no captures"));`],
] as const)
  test(`a test that is left out by ${how} fails a strict run, and is named with its reason and its file`, (t) => {
    const { status, stdout, file, list } = ran(t, `test("other", () => {});\n${body}`);
    assert.equal(status, 1);
    assert.match(stdout, /left out:\n.*some\.test\.mjs: (?:one|all): no captures\n/);
    assert.equal(list, `${file}\n`);
  });

test("outside .ci/run a test that is left out is named, and the run passes", (t) => {
  const { status, stdout } = ran(t, `test("other", () => {});\ntest("one", { skip: "no captures" });`, false);
  assert.match(stdout, /one: no captures/);
  assert.equal(status, 0);
});

test("a strict run in which nothing is left out, or what is excused, passes", (t) => {
  const { status, stdout, list } = ran(
    t,
    `test("other", () => {});\ntest("one", { skip: "excused: no history" }, () => {});`,
  );
  assert.deepEqual({ status, stdout, list }, { status: 0, stdout: "", list: "" });
});
