import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import {
  deepestNesting,
  parsePlist,
  isArray,
  isDict,
  type PlistValue,
} from "../../src/parse/plist/reader.ts";
import { longestString } from "../../src/parse/plist/text.ts";
import { parsePowermetrics } from "../../src/parse/powermetrics.ts";
import type { Core } from "../../src/parse/sample.ts";
import { documents, powermetricsCaptures, withCaptures } from "./captures.ts";

/** What is read of the array, whose wanted key is `k`; a failure in its place. */
function read(array: string, isWanted = true): unknown {
  const result = parsePlist(
    Buffer.from(`<plist><dict><key>a</key>${array}<key>z</key><true/></dict></plist>`),
    {
      keep: () => !isWanted || { column: "k" },
    },
  );
  if (!result.ok) return result.error;
  assert.ok(isDict(result.value) && result.value.get("z") === true);
  return result.value.get("a");
}

function row(...entries: readonly (readonly [key: string, value: string])[]): string {
  return `<dict>${entries.map(([key, value]) => `\n<key>${key}</key>${value}`).join("")}\n</dict>\n`;
}

/** The numbers that the array's dicts have under `k`; undefined where there is anything else. */
function numbersOf(array: PlistValue): readonly number[] | undefined {
  const values = isArray(array)
    ? array.map((dict) => (isDict(dict) ? dict.get("k") : undefined))
    : [undefined];
  return values.every((value) => typeof value === "number") ? values : undefined;
}

test("the numbers under one key come out of an array of dicts, in its order", () => {
  const other = ["freq", "<integer>3900</integer>"] as const;
  const rows = [
    row(other, ["k", "<real>0.25</real>"]),
    row(["k", "<integer>-7</integer>"], other),
    row(["k", "<real>nan</real>"]),
  ];
  assert.deepEqual(read(`<array>\r\n\t${rows.join("")}</array>`), { numbers: [0.25, -7, NaN] });
  assert.deepEqual(read("<array></array>"), { numbers: [] });
});

test("a key that repeats counts for the last time, and one that only starts like it does not", () => {
  const repeated = row(["k", "<real>1</real>"], ["k", "<real>2</real>"], ["kk", "<real>3</real>"]);
  assert.deepEqual(read(`<array>${repeated}</array>`), { numbers: [2] });
});

test("what is spelled otherwise is read as dicts", () => {
  const plain = row(["k", "<real>1</real>"]);
  const rows = [
    row(["j", "<real>1</real>"]),
    row(["k", "<string>1</string>"]),
    row(["k", "<real>1</real>"], ["j", "<array/>"]),
    row(["&#107;", "<real>1</real>"]),
    row(["k", "<real/>"]),
    "<dict/>",
    "<real>1</real>",
    "proc_pidpath 1460 failed(0)",
    "<!-- a remark -->",
  ];
  for (const odd of rows)
    for (const array of [`<array>${odd}${plain}</array>`, `<array>${plain}${odd}</array>`])
      assert.deepEqual(read(array), read(array, false), array);
  assert.deepEqual(read("<array/>"), []);
});

test("bounds are those of everything else", () => {
  const long = "x".repeat(longestString + 1);
  for (const array of [
    `<array>${row([long, "<real>1</real>"])}</array>`,
    `<array>${row(["j", `<real>${long}</real>`])}</array>`,
  ])
    assert.deepEqual(read(array), read(array, false));
  const nested = (depth: number): string =>
    `<plist>${"<dict><key>a</key>".repeat(depth - 2)}<array>${row(["k", "<real>1</real>"])}</array>${"</dict>".repeat(depth - 2)}</plist>`;
  const keep = (_: string, depth: number): true | { column: string } =>
    depth < deepestNesting - 2 || { column: "k" };
  assert.ok(parsePlist(Buffer.from(nested(deepestNesting)), { keep }).ok);
  assert.ok(!parsePlist(Buffer.from(nested(deepestNesting + 1)), { keep }).ok);
});

test("an array of any bytes gives the numbers of its dicts, or what it gives without a column", () => {
  const token = fc.constantFrom(
    ..."<dict>|</dict>|<dict/>|<key>k</key>|<key>j</key>|<key>|</key>|<real>|</real>|<integer>|</integer>|</array>|<array>|<string>x</string>".split(
      "|",
    ),
    ..."<real>0.5</real>|<integer>12</integer>|<real>1e-5</real>|<real/>|\n| |\0|&amp;|<!--|-->|1|é|<|>|<dict>\n<key>k</key><real>0.1</real></dict>".split(
      "|",
    ),
  );
  const entry = fc.tuple(
    fc.constantFrom("k", "j", "kk"),
    fc.constantFrom("<real>0.5</real>", "<integer>3</integer>", "<real/>", "<true/>"),
  );
  const sound = fc.array(fc.array(entry, { maxLength: 4 }).map((entries) => row(...entries)));
  fc.assert(
    fc.property(fc.oneof(sound, fc.array(token)), (tokens) => {
      const array = `<array>${tokens.join("")}</array>`;
      const whole = read(array, false);
      const column = read(array);
      const isNumbers = typeof column === "object" && column !== null && "numbers" in column;
      assert.deepEqual(
        isNumbers ? column.numbers : column,
        isNumbers ? numbersOf(whole as PlistValue) : whole,
      );
    }),
  );
});

/** What cores did, as it is read where each of their states is wanted, and where their shares are enough. */
function activities(document: Uint8Array): readonly (readonly (number | undefined)[])[] {
  return [true, false].map((frequencyResidency) => {
    const result = parsePowermetrics(document, { frequencyResidency });
    assert.ok(result.ok);
    return (result.value.processor?.cores ?? []).map(({ activeRatio }: Core) => activeRatio);
  });
}

for (const [machine, name] of Object.entries(powermetricsCaptures))
  test(
    `the cores of the ${machine} capture are as active by their shares as by their states`,
    withCaptures,
    () => {
      for (const document of documents(name)) {
        const [byStates, byShares] = activities(document);
        assert.deepEqual(byShares, byStates);
      }
    },
  );
