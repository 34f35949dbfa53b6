/** Relabelling as Prometheus documents it, rule by rule. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { compileRelabel } from "../../../src/sink/relabel/apply.ts";
import { relabelRuleSchema } from "../../../src/sink/relabel/schema.ts";

type Labels = Readonly<Record<string, string>>;

/** The labels after the rules, without `__name__`; undefined for a dropped series. */
function relabel(labels: Labels, ...rules: readonly object[]): Labels | undefined {
  const apply = compileRelabel(rules.map((rule) => relabelRuleSchema.parse(rule)));
  const result = apply(new Map(Object.entries({ __name__: "up", ...labels })));
  if (result === undefined) return undefined;
  const { __name__: name, ...rest } = Object.fromEntries(result);
  return name === "up" ? rest : { ...rest, __name__: name ?? "" };
}

const abc = { a: "foo", b: "bar", c: "baz" };

test("replace writes the expansion of a match into the target", () => {
  assert.deepEqual(
    relabel(abc, { source_labels: ["a"], regex: "f(.*)", target_label: "d", replacement: "ch${1}-ch${1}" }),
    { ...abc, d: "choo-choo" },
  );
  assert.deepEqual(
    relabel(
      abc,
      { source_labels: ["a", "b"], regex: "f(.*);(.*)r", target_label: "a", replacement: "b${1}${2}m" },
      { source_labels: ["c", "a"], regex: "(b).*b(.*)ba(.*)", target_label: "d", replacement: "$1$2$2$3" },
    ),
    { a: "boobam", b: "bar", c: "baz", d: "boooom" },
  );
});

test("replace without a match changes nothing", () => {
  assert.deepEqual(
    relabel(abc, { source_labels: ["a"], regex: "nope", target_label: "b", replacement: "x" }),
    abc,
  );
});

test("replace with an empty result takes the target away", () => {
  assert.deepEqual(
    relabel(abc, { source_labels: ["a"], regex: "f(.*)", target_label: "b", replacement: "" }),
    {
      a: "foo",
      c: "baz",
    },
  );
  assert.deepEqual(relabel(abc, { target_label: "b" }), { a: "foo", c: "baz" });
});

test("replace without sources sets a constant", () => {
  assert.deepEqual(relabel(abc, { target_label: "env", replacement: "prod" }), { ...abc, env: "prod" });
});

test("a missing label counts as empty, and the separator joins", () => {
  const rule = { source_labels: ["a", "missing", "b"], separator: "/", target_label: "d" };
  assert.deepEqual(relabel(abc, rule), { ...abc, d: "foo//bar" });
});

test("replace may name its target by the match, and skips what is no label name", () => {
  const rule = {
    source_labels: ["a"],
    regex: "some-([^-]+)-([^,]+)",
    target_label: "${1}",
    replacement: "${2}",
  };
  assert.deepEqual(relabel({ a: "some-name-value" }, rule), { a: "some-name-value", name: "value" });
  assert.deepEqual(relabel({ a: "some-0-value" }, rule), { a: "some-0-value" });
  assert.deepEqual(relabel({ a: "some-n.m-value" }, rule), { a: "some-n.m-value" });
});

test("keep and drop decide by a match of the whole value", () => {
  assert.deepEqual(relabel(abc, { source_labels: ["a"], regex: "foo", action: "keep" }), abc);
  assert.equal(relabel(abc, { source_labels: ["a"], regex: "fo", action: "keep" }), undefined);
  assert.equal(relabel(abc, { source_labels: ["a"], regex: "f.*", action: "drop" }), undefined);
  assert.deepEqual(relabel(abc, { source_labels: ["a"], regex: "f", action: "drop" }), abc);
  assert.equal(relabel(abc, { source_labels: ["missing"], regex: "", action: "drop" }), undefined);
});

test("keepequal and dropequal compare the target with the joined sources", () => {
  const pair = { __port: "1234", port: "1234" };
  const other = { __port: "1234", port: "5678" };
  assert.deepEqual(
    relabel(pair, { source_labels: ["__port"], target_label: "port", action: "keepequal" }),
    pair,
  );
  assert.equal(
    relabel(other, { source_labels: ["__port"], target_label: "port", action: "keepequal" }),
    undefined,
  );
  assert.equal(
    relabel(pair, { source_labels: ["__port"], target_label: "port", action: "dropequal" }),
    undefined,
  );
  assert.deepEqual(
    relabel(other, { source_labels: ["__port"], target_label: "port", action: "dropequal" }),
    other,
  );
});

test("lowercase and uppercase write the changed value", () => {
  const rules = ["lowercase", "uppercase"].map((action) => ({
    source_labels: ["a"],
    target_label: action,
    action,
  }));
  assert.deepEqual(relabel({ a: "FooBär" }, ...rules), {
    a: "FooBär",
    lowercase: "foobär",
    uppercase: "FOOBÄR",
  });
});

test("each letter changes its case by itself, as in Go", () => {
  const rules = ["lowercase", "uppercase"].map((action) => ({
    source_labels: ["a"],
    target_label: action,
    action,
  }));
  const changed = (a: string): Labels | undefined => relabel({ a }, ...rules);
  assert.deepEqual(changed("Straße"), { a: "Straße", lowercase: "straße", uppercase: "STRAßE" });
  assert.deepEqual(changed("ΟΔΟΣ"), { a: "ΟΔΟΣ", lowercase: "οδοσ", uppercase: "ΟΔΟΣ" });
  assert.deepEqual(changed("\u0130ﬁᾳ"), { a: "\u0130ﬁᾳ", lowercase: "iﬁᾳ", uppercase: "\u0130ﬁᾼ" });
});

test("hashmod agrees with Prometheus", () => {
  const hashed = (value: string): string | undefined =>
    relabel({ c: value }, { source_labels: ["c"], target_label: "d", modulus: 1000, action: "hashmod" })?.[
      "d"
    ];
  assert.equal(hashed("baz"), "976");
  assert.equal(hashed("foo\nbar"), "734");
});

test("labelmap copies every matching name", () => {
  const labels = { a: "foo", b1: "bar", b2: "baz" };
  assert.deepEqual(relabel(labels, { regex: "(b.*)", replacement: "bar_${1}", action: "labelmap" }), {
    ...labels,
    bar_b1: "bar",
    bar_b2: "baz",
  });
  const meta = { __meta_my_bar: "aaa", __meta_my_baz: "bbb", __meta_other: "ccc" };
  assert.deepEqual(relabel(meta, { regex: "__meta_(my.*)", action: "labelmap" }), {
    ...meta,
    my_bar: "aaa",
    my_baz: "bbb",
  });
  assert.deepEqual(relabel({ a1: "x" }, { regex: "a(.*)", action: "labelmap" }), { a1: "x" });
});

test("labeldrop and labelkeep decide by the name", () => {
  assert.deepEqual(relabel({ a: "1", b1: "2", b2: "3" }, { regex: "b.*", action: "labeldrop" }), { a: "1" });
  assert.deepEqual(relabel({ a: "1", b1: "2", b2: "3" }, { regex: "b.*|__name__", action: "labelkeep" }), {
    b1: "2",
    b2: "3",
  });
});

test("the name may be changed, but a series without a usable one is dropped", () => {
  const rename = {
    source_labels: ["__name__"],
    regex: "(.*)",
    target_label: "__name__",
    replacement: "my_$1",
  };
  assert.deepEqual(relabel(abc, rename), { ...abc, __name__: "my_up" });
  assert.equal(relabel(abc, { ...rename, replacement: "my-$1" }), undefined);
  assert.equal(relabel(abc, { regex: "__name__", action: "labeldrop" }), undefined);
  assert.equal(relabel(abc, { regex: ".*", action: "labeldrop" }), undefined);
  assert.equal(relabel(abc, { regex: "a", action: "labelkeep" }), undefined);
});

test("rules apply in order, and a dropped series is not looked at again", () => {
  const rules = [
    { source_labels: ["a"], target_label: "x", action: "uppercase" },
    { source_labels: ["x"], regex: "FOO", action: "keep" },
    { regex: "x", action: "labeldrop" },
  ];
  assert.deepEqual(relabel(abc, ...rules), abc);
  assert.equal(relabel({ a: "other" }, ...rules), undefined);
});

test("no rules change nothing, and the given labels are never touched", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.stringMatching(/^[a-z]+$/), fc.string({ minLength: 1 })), (labels) => {
      const given = new Map(Object.entries({ __name__: "up", ...labels }));
      const before = new Map(given);
      assert.deepEqual(compileRelabel([])(given), before);
      const rules = [
        { regex: "(.*)", replacement: "x_$1", action: "labelmap" },
        { regex: "[a-m].*", action: "labeldrop" },
      ];
      const result = compileRelabel(rules.map((rule) => relabelRuleSchema.parse(rule)))(given);
      assert.deepEqual(given, before);
      for (const [name, value] of given) {
        assert.equal(result?.get(`x_${name}`), value);
        assert.equal(result.has(name), !/^[a-m]/.test(name));
      }
    }),
  );
});

test("a scraped name that is not classic stays where no rule changes it", () => {
  const relabel = compileRelabel([relabelRuleSchema.parse({ regex: "secret", action: "labeldrop" })]);
  assert.deepEqual(
    [
      ...(relabel(
        new Map([
          ["__name__", "my.metric"],
          ["secret", "x"],
        ]),
      ) ?? []),
    ],
    [["__name__", "my.metric"]],
  );
});
