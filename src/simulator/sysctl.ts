/** The simulated sysctl, as far as anyone asks: memory, swap, boot and wake times, and what the machine is. */
import { demandAt, meanOver } from "./load.ts";
import { bootTimeMs, logicalCpus, memoryBytes, type Host } from "./mac.ts";
import { memoryAt } from "./memory.ts";
import { chance } from "./noise.ts";
import { misbehave } from "./faults.ts";
import type { Settings } from "./settings.ts";
import type { ToolIo } from "./simulate.ts";

type Oid = (host: Host, timeMs: number) => string;

const oids: Readonly<Record<string, Oid>> = {
  "vm.swapusage": swapUsage,
  "hw.memsize": (host) => String(memoryBytes(host.chip)),
  "hw.model": (host) => host.chip.model,
  "kern.boottime": (host, timeMs) => timeValue(bootTimeMs(host.seed, timeMs), host.seed),
  "kern.waketime": wakeTime,
  "kern.memorystatus_vm_pressure_level": (host, timeMs) => String(memoryAt(host, timeMs).pressureLevel),
  "kern.osproductversion": (host) => host.os,
  "vm.loadavg": loadAverages,
  "machdep.cpu.brand_string": (host) => host.chip.brand,
};

/** Prints what it knows, in one write as stdio does into a pipe, and complains about the rest, with exit code 1. */
export async function sysctl(
  argv: readonly string[],
  { host, faults }: Settings,
  io: ToolIo,
): Promise<number> {
  const fault = await misbehave(faults, "sysctl: sysctl failed: Operation not permitted", io);
  if (fault !== undefined) return fault;
  const valuesOnly = argv.includes("-n");
  let code = 0;
  let text = "";
  for (const name of argv.filter((word) => word !== "-n")) {
    const oid = Object.hasOwn(oids, name) ? oids[name] : undefined;
    if (oid === undefined) {
      await io.stderr.write(`sysctl: unknown oid '${name}'\n`);
      code = 1;
      continue;
    }
    const value = oid(host, io.clock.now());
    text += valuesOnly ? `${value}\n` : `${name}: ${value}\n`;
  }
  if (text !== "") await io.stdout.write(text);
  return code;
}

function swapUsage(host: Host, timeMs: number): string {
  const { swapTotalBytes, swapUsedBytes } = memoryAt(host, timeMs);
  const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(2)}M`;
  return `total = ${mebibytes(swapTotalBytes)}  used = ${mebibytes(swapUsedBytes)}  free = ${mebibytes(swapTotalBytes - swapUsedBytes)}  (encrypted)`;
}

/** A demand of 1 is as many threads as there are CPUs. */
function loadAverages(host: Host, timeMs: number): string {
  const cpus = logicalCpus(host).length;
  const loads = [1, 5, 15].map((minutes) => {
    const window = { startMs: timeMs - minutes * 60_000, endMs: timeMs, elapsedNs: 0 };
    return (meanOver(window, (at) => demandAt(host.seed, at)) * cpus + 0.6).toFixed(2);
  });
  return `{ ${loads.join(" ")} }`;
}

/** Laptops woke some time this morning; desktops never slept. */
function wakeTime(host: Host, timeMs: number): string {
  if (!host.chip.battery) return "{ sec = 0, usec = 0 } Thu Jan  1 00:00:00 1970";
  const day = Math.floor(timeMs / 86_400_000);
  const wake = (day: number): number => (day + (6.5 + 2 * chance(host.seed, 22, day)) / 24) * 86_400_000;
  const last = wake(day) <= timeMs ? wake(day) : wake(day - 1);
  return timeValue(Math.max(last, bootTimeMs(host.seed, timeMs)), host.seed);
}

/** A `struct timeval` with its ctime, in UTC. */
function timeValue(timeMs: number, seed: number): string {
  const seconds = Math.floor(timeMs / 1000);
  const [weekday = "", date = "", month = "", year = "", time = ""] = new Date(seconds * 1000)
    .toUTCString()
    .split(/,? /);
  const microseconds = Math.floor(chance(seed, 23, seconds) * 1e6);
  return `{ sec = ${seconds}, usec = ${microseconds} } ${weekday} ${month} ${String(Number(date)).padStart(2)} ${time} ${year}`;
}
