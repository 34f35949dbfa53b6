/** `simulate TOOL …`: one of Apple's tools, impersonated with its own arguments. */
import { systemClock } from "../runtime/clock.ts";
import { processIo, simulate as runTool, simulatedTools } from "../simulator/simulate.ts";
import { exitCode } from "./context.ts";

/** Resolves to the tool's own exit code; loads nothing but the tool, for vm_stat is started every few seconds. */
export async function simulate(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const [name, ...rest] = argv;
  const tool = simulatedTools.find((it) => it === name);
  const io = processIo(systemClock, signal);
  if (tool !== undefined) return runTool(tool, rest, io);
  await io.stderr.write(`unexpected tool: got ${name ?? "none"}, want one of ${simulatedTools.join(", ")}\n`);
  return exitCode.usage;
}
