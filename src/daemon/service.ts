/**
 * The job in launchd: enabled, loaded, gone.
 *
 *     bootout ──► gone? wait … ──► bootstrap ──error 5, 36, 37──► wait, again
 *                                         └──any other error──► loaded all the same?
 */
import { rmSync } from "node:fs";
import { defined } from "../runtime/defined.ts";
import { service, type Layout } from "./layout.ts";
import type { Failure, Step } from "./step.ts";
import { hasOwner, lookAt, octal, rootOwner, type System } from "./system.ts";

export interface Job {
  readonly loaded: boolean;
  /** As launchd prints it: `running`, `not running`, `spawn scheduled`. */
  readonly state?: string;
  readonly pid?: number;
  readonly lastExitCode?: number;
}

/** ExitTimeOut of the job and some more. */
const longestExitMs = 30_000;
const lookEveryMs = 500;
const bootstrapTries = 6;
const bootstrapPauseMs = 2000;
/**
 * "Input/output error", "operation now in progress" and "operation already in progress": what launchd says while it still
 * takes the old job down. The first is also its answer to everything else that it does not like.
 */
const notYet: readonly number[] = [5, 36, 37];

export async function readJob({ tool, layout }: System): Promise<Job> {
  const { code, stdout } = await tool([layout.launchctl, "print", service]);
  if (code !== 0) return { loaded: false };
  const lines = stdout.split("\n").map((line) => line.trim());
  const value = (key: string): string | undefined => {
    const start = `${key} = `;
    return lines.find((line) => line.length > start.length && line.startsWith(start))?.slice(start.length);
  };
  return defined({
    loaded: true,
    state: value("state"),
    pid: integer(value("pid")),
    lastExitCode: integer(value("last exit code")),
  });
}

/** `78: EX_CONFIG` as well; nothing for `(never exited)`. */
function integer(text = ""): number | undefined {
  const number = Number.parseInt(text, 10);
  return Number.isInteger(number) ? number : undefined;
}

/** A user's `launchctl disable`, or a switch in the system settings, outlives an installation. */
export async function isDisabled({ tool, layout }: System): Promise<boolean> {
  const { stdout } = await tool([layout.launchctl, "print-disabled", "system"]);
  const label = service.slice("system/".length);
  return ["disabled", "true"].some((answer) => stdout.includes(`"${label}" => ${answer}`));
}

export function enableStep(system: System): Step {
  return {
    describe: `enable ${service}`,
    isDone: async () => !(await isDisabled(system)),
    do: () => launchctl(system, "enable", service),
  };
}

/** @param isCurrent whether what is loaded may stay: nothing that it runs from is about to change */
export function stopStep(system: System, isCurrent: () => boolean | Promise<boolean>): Step {
  return {
    describe: `stop ${service} and wait until it is gone`,
    isDone: async () => (await isCurrent()) || !(await readJob(system)).loaded,
    do: () => stop(system),
  };
}

export function startStep(system: System): Step {
  return {
    describe: `load ${service} from ${system.layout.plist}`,
    isDone: async () => (await readJob(system)).loaded,
    do: () => start(system),
    undo: {
      describe: `stop ${service} and remove ${system.layout.pidFile}`,
      isDue: async () => lookAt(system.layout.pidFile) !== undefined || (await readJob(system)).loaded,
      async do() {
        const failure = (await readJob(system)).loaded ? await stop(system) : undefined;
        rmSync(system.layout.pidFile, { force: true });
        return failure;
      },
    },
  };
}

export async function stop(system: System): Promise<Failure> {
  const failure = await launchctl(system, "bootout", service);
  const deadline = system.clock.monotonic() + longestExitMs;
  // A bootout that fails, or returns while the job still ends, is judged by what is left of the job.
  while ((await readJob(system)).loaded) {
    if (system.clock.monotonic() >= deadline)
      return failure ?? `cannot stop ${service}: it is still there after 30 s`;
    await system.clock.sleep(lookEveryMs);
  }
  return undefined;
}

export async function start(system: System): Promise<Failure> {
  const { layout, tool, clock } = system;
  const argv = [layout.launchctl, "bootstrap", "system", layout.plist];
  for (let attempt = 1; ; attempt++) {
    const { code, stderr } = await tool(argv);
    if (code === 0) return undefined;
    const failure = toolFailure(layout, argv, code, stderr);
    // Somebody else loaded it meanwhile: error 5 or 37, and 17 (file exists) on older systems.
    if ((await readJob(system)).loaded) return undefined;
    if (!notYet.includes(code) || attempt === bootstrapTries) return `${failure}; ${await causesOf(system)}`;
    await clock.sleep(bootstrapPauseMs);
  }
}

/** launchd's error names no cause: what is found of those that are known, or what is left to look at. */
async function causesOf(system: System): Promise<string> {
  const { plist } = system.layout;
  const stat = lookAt(plist);
  const found: string[] = [];
  if (await isDisabled(system))
    found.push(`it is disabled: run sudo launchctl enable ${service}, or switch it on as below`);
  if (stat === undefined) found.push(`${plist} is missing`);
  else if (!hasOwner(system, stat, rootOwner, 0o644))
    found.push(
      `${plist} must be owned by root:wheel with mode 0644, got ${stat.uid}:${stat.gid} with ${octal(stat.mode)}`,
    );
  const others =
    "mac-powermetrics-agent is switched off in System Settings > General > Login Items & Extensions, where macOS shows it as " +
    `Node.js Foundation's; or an older job of this name is still loaded: run sudo launchctl bootout ${service} and install again`;
  return [...found, `${found.length > 0 ? "other causes" : "known causes"}: ${others}`].join("; ");
}

async function launchctl(system: System, ...args: readonly string[]): Promise<Failure> {
  const argv = [system.layout.launchctl, ...args];
  const { code, stderr } = await system.tool(argv);
  return code === 0 ? undefined : toolFailure(system.layout, argv, code, stderr);
}

function toolFailure(
  { launchctl: tool }: Layout,
  argv: readonly string[],
  code: number,
  said: string,
): string {
  return `cannot run ${[tool, ...argv.slice(1)].join(" ")}: ${said === "" ? `exit status ${code}` : said}`;
}
