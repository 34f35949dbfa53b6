/** Reads durations as people write them: Prometheus' `1h30m`, `15s`, `100ms`. */

/** Largest unit first; the order in which Prometheus wants them written. A year has 365 days. */
const units = [
  ["y", 365 * 86_400_000],
  ["w", 7 * 86_400_000],
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

/** What a duration looks like: whole numbers, units from large to small, each at most once; `0` needs no unit. */
export const durationPattern =
  /^(?:0|(?=[0-9])(?:[0-9]+y)?(?:[0-9]+w)?(?:[0-9]+d)?(?:[0-9]+h)?(?:[0-9]+m(?!s))?(?:[0-9]+s)?(?:[0-9]+ms)?)$/;

/** Milliseconds; undefined for anything else than a Prometheus duration, or beyond what a double counts exactly. */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]+)([a-z]+)/gy)) {
    total += Number(count) * (units.find(([name]) => name === unit)?.[1] ?? 0);
  }
  return Number.isSafeInteger(total) ? total : undefined;
}
