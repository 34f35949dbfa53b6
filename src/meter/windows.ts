/** Decides which powermetrics documents are windows of the stream, and which of those may be added up. */
import type { PowermetricsSample } from "../parse/sample.ts";

export type WindowVerdict =
  | { readonly status: "window"; readonly accrues: boolean }
  | { readonly status: "skipped"; readonly why: string };

/** A window this much longer than its neighbours spans a sleep. */
const sleepFactor = 3;
const shortestSleepMs = 30_000;

/** @param intervalMs the interval asked for; a recorded stream, where nobody knows, is judged by the window before */
export function judgeWindows(intervalMs?: number): (sample: PowermetricsSample) => WindowVerdict {
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
