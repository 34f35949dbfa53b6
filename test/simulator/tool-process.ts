/** A simulated tool as a process of its own, for tests that need a real pipe and a real parent: `node tool-process.ts TOOL ARGS`. */
import { systemClock } from "../../src/runtime/clock.ts";
import { processIo, simulate, simulatedTools } from "../../src/simulator/simulate.ts";

const [name, ...argv] = process.argv.slice(2);
const tool = simulatedTools.find((it) => it === name);
if (tool === undefined)
  throw new Error(`unexpected tool: got ${String(name)}, want ${simulatedTools.join(", ")}`);
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => stop.abort());
process.exitCode = await simulate(tool, argv, processIo(systemClock, stop.signal));
