/** Owns what the long-running child costs: its CPU time, as ps tells it, since Node.js has no word for it. */
import type { Clock } from "../runtime/clock.ts";
import type { Argv, Spawn } from "./child.ts";
import { runTool } from "./run.ts";

export interface ChildCpu {
  /** A child was started; the one before it keeps what it had used. */
  started(pid: number): void;
  /** Asks ps; a failure leaves the figure as it was. */
  refresh(): Promise<void>;
  /** CPU seconds of all children so far; absent until ps told. */
  readonly seconds: number | undefined;
}

export interface ChildCpuOptions {
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
  readonly spawn?: Spawn;
}

const ps: Argv = ["/bin/ps", "-o", "time=", "-p"];

export function childCpu(options: ChildCpuOptions): ChildCpu {
  let pid: number | undefined;
  let before = 0;
  let present: number | undefined;

  return {
    get seconds() {
      return present === undefined && before === 0 ? undefined : before + (present ?? 0);
    },
    started(newPid) {
      before += present ?? 0;
      present = undefined;
      pid = newPid;
    },
    async refresh() {
      if (pid === undefined) return;
      const asked = pid;
      const run = await runTool([...ps, String(asked)], { ...options, timeoutMs: 2000, maxBytes: 1024 });
      if (run.status !== "ended" || pid !== asked) return;
      const seconds = parseCpuTime(run.stdout.toString("latin1"));
      if (seconds !== undefined) present = Math.max(seconds, present ?? 0);
    },
  };
}

/** `0:01.25` on macOS, `00:00:01` and `1-02:03:04` on Linux: seconds at the end, each colon a factor of 60, days before a dash. */
export function parseCpuTime(text: string): number | undefined {
  const match = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+(?:\.\d+)?)$/.exec(text.trim());
  if (match === null) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part: string | undefined) => Number(part ?? 0));
  return (((days ?? 0) * 24 + (hours ?? 0)) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0);
}
