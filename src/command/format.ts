/** Prints snapshots: the formats of `once`, `replay` and `journal export`. */
import { exposition } from "../endpoint/exposition.ts";
import { jsonSnapshot } from "../meter/json.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import { seriesKey } from "../metric/series.ts";

export const snapshotFormats = ["prometheus", "openmetrics", "json", "table"] as const;
export type SnapshotFormat = (typeof snapshotFormats)[number];

/** All snapshots as one text, with its final newline. */
export function formatSnapshots(snapshots: readonly Snapshot[], format: SnapshotFormat): string {
  switch (format) {
    case "prometheus":
    case "openmetrics":
      return exposition(snapshots, format);
    case "json":
      return `${JSON.stringify(snapshots.map(jsonSnapshot), undefined, 2)}\n`;
    case "table":
      return snapshots.map(table).join("\n");
  }
}

/** One snapshot as one line of JSON. */
export function formatLine(snapshot: Snapshot): string {
  return `${JSON.stringify(jsonSnapshot(snapshot))}\n`;
}

function table({ source, time, set, values }: Snapshot): string {
  const names = set.series.map(seriesKey);
  const width = Math.max(0, ...names.map((name) => name.length));
  const rows = names.map((name, index) => `  ${name.padEnd(width)}  ${formatNumber(values[index] ?? NaN)}`);
  return [`${source} at ${new Date(time).toISOString()}`, ...rows, ""].join("\n");
}

/** Four decimals are enough to look at. */
function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
