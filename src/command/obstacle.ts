/** Owns what stands between a command and real samples: no powermetrics here, or no root to run it. */
import { exitCode, type ExitCode } from "./exit.ts";
import type { Prepared } from "./load.ts";
import type { World } from "./world.ts";

/** What stands between us and real samples, with the exit code for it; absent when nothing does. */
export function obstacle(
  { configuration, simulated }: Pick<Prepared, "configuration" | "simulated">,
  world: World,
): { readonly code: ExitCode; readonly message: string } | undefined {
  const { enabled, command, interval } = configuration.sources.powermetrics;
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
        `["/usr/bin/sudo", "-n", "${program}"] and add to sudoers: ${sudoersLine(program, interval)}`,
    };
  }
  return undefined;
}

/** Just what the agent asks: its list of samplers, and one stream. Tasks add arguments, for which the last * stands. */
function sudoersLine(program: string, interval: number): string {
  return `%admin ALL=(root) NOPASSWD: ${program} --help, ${program} -f plist -i ${Math.round(interval)} -s *`;
}
