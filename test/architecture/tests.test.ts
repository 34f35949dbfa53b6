/** What all tests have in common. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../", import.meta.url));
const files = globSync("**/*.ts", { cwd: folder }).filter((path) => !path.startsWith("architecture/"));

/** The files in which the pattern stands, but for those that may have it. */
function having(pattern: RegExp, allowed: readonly RegExp[]): readonly string[] {
  assert.ok(files.length > 100, `got ${files.length} files`);
  return files.filter(
    (path) => !allowed.some((one) => one.test(path)) && pattern.test(readFileSync(folder + path, "utf8")),
  );
}

test("properties have the fixed seed: fast-check comes from support/property.ts", () => {
  assert.deepEqual(having(/from "fast-check"/, [/^support\/property\.ts$/]), []);
});

test("nothing of a test is drawn", () => {
  assert.deepEqual(having(/Math\.random\(/, [/^fuzz\/run\.ts$/, /^bench\//]), []);
});
