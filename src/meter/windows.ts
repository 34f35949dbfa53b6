/** Judges the windows of powermetrics: which documents are windows of the stream, which of those may be added up, and the time of each. */
import type { PowermetricsSample } from "../parse/sample.ts";

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
