/** Durations and sizes as people write them: Prometheus' `1h30m`, `15s`, `100ms`, and `256MB`, `1MiB`. */

/** Largest unit first; the order in which Prometheus wants them written. A year has 365 days. */
const durationUnits = [
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
    total += Number(count) * (durationUnits.find(([name]) => name === unit)?.[1] ?? 0);
  }
  return Number.isSafeInteger(total) ? total : undefined;
}

const sizeUnits = ["B", "KB", "MB", "GB", "TB"] as const;

/** What a size looks like: a whole number and a unit; `0` needs no unit. */
export const sizePattern = /^(?:0|[0-9]+(?:B|[KMGT]i?B))$/;

/**
 * Bytes; undefined for anything else, or beyond what a double counts exactly.
 * `MB` and `MiB` are both 1024², as in Prometheus' `storage.tsdb.retention.size`.
 */
export function parseSize(text: string): number | undefined {
  if (!sizePattern.test(text)) return undefined;
  const unit = text.replace(/^[0-9]+/, "").replace("i", "");
  const exponent = Math.max(
    0,
    sizeUnits.findIndex((name) => name === unit),
  );
  const bytes = Number.parseInt(text, 10) * 1024 ** exponent;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest text that parses back to the same whole bytes: `1048576` is `1MB`. */
export function formatSize(bytes: number): string {
  let rest = Math.max(0, Math.round(bytes));
  let exponent = 0;
  while (rest !== 0 && rest % 1024 === 0 && exponent < sizeUnits.length - 1) {
    rest /= 1024;
    exponent++;
  }
  return `${rest}${sizeUnits[exponent] ?? "B"}`;
}
