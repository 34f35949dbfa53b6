/**
 * A fast powermetrics as a process: `MILLISECONDS DOCUMENTS` and then Apple's own arguments. It is the simulator with windows
 * shorter than any configuration may ask for; after so many documents it prints no more.
 */
import { systemClock } from "../../src/runtime/clock.ts";
import { processIo, simulate, type SimulatorIo } from "../../src/simulator/simulate.ts";
import { withPrograms } from "./programs.ts";

const [windowMs = "", documents = "", ...asked] = process.argv.slice(2);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());
const real = processIo(systemClock, stop.signal);
let printed = 0;
const io: SimulatorIo = {
  ...real,
  stdout: { write: (text) => real.stdout.write(withPrograms(text, printed++)) },
};
const interval = asked.indexOf("-i");

function run(every: string, ...more: readonly string[]): Promise<number> {
  const argv = asked.map((word, at) => (at === interval + 1 ? every : word));
  return simulate("powermetrics", [...argv, ...more], io);
}

if (interval < 0) {
  process.exitCode = await simulate("powermetrics", asked, io);
} else {
  process.exitCode = await run(windowMs, "-n", documents);
  // 0 waits for a signal that no one sends.
  if (process.exitCode === 0) await run("0");
}
