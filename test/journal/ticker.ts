/** A process that appends a snapshot a second on a clock of its own, prints what its journal has committed, and waits to be killed. Run by crash.test.ts. */
import { writeSync } from "node:fs";
import { openJournal } from "../../src/journal/journal.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { basicOptions, numbered } from "./fixtures.ts";

const [path = "", count] = process.argv.slice(2);
const clock = fakeClock();
const journal = openJournal(basicOptions(path, clock));
journal.cursor("a", { from: "now" });
for (let seq = 1; seq <= Number(count); seq++) {
  journal.append(numbered(seq));
  await clock.advance(1000);
}
const { snapshots, staged } = journal.state();
writeSync(1, `${snapshots - staged}\n`);
setInterval(() => undefined, 3_600_000);
