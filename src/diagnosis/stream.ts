/** The stream of powermetrics as it comes on this machine: with and without line buffering, and across sleep. */
import type { CpuInfo } from "node:os";
import { parsePowermetrics } from "../parse/powermetrics.ts";
import type { PowermetricsSample } from "../parse/sample.ts";
import { parseCpuTime } from "../source/child-cpu.ts";
import { spawnChild, type Argv, type Child } from "../source/child.ts";
import { createFramer } from "../source/frame.ts";
import { splitLines } from "../source/output.ts";
import { skipped, type Item, type Result } from "./items.ts";
import { hasTool, median, runTool, seconds, waitFor, wordsOf, type Machine, type Output } from "./machine.ts";

interface Arrival {
  /** Since the tool was started. */
  readonly afterMs: number;
  /** Arrival minus the document's own time, which is a whole second. */
  readonly behindMs: number;
  /** The length of the window, by the document. */
  readonly elapsedMs: number;
  readonly bytes: number;
  /** Pieces in which its bytes came. */
  readonly reads: number;
  /** Mean activity of the cores in percent: by the document, and by the kernel's ticks between two arrivals. */
  readonly activePercent?: number;
  readonly kernelActivePercent?: number;
}

interface Watched {
  readonly arrivals: readonly Arrival[];
  readonly stderr: string[];
  readonly garbage: string[];
  readonly unknown: Set<string>;
  readonly implausible: string[];
  readonly unreadable: string[];
}

interface Stream extends Watched {
  readonly child: Child;
}

function openStream({ clock, environment, cpus, isMac }: Machine, argv: Argv): Stream {
  const watched = { arrivals: [] as Arrival[], stderr: [] as string[], garbage: [] as string[] };
  const findings = { unknown: new Set<string>(), implausible: [] as string[], unreadable: [] as string[] };
  const start = clock.monotonic();
  let reads = 0;
  // A simulated Mac's cores have nothing to do with this machine's.
  const readTicks = isMac ? cpus : () => [];
  let ticks = readTicks();
  const framer = createFramer({
    onFrame(bytes) {
      const parsed = parsePowermetrics(bytes);
      const [before, now] = [ticks, readTicks()];
      ticks = now;
      if (!parsed.ok) {
        keep(findings.unreadable, parsed.error.message);
        return;
      }
      const sample = parsed.value;
      for (const path of sample.findings.unknown) if (findings.unknown.size < 100) findings.unknown.add(path);
      for (const field of sample.findings.implausible) keep(findings.implausible, field);
      watched.arrivals.push({
        afterMs: Math.round(clock.monotonic() - start),
        behindMs: Math.round(clock.now() - sample.timestampMs),
        elapsedMs: Math.round(sample.elapsedNs / 1e6),
        bytes: bytes.length,
        reads,
        ...activity(sample, before, now),
      });
      reads = 0;
    },
    onGarbage: ({ lines }) => lines.forEach((line) => keep(watched.garbage, line)),
  });
  const stderr = splitLines((line) => keep(watched.stderr, line), 4096);
  const child = spawnChild(argv, {
    clock,
    environment,
    onStdout(chunk) {
      reads += 1;
      framer.push(chunk);
    },
    onStderr: (chunk) => stderr.push(chunk),
  });
  return { child, ...watched, ...findings };
}

function keep(lines: string[], line: string): void {
  if (lines.length < 100) lines.push(line);
}

function activity(
  { processor }: PowermetricsSample,
  before: readonly CpuInfo[],
  now: readonly CpuInfo[],
): Pick<Arrival, "activePercent" | "kernelActivePercent"> {
  const ratios = (processor?.cores ?? []).flatMap(({ activeRatio }) => activeRatio ?? []);
  const kernel = busyShare(before, now);
  const percent = (share: number): number => Number((100 * share).toFixed(1));
  return {
    ...(ratios.length > 0 && {
      activePercent: percent(ratios.reduce((sum, one) => sum + one, 0) / ratios.length),
    }),
    ...(kernel !== undefined && { kernelActivePercent: percent(kernel) }),
  };
}

function busyShare(before: readonly CpuInfo[], now: readonly CpuInfo[]): number | undefined {
  const total = (cpus: readonly CpuInfo[]): number =>
    cpus.reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq + times.idle, 0);
  const idle = (cpus: readonly CpuInfo[]): number => cpus.reduce((sum, { times }) => sum + times.idle, 0);
  const passed = total(now) - total(before);
  return passed > 0 ? 1 - (idle(now) - idle(before)) / passed : undefined;
}

export function powermetricsArgv(
  { commands, samplers }: Machine,
  intervalMs: number,
  ...more: readonly string[]
): Argv {
  const own = ["-f", "plist", "-i", String(intervalMs), "-s", samplers.join(","), "-a", "0"];
  return [...commands.powermetrics, ...own, ...more];
}

export function streamItems(machine: Machine): readonly Item[] {
  return [
    { name: "stream", more: [] },
    { name: "stream -b 1", more: ["-b", "1"] },
  ].map(({ name, more }) => ({
    name,
    expected: "a document each interval, at most half an interval behind, and every value plausible",
    limitMs: 20_000 + 2 * machine.pace.documents * machine.pace.intervalMs,
    run: (signal: AbortSignal) => measure(machine, more, signal),
  }));
}

async function measure(machine: Machine, more: readonly string[], signal: AbortSignal): Promise<Result> {
  const { pace, clock } = machine;
  if (!hasTool(machine, machine.commands.powermetrics)) return skipped("needs macOS");
  const argv = powermetricsArgv(machine, pace.intervalMs, ...more);
  const stream = openStream(machine, argv);
  try {
    const limitMs = 15_000 + 2 * pace.documents * pace.intervalMs;
    let ended = false;
    void stream.child.ended.then(() => (ended = true));
    await waitFor(machine, limitMs, signal, () =>
      ended || stream.arrivals.length >= pace.documents ? true : undefined,
    );
    const watchedMs = stream.arrivals.at(-1)?.afterMs ?? 0;
    const cpuSeconds = await cpuTimeOf(stream.child.pid, machine, signal);
    const start = clock.monotonic();
    const exit = await stream.child.stop();
    const cpuPercent =
      cpuSeconds === undefined || watchedMs === 0
        ? undefined
        : Number(((100_000 * cpuSeconds) / watchedMs).toFixed(1));
    const details = {
      argv,
      ...plain(stream),
      cpuSeconds,
      cpuPercent,
      endedAfterMs: Math.round(clock.monotonic() - start),
      exit: wordsOf(exit),
    };
    const { status, got } = judge(stream, pace.intervalMs);
    return { status, got: cpuPercent === undefined ? got : `${got}, CPU ${cpuPercent} %`, details };
  } finally {
    await stream.child.stop();
  }
}

function plain({ arrivals, stderr, garbage, unknown, implausible, unreadable }: Watched): object {
  return { arrivals, stderr, garbage, unknown: [...unknown], implausible, unreadable };
}

async function cpuTimeOf(
  pid: number | undefined,
  machine: Machine,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (pid === undefined) return undefined;
  const { stdout } = await runTool(machine, ["/bin/ps", "-o", "time=", "-p", String(pid)], {
    signal,
    limitMs: 3000,
  });
  return parseCpuTime(stdout);
}

/** Means that differ by so much in three windows do not differ by chance. */
const largestDifference = 40;

function judge(
  { arrivals, stderr, garbage, unknown, implausible, unreadable }: Watched,
  intervalMs: number,
): Result {
  if (arrivals.length === 0) {
    const said = [...stderr, ...garbage, ...unreadable].slice(0, 3).join(" | ");
    return { status: "fail", got: `no document${said === "" ? "" : `: ${said}`}` };
  }
  // The time of a document is cut to its second, so the least delay seen is nearest to the true one.
  const lagMs = Math.max(0, Math.min(...arrivals.map(({ behindMs }) => behindMs)));
  const elapsedMs = median(arrivals.map((one) => one.elapsedMs));
  const apart = arrivals.filter(
    ({ activePercent, kernelActivePercent }) =>
      Math.abs((activePercent ?? 0) - (kernelActivePercent ?? activePercent ?? 0)) > largestDifference,
  ).length;
  const complaints = [
    ...(lagMs > intervalMs / 2 ? [`documents come ${seconds(lagMs)} late`] : []),
    ...(elapsedMs > 1.5 * intervalMs ? [`windows of ${elapsedMs} ms instead of ${intervalMs}`] : []),
    ...(apart >= 3 ? [`core activity differs from the kernel's in ${apart} windows`] : []),
    ...(implausible.length > 0 ? [`${implausible.length} implausible values (${implausible[0]})`] : []),
    ...(unreadable.length > 0 ? [`${unreadable.length} unreadable documents`] : []),
  ];
  const reads = arrivals.reduce((sum, one) => sum + one.reads, 0) / arrivals.length;
  const got = [
    `${arrivals.length} documents of ${elapsedMs} ms`,
    `the first after ${seconds(arrivals[0]?.afterMs ?? 0)}`,
    `lag ${seconds(lagMs)}`,
    `${reads.toFixed(1)} reads each`,
    `${unknown.size} unknown keys`,
    ...(stderr.length > 0 ? [`${stderr.length} lines on standard error`] : []),
    ...complaints,
  ].join(", ");
  return { status: complaints.length > 0 ? "warn" : "ok", got };
}

/** Puts the Mac to sleep for half a minute while powermetrics runs. */
export function sleepItem(machine: Machine): Item {
  return {
    name: "sleep",
    expected: "documents go on after a sleep, kern.waketime moves",
    limitMs: 180_000 + 1000 * machine.pace.sleepSeconds,
    run: (signal) => sleepThrough(machine, signal),
  };
}

async function sleepThrough(machine: Machine, signal: AbortSignal): Promise<Result> {
  const { pace, clock, commands } = machine;
  if (!machine.isMac) return skipped("needs macOS");
  if (machine.uid !== 0 && machine.prefix === "") return skipped("needs root, to set the wake time");
  const pmset = (...args: readonly string[]): Promise<Output> =>
    runTool(machine, [...commands.pmset, ...args], { signal });
  const wakeTime = async (): Promise<string> =>
    (await runTool(machine, [...commands.sysctl, "-n", "kern.waketime"], { signal })).stdout.trim();
  const stream = openStream(machine, powermetricsArgv(machine, pace.intervalMs));
  try {
    const before = await wakeTime();
    await waitFor(machine, 30_000, signal, () => (stream.arrivals.length >= 2 ? true : undefined));
    // Without an alarm that is set nobody would wake it.
    const alarm = await pmset("relative", "wake", String(pace.sleepSeconds));
    if (alarm.code !== 0)
      return { status: "fail", got: `cannot set the wake time: ${alarm.end}`, details: { alarm } };
    const start = { wall: clock.now(), monotonic: clock.monotonic() };
    const asleep = await pmset("sleepnow");
    const after = await waitFor(machine, 60_000 + 1000 * pace.sleepSeconds, signal, async () => {
      const now = await wakeTime();
      return now === before ? undefined : now;
    });
    const count = stream.arrivals.length;
    await waitFor(machine, 30_000, signal, () => (stream.arrivals.length >= count + 3 ? true : undefined));
    const passed = {
      wallMs: clock.now() - start.wall,
      monotonicMs: Math.round(clock.monotonic() - start.monotonic),
    };
    const assertions = after === undefined ? await pmset("-g", "assertions") : undefined;
    const details = {
      alarm,
      asleep,
      wakeTime: { before, after },
      passed,
      documentsBefore: count,
      ...plain(stream),
      assertions,
    };
    if (after === undefined) return { status: "warn", got: "did not sleep: kern.waketime stayed", details };
    return { ...judgeSleep(stream.arrivals, count), details };
  } finally {
    await stream.child.stop();
  }
}

function judgeSleep(arrivals: readonly Arrival[], before: number): Result {
  const longest = Math.max(0, ...arrivals.map(({ elapsedMs }) => elapsedMs));
  const gap = Math.max(
    0,
    ...arrivals.slice(1).map((one, index) => one.afterMs - (arrivals[index]?.afterMs ?? 0)),
  );
  const got = `${arrivals.length - before} documents after waking, longest gap ${seconds(gap)}, longest window ${seconds(longest)}`;
  return { status: arrivals.length > before ? "ok" : "fail", got };
}
