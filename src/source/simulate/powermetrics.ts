/** Owns the simulated powermetrics as a process: what it checks before it samples, in the tool's order. */
import { parseArguments } from "./arguments.ts";
import { hasFault } from "./faults.ts";
import { helpText } from "./help.ts";
import { chooseSamplers, samplersOf } from "./samplers.ts";
import type { Settings } from "./settings.ts";
import { stream } from "./stream.ts";
import type { ToolWorld } from "./world.ts";

const usageError = 64;
const noPermission = 1;

/** Samplers are checked before the user (FORMATS.md, section 6). */
export async function powermetrics(
  argv: readonly string[],
  settings: Settings,
  world: ToolWorld,
): Promise<number> {
  const parsed = parseArguments(argv);
  if ("problem" in parsed) return complain(world, parsed.problem);
  const wanted = parsed.arguments;
  const groups = samplersOf(settings.host.chip, settings.host.os);
  const chosen = chooseSamplers(wanted.all ? ["all"] : (wanted.samplers ?? ["default"]), groups);
  if ("unrecognized" in chosen) return complain(world, `unrecognized sampler: ${chosen.unrecognized}`);
  if (wanted.help) {
    await world.stdout.write(helpText(settings.host));
    return 0;
  }
  if (hasFault(settings.faults, "unknown-sampler")) {
    return complain(world, `unrecognized sampler: ${[...chosen.samplers].at(-1) ?? "none"}`);
  }
  if (hasFault(settings.faults, "not-root")) {
    await world.stderr.write("powermetrics must be invoked as the superuser\n");
    return noPermission;
  }
  if (wanted.format !== "plist") {
    return complain(world, `the simulator prints --format plist only, got ${wanted.format}`);
  }
  return stream(wanted, chosen.samplers, settings, world);
}

async function complain(world: ToolWorld, problem: string): Promise<number> {
  await world.stderr.write(`powermetrics: ${problem}\n`);
  return usageError;
}
