/** Owns the faults of a tool that is run once and prints one answer: it hangs, says nothing, or fails. */
import { hasFault, type Fault } from "./faults.ts";
import type { ToolWorld } from "./world.ts";

/** The exit code of the fault that was asked for; undefined when the tool is to do its work. */
export async function misbehave(
  faults: readonly Fault[],
  complaint: string,
  world: ToolWorld,
): Promise<number | undefined> {
  if (hasFault(faults, "hang")) await world.forever();
  if (hasFault(faults, "hang") || hasFault(faults, "empty")) return 0;
  if (!hasFault(faults, "fail")) return undefined;
  await world.stderr.write(`${complaint}\n`);
  return 1;
}
