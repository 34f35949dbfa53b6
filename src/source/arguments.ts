/** The command line of powermetrics: the samplers that the collectors want and this machine has, and the arguments of an endless stream. */
import { parseSamplers } from "../parse/powermetrics.ts";
import type { Logger } from "../runtime/log.ts";
import { type Argv, runTool, type RunOptions } from "./child.ts";

/** In every list that powermetrics is known to print, from macOS 11 on Intel to macOS 26 (src/parse/README.md, 5). */
const everywhere = [
  "tasks",
  "battery",
  "network",
  "disk",
  "interrupts",
  "cpu_power",
  "thermal",
  "sfi",
  "gpu_power",
];

/** Of `--help`. */
export const helpLimits = { timeoutMs: 5000, maxBytes: 256 * 1024 } as const;

interface SamplerChoice {
  readonly command: Argv;
  readonly wanted: readonly string[];
  readonly log: Logger;
}

/**
 * One unknown name fails the whole run, so the tool is asked first; `--help` needs no root. A tool that does not answer
 * gets the samplers that every version has, and its refusal of one more is dealt with when it comes.
 */
export async function chooseSamplers(choice: SamplerChoice, options: RunOptions): Promise<readonly string[]> {
  const known = await askForSamplers(choice, options);
  if (known === undefined) return choice.wanted.filter((name) => everywhere.includes(name));
  const missing = choice.wanted.filter((name) => !known.includes(name));
  if (missing.length > 0)
    choice.log.info("powermetrics here lacks samplers; going on without", { samplers: missing });
  return choice.wanted.filter((name) => known.includes(name));
}

async function askForSamplers(
  choice: SamplerChoice,
  options: RunOptions,
): Promise<readonly string[] | undefined> {
  const run = await runTool([...choice.command, "--help"], options);
  if (run.status === "stopped") return undefined;
  // What keeps it from starting is reported when the stream is started, in full.
  if (run.status === "ended" && run.exit.kind === "not_started") return undefined;
  // Versions differ in the exit status of --help; the list counts.
  const known = run.status === "ended" ? parseSamplers(run.stdout.toString("latin1")) : [];
  if (known.length > 0) return known;
  choice.log.warn(
    "cannot list samplers: powermetrics --help gave no list; using those that every version has",
    {
      status: run.status,
    },
  );
  return undefined;
}

interface StreamRequest {
  readonly intervalMs: number;
  /** Further options of the tool, such as those that add detail to tasks. */
  readonly extraArguments?: readonly string[];
}

/** `-n` is left out, since its meaning of "for ever" differs by version; `-a 0` drops a text-only block. */
export function streamArguments(
  { intervalMs, extraArguments = [] }: StreamRequest,
  samplers: readonly string[],
  lineBuffered: boolean,
): readonly string[] {
  const own = ["-f", "plist", "-i", String(Math.round(intervalMs)), "-s", samplers.join(","), "-a", "0"];
  return [...own, ...(lineBuffered ? ["-b", "1"] : []), ...extraArguments];
}
