/** What stands between a command and real samples: no powermetrics here, or no root to run it. */
import { collectorSettings, extraArguments } from "../collection.ts";
import { neededSamplers } from "../collector/index.ts";
import type { Configuration } from "../config/schema.ts";
import { silentLogger } from "../runtime/log.ts";
import { childEnvironment } from "../source/child.ts";
import { helpLimits, streamArguments } from "../source/powermetrics.ts";
import { chooseSamplers } from "../source/arguments.ts";
import { exitCode, type ExitCode } from "./exit.ts";
import type { Prepared } from "./load.ts";
import type { World } from "./world.ts";

/** What stands between us and real samples, with the exit code for it; absent when nothing does. */
export async function obstacle(
  { configuration, simulated }: Pick<Prepared, "configuration" | "simulated">,
  world: World,
): Promise<{ readonly code: ExitCode; readonly message: string } | undefined> {
  const { enabled, command } = configuration.sources.powermetrics;
  const [program = ""] = command;
  if (simulated || !enabled) return undefined;
  if (!world.fileExists(program)) {
    return {
      code: exitCode.noPowermetrics,
      message:
        `cannot find ${program}: powermetrics comes with macOS only; ` +
        "use --simulate to try the agent here, or turn sources.powermetrics.enabled off",
    };
  }
  // A wrapper such as [/usr/bin/sudo, -n, /usr/bin/powermetrics] brings root along itself.
  if (world.uid !== 0 && program.endsWith("/powermetrics")) {
    return {
      code: exitCode.notRoot,
      message:
        `cannot run ${program} without root; either install the daemon (sudo mac-powermetrics-agent install), ` +
        "or run this with sudo, or set sources.powermetrics.command to " +
        `["/usr/bin/sudo", "-n", "${program}"] and add to sudoers: ${await sudoersLine(configuration, world)}`,
    };
  }
  return undefined;
}

/**
 * Each command line that the agent runs here, argument for argument. Any wildcard would also allow `-o FILE`, with which
 * powermetrics writes a file as root.
 */
async function sudoersLine({ sources }: Configuration, world: World): Promise<string> {
  const { command, interval, samplers } = sources.powermetrics;
  const settings = collectorSettings(sources, false);
  const wanted = samplers === "auto" ? neededSamplers(settings) : samplers;
  const here = await chooseSamplers(
    { command, wanted, log: silentLogger },
    { ...helpLimits, clock: world.clock, environment: childEnvironment(world.env), signal: world.signal },
  );
  const stream = { intervalMs: interval, extraArguments: extraArguments(settings) };
  const lines = [
    ["--help"],
    // A powermetrics whose documents come late is started again with its output flushed line by line.
    ...[false, true].map((lineBuffered) => streamArguments(stream, here, lineBuffered)),
  ];
  const commands = lines.map((args) => [...command, ...args].map(escaped).join(" "));
  return `%admin ALL=(root) NOPASSWD: ${commands.join(", ")}`;
}

/** sudoers(5): these characters mean something else in a command's arguments. */
const escaped = (word: string): string => word.replace(/[\\,:= \t*?[\]!]/g, "\\$&");
