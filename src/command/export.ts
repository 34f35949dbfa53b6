/** The journal's history as OpenMetrics with timestamps, as `promtool tsdb create-blocks-from openmetrics` reads it. */
import { formatValue, openMetricsHead } from "../metric/text.ts";
import type { Metric } from "../metric/metric.ts";
import { seriesKey } from "../metric/series.ts";
import type { JournalArchive } from "../journal/types.ts";

interface Points {
  readonly times: number[];
  readonly values: number[];
}

/**
 * One text per family. OpenMetrics wants the points of a family, and in it of a series, side by side, so the history is read once
 * per family: memory holds one family, whatever the length of the history.
 */
export function* openMetricsHistory(archive: JournalArchive, fromMs: number): Iterable<string> {
  for (const metric of familiesOf(archive, fromMs)) yield family(metric, pointsOf(archive, metric, fromMs));
  yield "# EOF\n";
}

function familiesOf(archive: JournalArchive, fromMs: number): Iterable<Metric> {
  const families = new Map<string, Metric>();
  for (const { set } of archive.history({ fromMs, toMs: Infinity })) {
    for (const { metric } of set.series) families.set(metric.name, metric);
  }
  return families.values();
}

function pointsOf(archive: JournalArchive, metric: Metric, fromMs: number): ReadonlyMap<string, Points> {
  const points = new Map<string, Points>();
  const series = (name: string): boolean => name.startsWith(metric.name);
  for (const { set, values, time } of archive.history({ fromMs, toMs: Infinity, series })) {
    for (const [index, one] of set.series.entries()) {
      if (one.metric.name !== metric.name) continue;
      const key = seriesKey(one);
      const known = points.get(key) ?? { times: [], values: [] };
      points.set(key, known);
      known.times.push(time);
      known.values.push(values[index] ?? NaN);
    }
  }
  return points;
}

function family(metric: Metric, points: ReadonlyMap<string, Points>): string {
  const lines = [...points].flatMap(([key, { times, values }]) =>
    times.map((time, index) => `${key} ${formatValue(values[index] ?? NaN)} ${time / 1000}\n`),
  );
  return openMetricsHead(metric) + lines.join("");
}
