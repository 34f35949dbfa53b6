/** A process that appends until it is killed, and prints what it has committed and frozen. Run by crash.test.ts. */
import { writeSync } from "node:fs";
import { openJournal } from "../../src/journal/journal.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { basicOptions, numbered } from "./fixtures.ts";
import { fakeClock } from "../support/fake-clock.ts";

const [path = ""] = process.argv.slice(2);
const journal = openJournal({
  ...basicOptions(path, fakeClock()),
  clock: systemClock,
  commitIntervalMs: 3_600_000,
});
const cursor = journal.cursor("a", { from: "now" });
let seq = Number(process.argv[3] ?? 0);

for (let round = 1; ; round++) {
  seq = append(round);
  if (round % 4 === 0) {
    journal.commit();
    writeSync(1, `committed ${seq}\n`);
  } else if (round % 4 === 2) freeze();
}

function append(round: number): number {
  let last = seq;
  for (let count = 0; count < 1 + (round % 5); count++) {
    journal.append(numbered(last + 1));
    last++;
  }
  return last;
}

/** The oldest batch, once the one before is acknowledged. */
function freeze(): void {
  const before = cursor.frozen();
  if (before !== undefined) cursor.acknowledge(before);
  const [range] = cursor.ranges();
  if (range === undefined) return;
  const batch = {
    firstSeq: range.firstSeq,
    lastSeq: Math.min(range.firstSeq + 3, range.lastSeq),
    protocol: "v2",
  };
  cursor.freeze(batch);
  writeSync(1, `frozen ${batch.firstSeq} ${batch.lastSeq}\n`);
}
