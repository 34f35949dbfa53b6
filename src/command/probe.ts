/** Runs `probe NAME`: one part of `doctor --deep` that needs a process of its own. Not for users. */
import { runProbe } from "../diagnosis/probe.ts";
import { childEnvironment } from "../source/child.ts";
import type { CommandContext } from "./context.ts";

export function probe(argv: readonly string[], context: CommandContext): Promise<number> {
  return runProbe(argv, { ...context, environment: childEnvironment(context.env) });
}
