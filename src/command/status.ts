/** `status`: the installed daemon in a few lines, or as JSON. */
import { basename } from "node:path";
import { targetOf } from "../daemon/step.ts";
import { programIn } from "../daemon/layout.ts";
import type { ReadyProbe } from "../daemon/ready.ts";
import { isDisabled, readJob, type Job } from "../daemon/service.ts";
import { lookAt, type System } from "../daemon/system.ts";
import { defined } from "../runtime/defined.ts";
import { exitCode, type CommandContext, type ExitCode } from "./context.ts";
import { probeOf, resolvePrefix } from "./install.ts";
import { loadDefaults, loadInstalled } from "./load.ts";
import { openSystem } from "./system.ts";

export interface StatusArguments {
  readonly json?: boolean;
  readonly prefix?: string;
}

/** 0 when the installed agent is ready, else 1. */
export async function status(
  { json = false, prefix }: StatusArguments,
  context: CommandContext,
): Promise<ExitCode> {
  const system = openSystem(resolvePrefix(prefix, context), context);
  const found = await readStatus(system, installedProbe(system, context));
  context.stdout(json ? `${JSON.stringify(found, undefined, 2)}\n` : formatStatus(found));
  return found.installed && found.ready ? exitCode.ok : exitCode.failure;
}

/** The configuration is only root's and the agent's to read: without it the default address is asked. */
function installedProbe(system: System, context: CommandContext): ReadyProbe {
  const { config } = system.layout;
  const loaded = loadInstalled(config, context);
  return probeOf((loaded.ok ? loaded : loadDefaults(context)).configuration, system);
}

interface Status {
  readonly installed: boolean;
  /** Name of the version's folder, which begins with the version. */
  readonly version?: string;
  readonly previous?: string;
  readonly enabled: boolean;
  readonly job: Job;
  readonly ready: boolean;
  /** Why it is not ready. */
  readonly reason?: string;
  readonly configuration: string;
  readonly log: string;
}

/** Gathers what `status` shows: what is installed, what runs, and whether it is ready. */
async function readStatus(system: System, probe: ReadyProbe): Promise<Status> {
  const { layout } = system;
  const version = targetOf(layout.current);
  const previous = targetOf(layout.previous);
  const job = await readJob(system);
  const answer = job.loaded ? await probe() : { ready: false as const, reason: "the job is not loaded" };
  return defined({
    installed: lookAt(layout.plist) !== undefined && lookAt(programIn(layout.current).cli) !== undefined,
    version: version && basename(version),
    previous: previous && basename(previous),
    enabled: !(await isDisabled(system)),
    job,
    ready: answer.ready,
    reason: answer.ready ? undefined : answer.reason,
    configuration: layout.config,
    log: layout.log,
  });
}

/** For people, one fact a line. */
function formatStatus(status: Status): string {
  const { job } = status;
  const lines: readonly (readonly [name: string, text: string])[] = [
    ["installed", status.installed ? (status.version ?? "yes") : "no"],
    ["before it", status.previous ?? "none"],
    ["job", jobText(status)],
    ["last exit", job.lastExitCode === undefined ? "none" : String(job.lastExitCode)],
    ["ready", status.ready ? "yes" : `no: ${status.reason ?? "unknown"}`],
    ["configuration", status.configuration],
    ["log", status.log],
  ];
  return lines.map(([name, text]) => `${`${name}:`.padEnd(15)}${text}\n`).join("");
}

function jobText({ job, enabled }: Status): string {
  if (!job.loaded) return enabled ? "not loaded" : "disabled";
  const process = job.pid === undefined ? "" : `, process ${job.pid}`;
  return `${job.state ?? "loaded"}${process}`;
}
