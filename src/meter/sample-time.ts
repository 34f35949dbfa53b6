/** The time of a powermetrics sample: its timestamp has whole seconds, its windows have nanoseconds. */

/**
 * Adds up the windows and keeps the sum within the second that each document names, so that several documents of
 * one second get the times they were taken at. Off by less than a second at first, and by
 * less after every second's border.
 */
export function sampleTimes(): (timestampMs: number, elapsedNs: number) => number {
  let last: { readonly time: number; readonly timestampMs: number } | undefined;
  return (timestampMs, elapsedNs) => {
    const time = last === undefined ? timestampMs : follow(last, timestampMs, elapsedNs);
    last = { time, timestampMs };
    return time;
  };
}

function follow(
  last: { readonly time: number; readonly timestampMs: number },
  timestampMs: number,
  elapsedNs: number,
): number {
  const summed = Math.round(last.time + elapsedNs / 1e6);
  const within = Math.min(Math.max(summed, timestampMs), timestampMs + 999);
  // The second is full, which rounding of many short windows can do: go on from the last one, time never repeats.
  return timestampMs >= last.timestampMs ? Math.max(within, last.time + 1) : within;
}
