/** Runs `probe NAME`: one part of `doctor --deep` that needs a process of its own. Not for users. */
import { runProbe } from "../diagnosis/probe.ts";
import { childEnvironment } from "../source/child.ts";
import type { World } from "./world.ts";

export function probe(argv: readonly string[], world: World): Promise<number> {
  return runProbe(argv, { ...world, environment: childEnvironment(world.env) });
}
