/** What the operating system itself says of this machine, for checking what its tools print; tests bring their own. */
import { cpus, totalmem } from "node:os";
import type { Clock } from "../runtime/clock.ts";

export interface Machine {
  readonly memoryBytes?: number;
  /** Of all CPUs since the call before, 0…1. */
  readonly busyShare?: () => number | undefined;
}

interface MachineOptions {
  /** As `process.platform`. */
  readonly platform: string;
  readonly simulated: boolean;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
}

/** A simulated Mac is asked of the simulator; other systems are another machine than the one that is measured. */
export function machineOf({ platform, simulated, clock, environment }: MachineOptions): Machine | undefined {
  if (simulated) return { busyShare: simulatedBusyShare(clock, environment) };
  return platform === "darwin" ? { memoryBytes: totalmem(), busyShare: busyShare(clock, cpus) } : undefined;
}

interface CpuTimes {
  readonly times: {
    readonly user: number;
    readonly nice: number;
    readonly sys: number;
    readonly irq: number;
  };
}

/** Busy time over the time that went by, since a CPU that is switched off may not count its idle time. */
export function busyShare(
  clock: Pick<Clock, "monotonic">,
  listCpus: () => readonly CpuTimes[],
): () => number | undefined {
  const look = () => ({ at: clock.monotonic(), cpus: listCpus() });
  let before = look();
  return () => {
    const now = look();
    const possibleMs = (now.at - before.at) * now.cpus.length;
    const busyMs = busyTime(now.cpus) - busyTime(before.cpus);
    const comparable = now.cpus.length === before.cpus.length && possibleMs > 0 && busyMs >= 0;
    before = now;
    return comparable ? Math.min(1, busyMs / possibleMs) : undefined;
  };
}

function busyTime(all: readonly CpuTimes[]): number {
  return all.reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);
}

/** The simulator's program is loaded only where it is needed; until then nobody tells. */
function simulatedBusyShare(
  clock: Clock,
  environment: Readonly<Record<string, string>>,
): () => number | undefined {
  let shareOf: ((startMs: number, endMs: number) => number | undefined) | undefined;
  void import("./simulate/busy-share.ts").then(({ simulatedShare }) => {
    shareOf = simulatedShare(environment["MAC_POWERMETRICS_SIMULATE"] ?? "");
  });
  let before = clock.now();
  return () => {
    const [startMs, endMs] = [before, clock.now()];
    before = endMs;
    return shareOf?.(startMs, endMs);
  };
}
