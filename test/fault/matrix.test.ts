/** The table of faults names tests that exist, and no test of this folder is missing in it. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";
import ts from "typescript";

interface Row {
  readonly file: string;
  readonly name: string;
}

const rows: readonly Row[] = readFileSync(new URL("README.md", import.meta.url), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .slice(1)
  .map(rowOf);

/** The last column: a file relative to this folder, and a test's name. */
function rowOf(line: string): Row {
  const [, file, name] = /\| `([^`]+\.test\.ts)`: (.+) \|$/.exec(line) ?? [];
  if (file === undefined || name === undefined) assert.fail(`a row must end with a test, got ${line}`);
  return { file, name };
}

/** What `test` is called with in a file, `…` for what is computed. */
function namesIn(file: string): readonly string[] {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  const names: string[] = [];
  function visit(node: ts.Node): void {
    const [name] = ts.isCallExpression(node) && node.expression.getText() === "test" ? node.arguments : [];
    if (name !== undefined && ts.isStringLiteralLike(name)) names.push(name.text);
    if (name !== undefined && ts.isTemplateExpression(name))
      names.push(name.head.text + name.templateSpans.map(({ literal }) => `…${literal.text}`).join(""));
    ts.forEachChild(node, visit);
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return names;
}

test("every row of the table names a test that exists", () => {
  assert.ok(rows.length >= 14, `got ${rows.length} rows`);
  for (const { file, name } of rows)
    assert.ok(namesIn(file).includes(name), `${file} has no test called ${name}`);
});

test("every test of a fault has its row in the table", () => {
  const files = readdirSync(new URL(".", import.meta.url)).filter((name) =>
    /^(?!matrix).*\.test\.ts$/.test(name),
  );
  for (const file of files)
    for (const name of namesIn(file))
      assert.ok(
        rows.some((row) => row.file === file && row.name === name),
        `the table has no row for ${file}: ${name}`,
      );
});
