/** Writes the two text formats of a scrape: Prometheus' 0.0.4 and OpenMetrics 1.0. */
import type { Metric } from "../metric/metric.ts";
import { seriesKey, type SeriesSet } from "../metric/series.ts";
import { familyHead, formatValue, openMetricsHead } from "../metric/text.ts";
import type { Snapshot } from "../meter/snapshot.ts";

export type ExpositionFormat = "prometheus" | "openmetrics";

export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** Everything of a line but its value, which is all that changes from scrape to scrape. */
type Prefixes = readonly string[];

const cache: Record<ExpositionFormat, WeakMap<SeriesSet, Prefixes>> = {
  prometheus: new WeakMap(),
  openmetrics: new WeakMap(),
};

/** One scrape's body; families are contiguous, and no sample carries a timestamp, as staleness is the scraper's. */
export function exposition(snapshots: readonly Snapshot[], format: ExpositionFormat): string {
  let text = "";
  for (const { set, values } of snapshots) {
    const prefixes = prefixesOf(set, format);
    for (let index = 0; index < prefixes.length; index++) {
      text += `${prefixes[index] ?? ""}${formatValue(values[index] ?? NaN)}\n`;
    }
  }
  return format === "openmetrics" ? `${text}# EOF\n` : text;
}

function prefixesOf(set: SeriesSet, format: ExpositionFormat): Prefixes {
  const known = cache[format].get(set);
  if (known !== undefined) return known;
  const headOf = format === "prometheus" ? familyHead : openMetricsHead;
  let family: Metric | undefined;
  const prefixes = set.series.map((series) => {
    const head = series.metric === family ? "" : headOf(series.metric);
    family = series.metric;
    return `${head}${seriesKey(series)} `;
  });
  cache[format].set(set, prefixes);
  return prefixes;
}
