/**
 * Splits a batch that is too much for one request by series, so that each request has the labels of its series once,
 * however many samples they have.
 *
 *             snapshots ─►          snapshots ─►
 *     series  a a a|a a a           a a a a a a
 *       │     b b b|b b b           b b b b b b
 *       ▼     c c c|c c c   not so, ───────────  but so
 *             d d d|d d d           c c c c c c
 *                                   d d d d d d
 */
import type { Run } from "./gather.ts";

/** As few portions as it takes, of about the same number of samples; none has more than `maxSamples` unless a single series has. */
export function splitBySeries(runs: readonly Run[], maxSamples: number): readonly (readonly Run[])[] {
  const fewest = divide(runs, maxSamples, maxSamples).length;
  const total = runs.reduce((sum, { rows }) => sum + rows.length, 0);
  return divide(runs, total / fewest, maxSamples);
}

/** Each portion ends as soon as it has its share, or when one series more would be too much. */
function divide(runs: readonly Run[], share: number, maxSamples: number): readonly (readonly Run[])[] {
  const portions: Run[][] = [];
  let size = Infinity;
  for (const run of runs) {
    const more = run.rows.length;
    if (size >= share || size + more > maxSamples) {
      portions.push([]);
      size = 0;
    }
    portions.at(-1)?.push(run);
    size += more;
  }
  return portions;
}
