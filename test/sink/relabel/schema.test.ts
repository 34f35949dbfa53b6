/** What a rule must look like: the checks that Prometheus makes on loading, each with its key. */
import assert from "node:assert/strict";
import test from "node:test";
import { relabelRuleSchema } from "../../../src/sink/relabel/schema.ts";

test("an empty rule has Prometheus' defaults, and needs a target", () => {
  assert.deepEqual(relabelRuleSchema.parse({ target_label: "a" }), {
    source_labels: [],
    separator: ";",
    target_label: "a",
    regex: "(.*)",
    modulus: 0,
    replacement: "$1",
    action: "replace",
  });
  assert.equal(relabelRuleSchema.safeParse({}).success, false);
});

test("a rule that Prometheus would refuse is refused at its key", () => {
  const cases: readonly (readonly [object, string])[] = [
    [{ action: "replace" }, "target_label"],
    [{ target_label: "1a" }, "target_label"],
    [{ target_label: "a-b" }, "target_label"],
    [{ target_label: "${a" }, "target_label"],
    [{ action: "hashmod", target_label: "a" }, "modulus"],
    [{ action: "hashmod", target_label: "$1", modulus: 2 }, "target_label"],
    [{ action: "lowercase" }, "target_label"],
    [{ action: "uppercase", target_label: "a", replacement: "x" }, "replacement"],
    [{ action: "keepequal", target_label: "${1}" }, "target_label"],
    [{ action: "dropequal", target_label: "a", regex: "x" }, "regex"],
    [{ action: "dropequal", target_label: "a", separator: "," }, "separator"],
    [{ action: "labelmap", replacement: "a-$1" }, "replacement"],
    [{ action: "labeldrop", source_labels: ["a"] }, "source_labels"],
    [{ action: "labelkeep", target_label: "a" }, "target_label"],
    [{ action: "keep", regex: "a".repeat(65_537) }, "regex"],
    [{ action: "explode" }, "action"],
    [{ action: "keep", modulus: -1 }, "modulus"],
  ];
  for (const [rule, key] of cases) {
    const { error } = relabelRuleSchema.safeParse(rule);
    assert.deepEqual(
      error?.issues.map(({ path }) => path.join(".")),
      [key],
      JSON.stringify(rule),
    );
  }
});

test("a rule that Prometheus takes is taken", () => {
  const rules: readonly object[] = [
    { target_label: "a" },
    { target_label: "${1}_x$2", regex: "(.*)-(.*)" },
    { action: "keep", source_labels: ["a"], regex: "(?i)x|y" },
    { action: "drop", source_labels: ["__name__"], regex: "go_.*" },
    { action: "hashmod", source_labels: ["a"], target_label: "shard", modulus: 3 },
    { action: "lowercase", source_labels: ["a"], target_label: "a" },
    { action: "keepequal", source_labels: ["a"], target_label: "b" },
    { action: "labelmap", regex: "x_(.+)" },
    { action: "labeldrop", regex: "x_.+" },
  ];
  for (const rule of rules) assert.ok(relabelRuleSchema.safeParse(rule).success, JSON.stringify(rule));
});
