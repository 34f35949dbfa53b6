/** Formats the fleet's numbers for its reports. */

/** Three digits or so: 2.17 M, 184.5 k. */
export function count(value: number): string {
  if (value >= 1e9) return `${(value / 1e9).toFixed(2)} G`;
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  return value >= 1e4 ? `${(value / 1e3).toFixed(1)} k` : value.toFixed(0);
}

/** Three of them: 0.0125. */
export function digits(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Every digit, where two of them have to agree: 184 477 824. */
export function exact(value: number): string {
  return value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, " ");
}

export function span(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(0)} s`;
  const minutes = seconds / 60;
  return minutes < 120 ? `${minutes.toFixed(1)} minutes` : `${(minutes / 60).toFixed(1)} hours`;
}

export function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(0)} MB`;
}

export function counts(of: ReadonlyMap<string, number>): string {
  return [...of].map(([name, times]) => `${name}: ${times}`).join(", ");
}
