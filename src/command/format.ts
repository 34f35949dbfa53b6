/** Prints snapshots: the formats of `once`, `replay` and `journal export`. */
import { exposition } from "../endpoint/exposition.ts";
import { isOwn, type Snapshot } from "../meter/snapshot.ts";
import { seriesKey } from "../metric/series.ts";
import { formatValue } from "../metric/text.ts";
import { readingsOf } from "../status/readings.ts";
import { tilesOf } from "../status/view.ts";

export const snapshotFormats = ["prometheus", "openmetrics", "json", "table", "summary"] as const;
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
    case "summary":
      return summary(snapshots);
  }
}

/** One snapshot as one line of JSON. */
export function formatLine(snapshot: Snapshot): string {
  return `${JSON.stringify(jsonSnapshot(snapshot))}\n`;
}

/** For scripts: `--format json` and `jsonl`, the journal's export. */
function jsonSnapshot({ source, time, set, values }: Snapshot): object {
  return {
    source,
    time: new Date(time).toISOString(),
    samples: set.series.map(({ name, metric, labels }, index) => ({
      name,
      type: metric.type,
      labels: Object.fromEntries(labels),
      value: jsonValue(values[index] ?? NaN),
    })),
  };
}

/** NaN and the infinities, which JSON lacks, as Prometheus writes them. */
function jsonValue(value: number): number | string {
  return Number.isFinite(value) ? value : formatValue(value);
}

function table({ source, time, set, values }: Snapshot): string {
  const names = set.series.map(seriesKey);
  const width = Math.max(0, ...names.map((name) => name.length));
  const rows = names.map((name, index) => `  ${name.padEnd(width)}  ${formatNumber(values[index] ?? NaN)}`);
  return [`${source} at ${new Date(time).toISOString()}`, ...rows, ""].join("\n");
}

/** What a person wants to know first, as the page and `top` show it; what this machine does not report is left out. */
function summary(snapshots: readonly Snapshot[]): string {
  const own = snapshots.filter(({ source }) => isOwn(source));
  const tiles = tilesOf(readingsOf(own)).filter(({ value }) => value !== undefined);
  const titles = Math.max(0, ...tiles.map(({ title }) => title.length));
  const values = Math.max(0, ...tiles.map(({ value = "" }) => value.length));
  const lines = tiles.map(({ title, value = "", note = "" }) =>
    `${title.padEnd(titles)}  ${value.padEnd(values)}  ${note}`.trimEnd(),
  );
  const counts = snapshots.map(({ source, set }) => `${source} ${set.series.length}`);
  return [...lines, `Series: ${counts.join(", ")}`, ""].join("\n");
}

/** Four decimals are enough to look at. */
function formatNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(6)));
}
