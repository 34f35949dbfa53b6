/** Two runs of the benchmarks agree when their ratios do. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { agreementOf, ratiosIn } from "./compare.ts";
import { comparison, markdown } from "./report.ts";

function report(theirs: number): string {
  const table = comparison("From spawn", "ms", [
    { subject: "ours", rounds: [10, 10, 10] },
    { subject: "theirs", rounds: [theirs, theirs, theirs] },
  ]);
  const divided = {
    title: "Ours, divided by each",
    columns: ["", "CPU", "wire"],
    rows: [["vmagent", "0.5", "–"]],
  };
  return `# Benchmarks\n\n## start: how soon?\n\n${markdown(table)}\n${markdown(divided)}`;
}

test("ratios are read from the columns that divide, and from tables that do as a whole", () => {
  assert.deepEqual(
    [...ratiosIn(report(40))],
    [
      ["start: From spawn: ours", 1],
      ["start: From spawn: theirs", 0.25],
      ["start: Ours, divided by each: vmagent, CPU", 0.5],
    ],
  );
});

test("runs agree within a quarter, and what is further apart is named", () => {
  assert.equal(agreementOf(report(40), report(49)).agrees, true);
  const { agrees, table } = agreementOf(report(40), report(51));
  assert.equal(agrees, false);
  assert.deepEqual(table.rows, [["start: From spawn: theirs", "0.25", "0.196"]]);
});

test("a report with nothing in common agrees with nothing", () => {
  assert.equal(agreementOf(report(40), "# Benchmarks\n").agrees, false);
});

test("the committed results hold the ratios of every benchmark that compares", () => {
  const results = readFileSync(new URL("RESULTS.md", import.meta.url), "utf8");
  const sections = new Set([...ratiosIn(results).keys()].map((place) => place.split(":")[0]));
  assert.deepEqual([...sections].sort(), [
    "encode",
    "ioreg",
    "peers",
    "profile",
    "reader",
    "scrape",
    "scrape-peers",
    "startup",
  ]);
});
