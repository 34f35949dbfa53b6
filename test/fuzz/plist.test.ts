/** A property list whose lines were lost, doubled or written anew is read as the plist package reads it, wherever both read it. */
import assert from "node:assert/strict";
import fc from "../support/property.ts";
import { parse as parseByPackage } from "plist";
import { parsePlist } from "../../src/parse/plist/reader.ts";
import { simulated } from "../bench/workload.ts";
import { plain } from "../parse/apple-plist.ts";
import { fuzz } from "./fuzzing.ts";

const start = Date.UTC(2026, 0, 5, 10);
/** Some lines of each kind: the package takes a millisecond for each hundred. */
const lines = simulated({ chip: "m1", samplers: ["cpu_power", "thermal"] }, start)
  .toString()
  .trimEnd()
  .split("\n");
const first = lines.indexOf('<plist version="1.0">') + 1;
const brief = [...lines.slice(0, first + 46), ...["</dict>", "</array>", "</dict>", "</dict>", "</plist>"]];

/** Without the spellings that the package reads by halves: `1x`, `nan`, a comment or CDATA in a key. */
const text = fc
  .string({
    unit: fc.constantFrom(
      "a",
      " ",
      "é",
      "日",
      "😀",
      "&amp;",
      "&lt;",
      "&#65;",
      "&quot;",
      "'",
      "]]",
      "\n",
      ">",
    ),
  })
  .filter((one) => !one.includes("]]>"));
const element = fc.oneof(
  fc.maxSafeInteger().map((value) => `<integer>${value}</integer>`),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => `<real>${value}</real>`),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => `<real>${value.toPrecision(6)}</real>`),
  text.map((value) => `<string>${value}</string>`),
  text.map((value) => `<string>a<![CDATA[${value}]]>b<!-- c --></string>`),
  fc
    .uint8Array({ maxLength: 9 })
    .map((bytes) => `<data>\n ${Buffer.from(bytes).toString("base64")}\n</data>`),
  fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => {
    return `<date>${date.toISOString().replace(/\.\d+Z$/, "Z")}</date>`;
  }),
  fc.constantFrom(
    "<true/>",
    "<false/>",
    "<true></true>",
    "<string/>",
    "<dict/>",
    "<array/>",
    "<array></array>",
  ),
  fc.constantFrom(
    "<dict>",
    "</dict>",
    "<array>",
    "</array>",
    "<dict><key>k</key><true/></dict>",
    "<!-- <dict> -->",
  ),
);
const line = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(text, element).map(([key, value]) => `<key>${key}</key>${value}`) },
  element,
);

type Edit = readonly [at: number, removed: number, added: readonly string[]];
const edit: fc.Arbitrary<Edit> = fc.tuple(
  fc.integer({ min: first + 1, max: brief.length - 2 }),
  fc.nat(2),
  fc.array(line, { maxLength: 2 }),
);

fuzz("lines lost, doubled or written anew are read as the plist package reads them, where both do", {
  inputs: fc.array(edit, { minLength: 1, maxLength: 3 }).map((edits) => {
    return edits.reduce((document, one) => document.toSpliced(one[0], one[1], ...one[2]), brief).join("\n");
  }),
  costs: 0.2,
  compares: 0.12,
  prepare: ({ mock }, compared) => {
    // The package's XML reader prints what it throws.
    mock.method(console, "error", () => undefined);
    assert.ok(parsePlist(Buffer.from(brief.join("\n"))).ok);
    return (document) => {
      const ours = parsePlist(Buffer.from(document));
      const theirs = oracle(document);
      if (!ours.ok || theirs === undefined) return;
      compared();
      assertAgree(plain(ours.value), theirs.value);
    };
  },
});

function oracle(document: string): { readonly value: unknown } | undefined {
  try {
    return { value: parseByPackage(document) };
  } catch {
    return undefined;
  }
}

/** The package's objects and bytes have other prototypes. */
function assertAgree(ours: unknown, theirs: unknown): void {
  if (typeof ours !== "object" || ours === null || ours instanceof Date) {
    assert.deepEqual(ours, theirs);
    return;
  }
  assert.ok(typeof theirs === "object" && theirs !== null);
  assert.deepEqual(Object.keys(ours).toSorted(), Object.keys(theirs).toSorted());
  for (const [key, value] of Object.entries(ours)) assertAgree(value, Reflect.get(theirs, key));
}
