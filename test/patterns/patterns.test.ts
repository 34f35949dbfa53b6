/**
 * No regular expression of src/ backtracks: whatever it is searched in, the steps that an engine takes grow with the length of the
 * text and no faster. Each is listed from the source, fed with texts made of its own parts, and its steps are counted.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { hostileTexts } from "./hostile-texts.ts";
import { countSteps } from "./steps.ts";

const root = fileURLToPath(new URL("../../src/", import.meta.url));
const lengths = [200, 800] as const;
/** A linear search takes four times the steps for four times the text, a quadratic one sixteen times. */
const mostGrowth = 6;
/** So many for each character are nothing to worry about: a megabyte then takes a tenth of a second. */
const fewSteps = 10;
/** A repetition with a bound is linear beyond it, yet slow if the bound is high. */
const mostSteps = 100;

/**
 * Patterns put together from parts can't be looked at. These are the redactor's: every repetition in them has a bound, and they run
 * once, by hand, over reports of bounded size.
 */
const putTogether = ["diagnosis/redact-patterns.ts"];

interface Found {
  readonly place: string;
  readonly literal: string;
}

function patternsIn(path: string, text: string): readonly Found[] {
  const found: Found[] = [];
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const visit = (node: ts.Node): void => {
    const place = `${path}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
    if (ts.isRegularExpressionLiteral(node)) found.push({ place, literal: node.text });
    const isCall = ts.isNewExpression(node) || ts.isCallExpression(node);
    if (isCall && node.expression.getText() === "RegExp" && !putTogether.includes(path))
      assert.fail(
        `${place} must write its pattern as a literal: one that is put together can't be looked at`,
      );
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

/** One line on the text that takes too many steps; undefined where none does. */
function slowest(literal: string): string | undefined {
  const counter = countSteps(literal);
  for (const text of hostileTexts(literal)) {
    const [short, long] = lengths.map((length) => text(length));
    const [few, many] = [counter.steps(short ?? ""), counter.steps(long ?? "")];
    const each = many / (long?.length ?? 1);
    if (each > mostSteps || (each > fewSteps && many > mostGrowth * few))
      return `${few} and ${many} steps for ${lengths.join(" and ")} characters such as ${JSON.stringify(text(40))}`;
  }
  return undefined;
}

test("each expression of src/ takes steps in proportion to the text", () => {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  const all = files.flatMap((path) => patternsIn(path, readFileSync(join(root, path), "utf8")));
  assert.ok(all.length > 100, `got ${all.length} expressions`);
  const slow = all.flatMap(({ place, literal }) => {
    const found = slowest(literal);
    return found === undefined ? [] : [`src/${place} ${literal}: ${found}`];
  });
  assert.deepEqual(slow, []);
});

test("expressions that backtrack are known for what they are", () => {
  const slow = [
    "/^(a+)+$/",
    "/^(?:a|a)*b$/",
    "/^(?:a|aa)+$/",
    "/^(?:\\w+\\s?)*:$/",
    "/\\s+$/",
    "/^a*a*$/",
    "/^\\s*([^=]+?)\\s*=/",
    "/a.*b/",
    "/sudo: .*(?:password|not allowed)/i",
    "/^.*Warning: .*$/",
    "/\\$\\{\\w+:-[^}]{0,4096}\\}/g",
    "/([0-9]+)([a-z]+)/g",
    "/^\\s*state = (.+)$/m",
  ];
  const linear = [
    "/^a+$/",
    "/\\s+/g",
    "/(?<!\\/)\\/+$/",
    "/^(?:a|b)*$/",
    "/^\\w+ \\d+(?: \\(.*\\))?$/",
    "/([0-9]+)([a-z]+)/gy",
    "/error:[0-9A-F]+:[^:]*:/",
  ];
  assert.deepEqual(
    slow.filter((literal) => slowest(literal) === undefined),
    [],
  );
  assert.deepEqual(
    linear.filter((literal) => slowest(literal) !== undefined),
    [],
  );
});
