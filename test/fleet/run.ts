/**
 * Runs `npm run fleet`: the traffic of a thousand Macs from one process, through the real sinks and delivery loops.
 *
 *     npm run fleet -- --hosts 1000 --interval 15s --receiver http://127.0.0.1:8428/api/v1/write
 *
 * Phases: an ordinary day with lids closing and opening; then 09:00, when all come back from a night offline at once, first
 * without jitter and drain rate, then with both. Standard output is what config/examples/fleet.md quotes.
 */
import { createKnownSecrets } from "../../src/runtime/redact.ts";
import { machine } from "../bench/machine.ts";
import { readArguments, type FleetPlan } from "./arguments.ts";
import { measureFleet } from "./measure.ts";

const wish = readArguments(process.argv.slice(2));
switch (wish.status) {
  case "help":
    console.log(wish.text);
    break;
  case "wrong":
    for (const mistake of wish.mistakes) console.error(mistake);
    process.exitCode = 2;
    break;
  case "run":
    process.exitCode = await run(wish.plan);
}

/** The exit code. */
async function run(plan: FleetPlan): Promise<number> {
  const args = process.argv.slice(2);
  const { program, text, faults } = await measureFleet(plan, (line) => {
    console.error(line);
  });
  if (text !== undefined) {
    const command = ["npm run fleet", ...(args.length > 0 ? ["--", ...args] : [])].join(" ");
    const day = new Date().toISOString().slice(0, 10);
    const against = program ?? "a receiver that does not tell its name";
    const about = `\`${createKnownSecrets().redact(command)}\` against ${against}, ${day}: ${machine()}`;
    console.log(`${about}\n\n${text}`);
  }
  for (const fault of faults) console.error(fault);
  return faults.length === 0 ? 0 : 1;
}
