/** Runs a reader in a process of its own that gets a document each 100 ms, as a powermetrics at a high rate would send them. */
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { median } from "./report.ts";
import { isSubject, subjects } from "./reader-subjects.ts";

const [name = "", file = "", count = "0"] = process.argv.slice(2);
if (!isSubject(name)) throw new Error(`unexpected reader: got ${name}`);
const read = subjects[name]();
const document = readFileSync(file);
const costs: number[] = [];
for (let at = 0; at < Number(count); at++) {
  await wait(100);
  const before = process.cpuUsage();
  read(document);
  const { user, system } = process.cpuUsage(before);
  costs.push(user + system);
}
process.send?.(median(costs));
