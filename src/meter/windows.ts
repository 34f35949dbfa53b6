/**
 * Judges the windows of powermetrics: which documents are windows of the stream, which of those may be added up, the time of each, and
 * what cannot be true in them beside the windows before and the operating system's own count of CPU time.
 */
import type { Core, PowermetricsSample, Processor } from "../parse/sample.ts";

export type WindowVerdict =
  | { readonly status: "window"; readonly accrues: boolean }
  | { readonly status: "skipped"; readonly why: string };

/** A window this much longer than its neighbours spans a sleep. */
const sleepFactor = 3;
const shortestSleepMs = 30_000;

/** @param intervalMs the interval asked for; absent for a recording, which is judged by the window before */
export function createWindowJudge(intervalMs?: number): (sample: PowermetricsSample) => WindowVerdict {
  let windowsSeen = false;
  let lastMs: number | undefined;
  return ({ isDelta, elapsedNs }) => {
    // `--show-initial-usage` and `--show-usage-summary` print what the windows add up to; a summary that stands alone
    // is all there is.
    if (!isDelta && windowsSeen)
      return { status: "skipped", why: "it sums up windows that were already read" };
    if (elapsedNs <= 0) return { status: "skipped", why: "it covers no time" };
    windowsSeen = true;
    const elapsedMs = elapsedNs / 1e6;
    const expectedMs = intervalMs ?? lastMs ?? elapsedMs;
    const accrues = elapsedMs <= Math.max(sleepFactor * expectedMs, shortestSleepMs);
    if (accrues) lastMs = elapsedMs;
    return { status: "window", accrues };
  };
}

/**
 * The time of each sample: a document's timestamp has whole seconds, its window has nanoseconds. Adds up the windows and keeps the sum
 * within the second that each document names, so that several documents of one second get the times they were taken at. Off by less
 * than a second at first, and by less after every second's border.
 */
export function createSampleTimes(): (timestampMs: number, elapsedNs: number) => number {
  let last: SampleTime | undefined;
  return (timestampMs, elapsedNs) => {
    const time = last === undefined ? timestampMs : timeAfter(last, timestampMs, elapsedNs);
    last = { time, timestampMs };
    return time;
  };
}

interface SampleTime {
  readonly time: number;
  readonly timestampMs: number;
}

function timeAfter(last: SampleTime, timestampMs: number, elapsedNs: number): number {
  const summed = Math.round(last.time + elapsedNs / 1e6);
  const within = Math.min(Math.max(summed, timestampMs), timestampMs + 999);
  // The second is full, which rounding of many short windows can do: go on from the last one, time never repeats.
  return timestampMs >= last.timestampMs ? Math.max(within, last.time + 1) : within;
}

/** M2 chips on macOS 13 report idle cores as fully active. Both readings may differ by less for being of slightly different windows. */
const mostDifference = 0.4;
const windowsInDoubt = 3;

/**
 * `isLate`: the document waited in a buffer, so that what was counted since the last one is of another window.
 *
 * @param busyShare of all CPUs since the call before, 0…1; undefined where it cannot be read
 */
export function createPlausibility(
  busyShare: () => number | undefined = () => undefined,
): (sample: PowermetricsSample, isLate: boolean) => PowermetricsSample {
  const judgeZeros = createZeroJudge();
  let windows = 0;

  return (sample, isLate) => {
    const judged = withImplausible(sample, judgeZeros(sample.findings.zeroWhileBusy ?? []));
    const busy = busyShare();
    const { processor } = judged;
    const active = meanActivity(processor?.cores ?? []);
    if (processor === undefined || active === undefined || busy === undefined || isLate) return judged;
    windows = Math.abs(active - busy) > mostDifference ? windows + 1 : 0;
    return windows < windowsInDoubt ? judged : withoutActivity(judged, processor);
  };
}

/**
 * A chip may publish its energy every two seconds: a window at 0 mW while cores were busy is followed by one that has it all. Only
 * when a second such window follows, the values of both could not be true. Returns what is to be counted.
 */
function createZeroJudge(): (fields: readonly string[]) => readonly string[] {
  let before = new Map<string, "withheld" | "counted">();
  return (fields) => {
    const counted = fields.flatMap((field) => {
      const last = before.get(field);
      return last === undefined ? [] : last === "withheld" ? [field, field] : [field];
    });
    before = new Map(fields.map((field) => [field, before.has(field) ? "counted" : "withheld"]));
    return counted;
  };
}

function meanActivity(cores: readonly Core[]): number | undefined {
  const ratios = cores.flatMap(({ activeRatio }) => activeRatio ?? []);
  return ratios.length === 0 ? undefined : ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
}

/** Frequencies are means over the same residencies. */
function withoutActivity(sample: PowermetricsSample, processor: Processor): PowermetricsSample {
  const bare = ({ id, cluster }: Core): Core => (cluster === undefined ? { id } : { id, cluster });
  const withheld = {
    ...processor,
    cores: processor.cores.map(bare),
    clusters: processor.clusters.map((cluster) => ({ ...cluster, cores: cluster.cores.map(bare) })),
  };
  const fields = processor.cores.map(() => "core_active_ratio");
  return withImplausible({ ...sample, processor: withheld }, fields);
}

function withImplausible(sample: PowermetricsSample, fields: readonly string[]): PowermetricsSample {
  if (fields.length === 0) return sample;
  const { findings } = sample;
  return { ...sample, findings: { ...findings, implausible: [...findings.implausible, ...fields] } };
}
