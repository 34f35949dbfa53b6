/** Gathers what `status` shows: what is installed, what runs, and whether it is ready. */
import { basename } from "node:path";
import { defined } from "../runtime/defined.ts";
import { targetOf } from "./file-steps.ts";
import { programIn } from "./layout.ts";
import type { ReadyProbe } from "./ready.ts";
import { isDisabled, readJob, type Job } from "./service.ts";
import { lookAt, type System } from "./system.ts";

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

export async function readStatus(system: System, probe: ReadyProbe): Promise<Status> {
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
export function formatStatus(status: Status): string {
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
