/** A value as one line of YAML: the short way writes what the library writes. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { parse, stringify } from "yaml";
import { flow } from "../../src/config/flow.ts";

const word = fc.constantFrom(
  ...[
    "true",
    "False",
    "null",
    "NULL",
    "yes",
    "off",
    "y",
    "inf",
    ".nan",
    "e",
    "x",
    "o",
    "ms",
    "MB",
    "_",
    "-",
    ".",
  ],
  ...["/", "0", "1", "12", "127.0.0.1", ":", ":9127", " ", "~", "#", "$", "a", "Z", "[", "é"],
);
const text = fc.array(word, { maxLength: 4 }).map((words) => words.join(""));

const inFlow = {
  blockQuote: false,
  collectionStyle: "flow",
  flowCollectionPadding: false,
  lineWidth: 0,
  doubleQuotedMinMultiLineLength: Infinity,
} as const;

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
