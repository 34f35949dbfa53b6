/** What is said of processes that were measured side by side. */
import assert from "node:assert/strict";
import test from "node:test";
import { ratiosIn } from "./compare.ts";
import { markdown } from "./report.ts";
import { ratioTable, together, type Measured } from "./windows.ts";

const received = (bytes: number) => ({ bytes, samples: 10, requests: 1 });

/** @param cpu in each round; everything else is the same in all of them */
function measuredAs(name: string, cpu: readonly number[], bytes?: number): Measured {
  return {
    name,
    costs: cpu.map((cpuSecondsPerHour) => ({
      cpuSecondsPerHour,
      wakeupsPerSecond: 2,
      rssMb: 40,
      privateMb: 10,
    })),
    seconds: 60,
    ...(bytes !== undefined && { received: received(bytes) }),
  };
}

const all = [
  measuredAs("ours", [6, 9, 30], 100),
  measuredAs("exporter", [1, 2, 20]),
  measuredAs("scraper", [2, 1, 10], 400),
];

test("what goes together is added up round by round, and lacks no part", () => {
  const choice = together(all, "both", ["exporter", "scraper"]);
  assert.deepEqual(choice, {
    ...measuredAs("both", [3, 3, 30], 400),
    costs: [3, 3, 30].map((cpuSecondsPerHour) => ({
      cpuSecondsPerHour,
      wakeupsPerSecond: 4,
      rssMb: 80,
      privateMb: 20,
    })),
  });
  assert.equal(together(all, "both", ["exporter", "not installed"]), undefined);
});

test("ours divided by each is found again where two runs are compared", () => {
  const choice = together(all, "both", ["exporter", "scraper"]);
  assert.ok(choice);
  const table = ratioTable("Ours, divided by each", [...all, choice], "ours", ["exporter", "both"]);
  const place = (row: string, column: string): string => `profile: Ours, divided by each: ${row}, ${column}`;
  assert.deepEqual(
    [...ratiosIn(`## profile: what?\n\n${markdown(table)}`)],
    [
      [place("exporter", "CPU"), 4.5],
      [place("exporter", "wakeups"), 1],
      [place("exporter", "RSS"), 1],
      [place("exporter", "private"), 1],
      [place("both", "CPU"), 2],
      [place("both", "wakeups"), 0.5],
      [place("both", "RSS"), 0.5],
      [place("both", "private"), 0.5],
      [place("both", "wire"), 0.25],
    ],
  );
});
