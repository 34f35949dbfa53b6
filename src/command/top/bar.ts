/** Draws bars and sparklines with block characters. */

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const heights = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** `ratio` of `width` characters, to an eighth of one; the rest is blank. */
export function bar(ratio: number, width: number): string {
  const steps = Math.round(Math.min(1, Math.max(0, ratio)) * width * 8);
  const filled = "█".repeat(Math.floor(steps / 8)) + (eighths[steps % 8] ?? "");
  return filled.padEnd(width);
}

/** The newest values at the right, relative to the highest. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width);
  const highest = Math.max(...shown, Number.MIN_VALUE);
  const text = shown.map((value) => heights[Math.min(7, Math.floor((value / highest) * 8))] ?? "▁").join("");
  return text.padStart(width);
}
