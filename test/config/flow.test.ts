/** A value as one line of YAML: a reader of either version reads it back, and the short way writes what the library writes. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { parse, stringify } from "yaml";
import { flow } from "../../src/config/print.ts";

const words = [
  ...[
    "true",
    "False",
    "null",
    "NULL",
    "yes",
    "No",
    "on",
    "off",
    "y",
    "N",
    "inf",
    ".nan",
    "nan",
    "~",
    "<<",
    "=",
  ],
  ...["e", "x", "o", "b", "a", "Z", "f", "ms", "MB", "_", "-", "+", ".", "/", ":", " ", "#", "$", "[", "é"],
  ...[
    "0",
    "1",
    "7",
    "12",
    "60",
    "2026",
    "127.0.0.1",
    ":9127",
    "0x",
    "0o",
    "0b",
    "T",
    "!",
    "&",
    "*",
    "%",
    "@",
  ],
];
const text = fc.array(fc.constantFrom(...words), { maxLength: 5 }).map((parts) => parts.join(""));
/** Looks like a number, a time or a date, of which YAML 1.1 has more kinds than 1.2. */
const numberLike = fc.stringMatching(/^[-+]?[0-9a-fxob_.:eET+-]{1,10}$/);

const inFlow = {
  compat: "yaml-1.1",
  blockQuote: false,
  collectionStyle: "flow",
  flowCollectionPadding: false,
  lineWidth: 0,
  doubleQuotedMinMultiLineLength: Infinity,
} as const;

const versions = ["1.1", "1.2"] as const;

test("every string of the kinds that YAML has types for is read back as itself, by both versions", () => {
  const string = fc.oneof(text, numberLike, fc.string());
  fc.assert(
    fc.property(string, (one) => {
      for (const version of versions)
        assert.equal(parse(flow(one), { version }), one, `${version}: ${flow(one)}`);
      for (const version of versions)
        assert.deepEqual(parse(flow([one, { k: one }]), { version }), [one, { k: one }], version);
    }),
    { numRuns: 3000 },
  );
});

for (const one of [
  "0xa",
  "0b1",
  "0o7",
  "1234567:30",
  "1:20",
  "yes",
  "Off",
  "n",
  "2026-01-01",
  "1_000",
  "017",
  "1e3",
])
  test(`the string ${one} is quoted, which YAML 1.1 or 1.2 would read as something else`, () => {
    assert.match(flow(one), /^["'].*["']$/);
  });

for (const one of ["info", "10s", "256MB", "127.0.0.1:9127", "/etc/mac-agent/password", "macs"])
  test(`the string ${one} is written as it is`, () => {
    assert.equal(flow(one), one);
  });

test("every value is one line, as the library writes it", () => {
  const value = fc.oneof(text, fc.string(), fc.boolean(), fc.integer(), fc.constantFrom(null, [], {}, 1.5));
  fc.assert(
    fc.property(value, (one) => {
      const line = flow(one);
      assert.doesNotMatch(line, /\n/);
      assert.deepEqual(parse(line), one);
      assert.equal(line, stringify(one, inFlow).trimEnd());
    }),
    { numRuns: 20_000 },
  );
});

test("text of several lines stays on one, whatever its words are", () => {
  for (const lines of ["true\ntrue", "1\n2", "a\n\nb", "~\n", "\n"]) {
    assert.doesNotMatch(flow(lines), /\n/);
    assert.equal(parse(flow(lines)), lines);
  }
});
