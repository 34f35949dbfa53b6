/** RE2 expressions as Prometheus compiles them: the same matches, or a refusal. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { compilePattern } from "../../../src/sink/relabel/pattern.ts";

/** The expansion of `template` for a match of the whole text; undefined without a match. */
function expand(source: string, text: string, template = "$0"): string | undefined {
  const compiled = compilePattern(source);
  assert.ok(compiled.ok, compiled.ok ? "" : compiled.error);
  return compiled.pattern.match(text)?.expand(template);
}

test("an expression must match from end to end", () => {
  assert.equal(expand("foo", "foo"), "foo");
  assert.equal(expand("foo", "foobar"), undefined);
  assert.equal(expand("foo|bar", "foobar"), undefined);
  assert.equal(expand("", ""), "");
  assert.equal(expand("", "x"), undefined);
  assert.equal(expand("foo", "foo\n"), undefined);
});

test("a dot matches line breaks, as in Prometheus", () => {
  assert.equal(expand(".*", "a\nb"), "a\nb");
  assert.equal(expand("a.b", "a🚀b"), "a🚀b");
});

test("RE2's syntax means what it means in Go", () => {
  const matches: readonly (readonly [string, string])[] = [
    ["(?i)foo", "FOO"],
    ["foo(?i)bar|baz", "fooBAR"],
    ["foo(?i)bar|baz", "BAZ"],
    ["(?i:a)b", "Ab"],
    ["(a(?i)b)c", "aBc"],
    ["(?-s:.)x", "ax"],
    ["[]a]+", "]a"],
    ["[^]]", "a"],
    ["[a-]+", "a-a"],
    ["[\\w-.]+", "a-."],
    ["[[:alpha:][:digit:]_]+", "aZ9_"],
    ["[[:digit:]x]+", "1x"],
    ["[[]", "["],
    ["\\Qa.b*\\E+", "a.b**"],
    ["(?U)a*", "aaa"],
    ["[[:^digit:]]+", "ab"],
    ["(?<x>a)", "a"],
    ["x{1000}", "x".repeat(1000)],
    ["a{,2}", "a{,2}"],
    ["a{2}", "aa"],
    ["a{1,}?", "aaa"],
    ["{}]", "{}]"],
    ['\\_\\-\\:\\/\\"', '_-:/"'],
    ["\\pL\\p{Greek}\\P{Lu}", "aαb"],
    ["[\\pL\\d]+", "é1"],
    ["\\x41\\x{1F680}", "A🚀"],
    ["\\Aa\\z", "a"],
    ["\\bfoo\\b", "foo"],
    ["[\\s]+\\s", " \t\n"],
    ["(?:a|b)+", "abab"],
    ["prometheus\\.example\\.com:9\\d{3}", "prometheus.example.com:9090"],
  ];
  for (const [source, text] of matches) assert.equal(expand(source, text), text, source);
  const misses: readonly (readonly [string, string])[] = [
    ["foo(?i)bar|baz", "FOObar"],
    ["(a(?i)b)c", "aBC"],
    ["(?-s:.)x", "\nx"],
    ["\\s", "\u00a0"],
    ["\\w", "é"],
    ["\\d", "٣"],
    ["\\Qa.b\\E", "axb"],
  ];
  for (const [source, text] of misses) assert.equal(expand(source, text), undefined, source);
});

test("what RE2 lacks, or what is no expression, is refused with its reason", () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["(?=a)", /unsupported Perl syntax/],
    ["(?!a)", /unsupported Perl syntax/],
    ["(?<=a)b", /unsupported|invalid/],
    ["(?<!a)b", /unsupported|invalid/],
    ["(a)\\1", /invalid escape sequence/],
    ["(?P<x>a)\\k<x>", /invalid escape sequence/],
    ["(?>a)", /unsupported Perl syntax/],
    ["(a", /missing closing \)/],
    ["a)", /unexpected \)/],
    ["\\Q(", /missing closing \)/],
    ["[a", /missing closing \]/],
    ["[]", /missing closing \]/],
    ["[b-a]", /invalid character class range/],
    ["[[:nope:]]", /invalid character class range/],
    ["*", /missing argument to repetition operator/],
    ["a**", /invalid nested repetition/],
    ["a{3,2}", /invalid repeat count/],
    ["x{1001}", /invalid repeat count/],
    ["(?:x{2}){501}", /invalid repeat count/],
    ["\\", /missing closing/],
    ["\\y", /invalid escape sequence/],
    ["\\p{Nope}", /invalid character class range/],
    ["(?P<x>a)(?P<x>b)", /duplicate/],
    ["(".repeat(50_000) + ")".repeat(50_000), /nests too deeply/],
    ["\\pL{1000}".repeat(100), /it comes to \d+ parts, want at most 100000/],
    ["(?:(?:[a-z]{10}){10}x){10}".repeat(40), /it comes to \d+ parts/],
  ];
  for (const [source, cause] of cases) {
    const compiled = compilePattern(source);
    assert.ok(!compiled.ok, source);
    assert.ok(compiled.error.startsWith("must be an RE2 expression, got "), compiled.error);
    assert.match(compiled.error, cause, source);
  }
});

test("a group keeps what it held when a repetition passed it by in its last round", () => {
  assert.equal(expand("(?:(a)|b)*", "ab", "$1"), "a");
  assert.equal(expand("(?:x(?P<n>a)?)+", "xax", "<${n}>"), "<a>");
});

test("an expression takes time in proportion to the text, whatever it is", () => {
  // A backtracking engine would need longer than the universe has.
  assert.equal(expand("(a*)*b", "a".repeat(50_000)), undefined);
  assert.equal(expand("(?:a|a)*(?:a|aa)*$", "a".repeat(50_000)), "a".repeat(50_000));
});

test("a list of thousands of host names is an expression as any other", () => {
  const names = Array.from({ length: 4000 }, (_, index) => `mac-${index}`);
  assert.equal(expand(names.join("|"), "mac-3999"), "mac-3999");
  assert.equal(expand("a".repeat(40_000), "a".repeat(40_000)), "a".repeat(40_000));
});

test("what is quoted, escaped or in a class is no group when the cost is estimated", () => {
  const costly = ["(?:\\Q)\\Ex){1000}", "(?:[)]x){1000}", "(?:[[:alpha:])]x){1000}", "(?:\\)x){1000}"];
  for (const source of costly) {
    const compiled = compilePattern(source.repeat(101));
    assert.ok(!compiled.ok && /it comes to \d{6,} parts/.test(compiled.error), source);
  }
  assert.ok(compilePattern("(?:ab){1000}".repeat(15)).ok);
});

test("replacements expand as Go's Regexp.Expand does", () => {
  const source = "(?P<first>\\w+)-(.*)-(x)?";
  const cases: readonly (readonly [string, string])[] = [
    ["$1", "ab"],
    ["${1}", "ab"],
    ["$first", "ab"],
    ["${first}x", "abx"],
    ["$firstx", ""],
    ["$1x", ""],
    ["$1-x", "ab-x"],
    ["$01", ""],
    ["$0", "ab-c-"],
    ["$3", ""],
    ["$99", ""],
    ["$unknown", ""],
    ["$$1", "$1"],
    ["$", "$"],
    ["${", "${"],
    ["${1", "${1"],
    ["${}", "${}"],
    ["$-", "$-"],
    ["a$2b", "a"],
    ["a${2}b$$", "acb$"],
  ];
  for (const [template, expected] of cases)
    assert.equal(expand(source, "ab-c-", template), expected, template);
});

test("any quoted text matches itself and nothing longer", () => {
  const texts = fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\\E"));
  fc.assert(
    fc.property(texts, (text) => {
      assert.equal(expand(`\\Q${text}\\E`, text), text);
      assert.equal(expand(`\\Q${text}\\E`, `${text}x`), undefined);
    }),
  );
});

test("no text crashes the compiler", () => {
  const syntax = fc.constantFrom(..."()[]{}|\\^$.*+?-:=!<>PpQEdDwWsSbBAzxiUms019,aα🚀 ".split(""));
  fc.assert(
    fc.property(fc.string({ unit: syntax, maxLength: 12 }), (source) => {
      const compiled = compilePattern(source);
      if (!compiled.ok) assert.match(compiled.error, /^must be an RE2 expression, got ".*": ./s);
    }),
    { numRuns: 2000 },
  );
});
