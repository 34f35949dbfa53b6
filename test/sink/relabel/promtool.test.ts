/**
 * Prometheus itself as the oracle of expressions: PromQL's label_replace compiles and expands them as relabelling does, and
 * `promtool test rules` evaluates it; `promtool check config` says which rules are refused.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import fc from "../../support/property.ts";
import { compilePattern } from "../../../src/sink/relabel/pattern.ts";
import { findReceiver, skipWithout } from "../../support/receivers.ts";
import { temporaryFolder } from "../../support/folder.ts";

const skip = skipWithout("promtool");

const parts = [
  ...["a", "b", "_", "1", ".", "é", "\\.", "\\d", "\\w", "\\s", "\\pL", "\\b", "\\B", "[ab]", "[^a]"],
  ...[
    "[[:alpha:]]",
    "[[:^digit:]_]",
    "(a)",
    "(?:a|b)",
    "(a|b)",
    "(?i:B)",
    "(?P<n>.)",
    "(?U)",
    "(?s)",
    "(?-s)",
    "(?m)",
  ],
  ...[
    "*",
    "+",
    "?",
    "*?",
    "{1,2}",
    "{2}",
    "|",
    "^",
    "$",
    "\\x41",
    "\\Qa.\\E",
    "(?:(a)|b)*",
    "((a)|(b))+",
    "(",
    ")",
  ],
];
const cases = fc.record({
  regex: fc.array(fc.constantFrom(...parts), { minLength: 1, maxLength: 5 }).map((some) => some.join("")),
  text: fc.string({
    unit: fc.constantFrom("a", "b", "B", "_", "1", ".", "é", " ", "\n"),
    minLength: 1,
    maxLength: 6,
  }),
  template: fc.constantFrom("[$0]", "[$1]", "[${n}]", "[${2}|$1]", "$$$1x", "[$1x]", "[$01]", "[${1]"),
});

function promtool(
  context: TestContext,
  args: readonly string[],
  document: unknown,
): { code: number | null; told: string } {
  const file = join(temporaryFolder(context), "file.yaml");
  writeFileSync(file, JSON.stringify(document));
  const { status, stdout, stderr } = spawnSync(findReceiver("promtool") ?? "promtool", [...args, file], {
    encoding: "utf8",
  });
  return { code: status, told: `${stdout}${stderr}` };
}

test("expressions match and expand as Prometheus evaluates them", { skip }, (context) => {
  const quoted = (text: string): string => JSON.stringify(text);
  const given = fc.sample(cases, { numRuns: 600, seed: 20_261_129 });
  const judged = given.flatMap(({ regex, text, template }) => {
    const compiled = compilePattern(regex);
    if (!compiled.ok) return [];
    const result = compiled.pattern.match(text)?.expand(template);
    const out = result === undefined || result === "" ? "" : `, out=${quoted(result)}`;
    return [
      {
        expr: `label_replace(label_replace(vector(1), "in", ${quoted(text.replaceAll("$", "$$$$"))}, "", ""), "out", ${quoted(template)}, "in", ${quoted(regex)})`,
        eval_time: "1m",
        exp_samples: [{ labels: `{in=${quoted(text)}${out}}`, value: 1 }],
      },
    ];
  });
  assert.ok(judged.length > 200, `${judged.length} expressions were compared`);
  const { code, told } = promtool(context, ["test", "rules"], {
    tests: [{ interval: "1m", promql_expr_test: judged }],
  });
  assert.equal(code, 0, told);
});

// Two groups of one name are the exception: Prometheus takes them, re2js does not.
test("an expression is refused if and only if Prometheus refuses it", { skip }, (context) => {
  const chosen = [
    ...[
      "(?U)a",
      "[[:^alpha:]]",
      "x{1000}",
      "x{1001}",
      "(?:x{2}){501}",
      "(?=a)",
      "(?<n>a)",
      "a**",
      "\\Q(",
      "a)(b",
    ],
    ...fc.sample(cases, { numRuns: 40, seed: 1 }).map(({ regex }) => regex),
  ];
  for (const regex of new Set(chosen)) {
    const rule = { source_labels: ["a"], regex, action: "keep" };
    const document = { remote_write: [{ url: "http://127.0.0.1/", write_relabel_configs: [rule] }] };
    const { code, told } = promtool(context, ["check", "config", "--lint=none"], document);
    assert.equal(compilePattern(regex).ok, code === 0, `${regex}: ${told}`);
  }
});
