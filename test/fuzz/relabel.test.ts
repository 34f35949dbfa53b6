/** Relabelling agrees with a second, independent reading of Prometheus' documentation, expressions included. */
import assert from "node:assert/strict";
import fc from "../support/property.ts";
import { compileRelabel } from "../../src/sink/relabel/apply.ts";
import { compilePattern } from "../../src/sink/relabel/pattern.ts";
import { relabelRuleSchema } from "../../src/sink/relabel/schema.ts";
import { fuzz } from "./fuzzing.ts";
import { everything, isTaken } from "./relabel-validity.ts";
import { expand, match, process, source, type Meant, type Rule, type Tree } from "./relabel-model.ts";

const letters = ["a", "b", "_", "1", "."] as const;
const letter = fc.constantFrom(...letters);

/** Matches at least one character, so that a repetition of it has one meaning in every engine. */
const { solid } = fc.letrec<{ solid: Tree }>((tie) => ({
  solid: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    letter.map((text): Tree => ({ is: "text", text })),
    fc.constant<Tree>({ is: "any" }),
    fc
      .tuple(fc.uniqueArray(letter, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([members, negated]): Tree => ({ is: "class", members: members.join(""), negated })),
    fc.array(tie("solid"), { minLength: 1, maxLength: 3 }).map((parts): Tree => ({ is: "sequence", parts })),
    fc.array(tie("solid"), { minLength: 2, maxLength: 3 }).map((parts): Tree => ({ is: "choice", parts })),
    tie("solid").map((part): Tree => ({ is: "group", part })),
    fc
      .tuple(tie("solid"), fc.constantFrom([1, Infinity], [1, 2], [2, 3]), fc.boolean())
      .map(([part, [least = 1, most = 1], lazy]): Tree => ({ is: "repeat", part, least, most, lazy })),
    fc
      .tuple(tie("solid"), tie("solid"), fc.constantFrom(1, Infinity), fc.boolean())
      .map(([first, part, most, lazy]): Tree => {
        return { is: "sequence", parts: [first, { is: "repeat", part, least: 0, most, lazy }] };
      }),
  ),
}));
const tree: fc.Arbitrary<Tree> = fc.oneof(
  solid,
  solid.map((part): Tree => ({ is: "repeat", part, least: 0, most: Infinity, lazy: false })),
  solid.map((part): Tree => ({ is: "group", part, name: "all" })),
  fc.constant(everything),
);

const subject = fc.string({ unit: fc.constantFrom(...letters, "\n"), maxLength: 8 });
const template = fc
  .array(
    fc.constantFrom(
      "$1",
      "${1}",
      "$2",
      "${3}",
      "$0",
      "${all}",
      "$all",
      "$$",
      "$",
      "${",
      "x",
      "_",
      "}",
      "$1x",
      "$01",
    ),
    {
      maxLength: 3,
    },
  )
  .map((parts) => parts.join(""));

fuzz("an expression matches the same texts with the same groups", {
  inputs: fc.tuple(tree, fc.array(subject, { minLength: 1, maxLength: 5 }), template),
  costs: 0.2,
  prepare:
    () =>
    ([meant, texts, wanted]) => {
      const compiled = compilePattern(source(meant));
      assert.ok(compiled.ok, compiled.ok ? "" : compiled.error);
      const { pattern } = compiled;
      for (const text of texts) {
        const groups = match(meant, text);
        const expected = groups === undefined ? undefined : expand(wanted, groups);
        assert.equal(pattern.match(text)?.expand(wanted), expected, `${source(meant)} on ${text}`);
      }
    },
});

const name = fc.constantFrom("a", "b", "ab", "a_1", "__name__", "job", "instance");
const value = fc.oneof(
  subject,
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.constantFrom("Straße", "İzmir", "ΑΣ", "ﬁn", "ᾳ", "ǅ"),
);
const labels = fc.dictionary(name, value, { noNullPrototype: true }).map((some) => ({
  __name__: "up",
  ...Object.fromEntries(Object.entries(some).filter(([, one]) => one !== "")),
}));

const actions = [
  ...["replace", "keep", "drop", "keepequal", "dropequal", "hashmod"],
  ...["lowercase", "uppercase", "labelmap", "labeldrop", "labelkeep"],
];
const sources = fc.array(name, { maxLength: 3 });
const rule: fc.Arbitrary<Rule> = fc.oneof(
  fc.record(
    {
      action: fc.constant("replace"),
      source_labels: sources,
      separator: fc.constantFrom(";", "", "_"),
      target_label: fc.constantFrom("a", "new", "${1}", "a_$1", "__name__"),
      replacement: template,
    },
    { requiredKeys: ["action", "target_label"] },
  ),
  fc.record({ action: fc.constantFrom("keep", "drop"), source_labels: sources }),
  fc.record({
    action: fc.constantFrom("keepequal", "dropequal", "lowercase", "uppercase"),
    source_labels: sources,
    target_label: name,
  }),
  fc.record({
    action: fc.constant("hashmod"),
    source_labels: sources,
    target_label: name,
    modulus: fc.integer({ min: 1, max: 1000 }),
  }),
  fc.record({
    action: fc.constant("labelmap"),
    replacement: fc.constantFrom("x_$1", "$1", "${1}_y", "same"),
  }),
  fc.record({ action: fc.constantFrom("labeldrop", "labelkeep") }),
);

const meant: fc.Arbitrary<Meant> = fc
  .record({ rule, tree: fc.option(tree, { nil: undefined, freq: 3 }) })
  .map(({ rule, tree }) => {
    const hasNoRegex = tree === undefined || rule.action === "keepequal" || rule.action === "dropequal";
    return hasNoRegex ? { rule } : { rule, tree };
  });

function written({ rule, tree }: Meant): unknown {
  return tree === undefined ? rule : { ...rule, regex: source(tree) };
}

fuzz("a chain of rules leaves the labels that the model leaves, or drops the series as it does", {
  inputs: fc.tuple(labels, fc.array(meant, { minLength: 1, maxLength: 3 })),
  costs: 0.2,
  compares: 0.7,
  prepare:
    (_, compared) =>
    ([given, rules]) => {
      const read = rules.map((one) => relabelRuleSchema.safeParse(written(one)));
      assert.deepEqual(
        read.map(({ success }) => success),
        rules.map(isTaken),
      );
      const taken = read.flatMap((one) => (one.success ? [one.data] : []));
      if (taken.length === rules.length) compared();
      const result = compileRelabel(taken)(new Map(Object.entries(given)));
      const shown = result === undefined ? undefined : Object.fromEntries(result);
      assert.deepEqual(shown, process(given, rules.filter(isTaken)));
    },
});

/** Any keys on any action: most of it is what Prometheus refuses on loading. */
const anyMeant: fc.Arbitrary<Meant> = fc
  .tuple(
    fc.record(
      {
        action: fc.constantFrom(...actions),
        source_labels: sources,
        separator: fc.constantFrom(";", "_"),
        target_label: fc.constantFrom("", "a", "1a", "${1}", "$a_b", "a-b", "é", "$$", "$"),
        replacement: fc.constantFrom("$1", "", "x", "x_${2}", "a b", "${all}", "$$1"),
        modulus: fc.nat(2),
      },
      { requiredKeys: ["action"] },
    ),
    fc.option(tree, { nil: undefined }),
  )
  .map(([rule, tree]) => (tree === undefined ? { rule } : { rule, tree }));

fuzz("a rule is taken if Prometheus takes it, and refused with the key that is wrong if not", {
  inputs: anyMeant,
  costs: 0.2,
  prepare: () => (one) => {
    const { success, error } = relabelRuleSchema.safeParse(written(one));
    assert.equal(success, isTaken(one));
    for (const { path } of error?.issues ?? []) assert.ok(path.length > 0);
  },
});
