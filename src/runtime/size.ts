/** Reads byte sizes as people write them: `256MB`, `1MiB`, `512KB`. */

const units = ["B", "KB", "MB", "GB", "TB"] as const;

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
    units.findIndex((name) => name === unit),
  );
  const bytes = Number.parseInt(text, 10) * 1024 ** exponent;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The shortest text that parses back to the same whole bytes: `1048576` is `1MB`. */
export function formatSize(bytes: number): string {
  let rest = Math.max(0, Math.round(bytes));
  let exponent = 0;
  while (rest !== 0 && rest % 1024 === 0 && exponent < units.length - 1) {
    rest /= 1024;
    exponent++;
  }
  return `${rest}${units[exponent] ?? "B"}`;
}
