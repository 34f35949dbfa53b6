/** What the operating system says of the machine: facts for OpenTelemetry's resource, and how busy its CPUs are. Each may be absent. */
import { cpus, totalmem } from "node:os";
import type { Clock } from "../runtime/clock.ts";
import type { HostFacts } from "../runtime/host.ts";
import { type Argv, type RunOptions, type Spawn, runTool } from "./child.ts";

export interface HostOptions {
  /** `[/usr/sbin/sysctl]`, or the simulator and its first arguments. */
  readonly sysctl: Argv;
  /** As `process.platform`: ioreg is macOS' own. */
  readonly platform: string;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string>>;
  readonly spawn?: Spawn;
  readonly signal?: AbortSignal;
}

const factOf: Readonly<Record<string, keyof HostFacts>> = {
  "kern.osproductversion": "osVersion",
  "kern.osversion": "osBuild",
  "hw.model": "model",
  "machdep.cpu.brand_string": "chip",
};

const ioreg: Argv = ["/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice"];

/** Never rejects; a tool that fails costs its facts. */
export async function readHostFacts({ sysctl, platform, ...world }: HostOptions): Promise<HostFacts> {
  const options = { ...world, timeoutMs: 2000, maxBytes: 64 * 1024 };
  const [names, hardware] = await Promise.all([
    printed([...sysctl, ...Object.keys(factOf)], options),
    platform === "darwin" ? printed(ioreg, options) : "",
  ]);
  const id = /"IOPlatformUUID" = "([0-9A-F-]{36})"/.exec(hardware)?.[1];
  return { ...namedFacts(names), ...(id !== undefined && { id }) };
}

/** sysctl fails as a whole for one name it lacks, and prints the others all the same. */
async function printed(argv: Argv, options: RunOptions): Promise<string> {
  const run = await runTool(argv, options);
  return run.status === "ended" ? run.stdout.toString("utf8") : "";
}

function namedFacts(text: string): HostFacts {
  const facts = text.split("\n").flatMap((line): [keyof HostFacts, string][] => {
    const [, name = "", value = ""] = /^([\w.]+): (.+)$/.exec(line.trim()) ?? [];
    const fact = Object.hasOwn(factOf, name) ? factOf[name] : undefined;
    return fact === undefined ? [] : [[fact, value]];
  });
  return Object.fromEntries(facts);
}

/** For checking what the tools print. */
export interface Machine {
  readonly memoryBytes?: number;
  /** Of all CPUs since the call before, 0…1. */
  readonly busyShare?: () => number | undefined;
}

/** Undefined on another system, which is another machine than the one that is measured. */
export function machineOf(platform: string, clock: Pick<Clock, "monotonic">): Machine | undefined {
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
