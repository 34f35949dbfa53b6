/** Owns the simulated powermetrics as a process: its checks in their order, the pace of its stream, and how it ends. */
import { parseArguments, type Arguments } from "./arguments.ts";
import { powermetricsDocument, type DocumentRequest } from "./document.ts";
import { hasFault, spoils, strikesAt } from "./faults.ts";
import { helpText } from "./help.ts";
import { bootTimeMs } from "./host.ts";
import { chance } from "./noise.ts";
import { chooseSamplers, samplersOf, type Sampler } from "./samplers.ts";
import type { Settings } from "./settings.ts";
import { until, type World } from "./world.ts";

const usageError = 64;
const noPermission = 1;
const aborted = 134;
const cutOff = 1;
const brokenPipe = 141;

/** Samplers are checked before the user (FORMATS.md, section 6). */
export async function powermetrics(
  argv: readonly string[],
  settings: Settings,
  world: World,
): Promise<number> {
  const parsed = parseArguments(argv);
  if ("problem" in parsed) return complain(world, parsed.problem, usageError);
  const wanted = parsed.arguments;
  const groups = samplersOf(settings.host.chip, settings.host.os);
  const chosen = chooseSamplers(wanted.all ? ["all"] : (wanted.samplers ?? ["default"]), groups);
  if ("unrecognized" in chosen)
    return complain(world, `unrecognized sampler: ${chosen.unrecognized}`, usageError);
  if (hasFault(settings.faults, "unknown-sampler") && !wanted.help) {
    return complain(world, `unrecognized sampler: ${[...chosen.samplers].at(-1) ?? "none"}`, usageError);
  }
  if (wanted.help) {
    await world.stdout.write(helpText(settings.host));
    return 0;
  }
  if (hasFault(settings.faults, "not-root")) {
    await world.stderr.write("powermetrics must be invoked as the superuser\n");
    return noPermission;
  }
  if (wanted.format !== "plist") {
    return complain(world, `the simulator prints --format plist only, got ${wanted.format}`, usageError);
  }
  return stream(wanted, chosen.samplers, settings, world);
}

async function complain(world: World, problem: string, code: number): Promise<number> {
  await world.stderr.write(`powermetrics: ${problem}\n`);
  return code;
}

/** What changes while the stream runs. */
interface Progress {
  /** How many documents were printed, the summary not counted. */
  printed: number;
  /** How far sleep has moved the wall clock beyond the world's. */
  sleptMs: number;
}

async function stream(
  wanted: Arguments,
  samplers: ReadonlySet<Sampler>,
  settings: Settings,
  world: World,
): Promise<number> {
  const { clock, signal, stdout } = world;
  const { host, faults } = settings;
  const progress: Progress = { printed: 0, sleptMs: 0 };
  const began = clock.now();
  const request = (number: number): Omit<DocumentRequest, "window" | "isDelta"> => {
    const tasks = spoils(faults, "huge", number) ? Math.max(640, settings.tasks) : settings.tasks;
    const withTasks = spoils(faults, "huge", number) ? new Set<Sampler>([...samplers, "tasks"]) : samplers;
    return { host, samplers: withTasks, coalitions: wanted.coalitions, tasks, faults, number };
  };
  const wholeUptime = (isFirst: boolean): string => {
    const endMs = clock.now() + progress.sleptMs;
    const startMs = isFirst ? bootTimeMs(host.seed, endMs) : began;
    const elapsedNs = isFirst ? 0 : (endMs - startMs) * 1_000_000;
    return powermetricsDocument({ ...request(0), window: { startMs, endMs, elapsedNs }, isDelta: false });
  };

  if (await preliminaries(settings, world, wanted, wholeUptime)) return brokenPipe;
  let separator = wanted.initialUsage ? "\0" : "";
  while (progress.printed < (wanted.count ?? Infinity)) {
    const number = progress.printed + 1;
    const window = await nextWindow(wanted, settings, world, progress, number);
    if (signal.aborted) break;
    if (strikesAt(faults, "stall", number)) {
      await until(clock, signal);
      break;
    }
    const document = powermetricsDocument({ ...request(number), window, isDelta: true });
    if (strikesAt(faults, "truncate", number)) {
      await stdout.write(separator + document.slice(0, document.length / 2));
      return cutOff;
    }
    const garbage = spoils(faults, "garbage", number) ? "proc_pidpath 1460 failed(0)\n" : "";
    if (!(await stdout.write(garbage + separator + document))) return brokenPipe;
    separator = "\0";
    progress.printed = number;
    if (strikesAt(faults, "abort", number)) return aborted;
  }
  if (wanted.usageSummary) await stdout.write(separator + wholeUptime(false));
  return 0;
}

/** Whatever comes before the first window; true when nobody reads it. */
async function preliminaries(
  settings: Settings,
  world: World,
  wanted: Arguments,
  wholeUptime: (isFirst: boolean) => string,
): Promise<boolean> {
  const { chip } = settings.host;
  if (chip.kind === "apple" && chip.gpu === undefined) {
    await world.stderr.write("ERROR: cannot find the IO registry entry for IODeviceTree:/arm-io/pmgr\n");
  }
  return wanted.initialUsage && !(await world.stdout.write(wholeUptime(true)));
}

/** A window lasts a little longer than asked: mostly 2 ms or so, at times 30. */
async function nextWindow(
  wanted: Arguments,
  settings: Settings,
  world: World,
  progress: Progress,
  number: number,
): Promise<DocumentRequest["window"]> {
  const { clock, signal } = world;
  const startMs = clock.now() + progress.sleptMs;
  const startedAt = clock.monotonic();
  if (wanted.intervalMs === 0) await until(clock, signal);
  else await clock.sleep(wanted.intervalMs + 1.2 + 30 * chance(settings.host.seed, 9, number) ** 6, signal);
  const awakeMs = clock.monotonic() - startedAt;
  const sleptMs = sleepBefore(settings, number);
  progress.sleptMs += sleptMs;
  const spannedMs = strikesAt(settings.faults, "sleep-gap-spanned", number) ? sleptMs : 0;
  const endMs = clock.now() + progress.sleptMs;
  return {
    startMs: startMs + sleptMs - spannedMs,
    endMs,
    elapsedNs: Math.round((awakeMs + spannedMs) * 1e6),
  };
}

function sleepBefore(settings: Settings, number: number): number {
  const sleeps =
    strikesAt(settings.faults, "sleep-gap", number) ||
    strikesAt(settings.faults, "sleep-gap-spanned", number);
  return sleeps ? 3_600_000 : 0;
}
