/** Writes names, values and labels of the text formats that a scrape, a push and an export share: Prometheus' 0.0.4 and OpenMetrics 1.0. */
import type { Metric, MetricType } from "./metric.ts";
import { escapeLabelValue, isMetricName, quoted } from "./series.ts";

/** What format 0.0.4 calls the types that it lacks. */
const plainTypes: Readonly<Partial<Record<MetricType, string>>> = {
  unknown: "untyped",
  info: "gauge",
  stateset: "gauge",
  gaugehistogram: "untyped",
};

/** The two lines that introduce a family in format 0.0.4. */
export function familyHead({ name, help, type }: Metric): string {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  const shown = isMetricName(name) ? name : quoted(name);
  return `# HELP ${shown} ${escaped}\n# TYPE ${shown} ${plainTypes[type] ?? type}\n`;
}

/** What OpenMetrics leaves out of the name of a family. */
const suffixes: Readonly<Partial<Record<MetricType, string>>> = { counter: "_total", info: "_info" };

/**
 * The same in OpenMetrics, which names a counter's family without `_total` and escapes quotes in HELP too. A scraped counter may lack
 * `_total`, and parts of a gaugehistogram stand alone, which OpenMetrics does not allow: there the type is unknown.
 */
export function openMetricsHead({ name, help, type }: Metric): string {
  const suffix = suffixes[type] ?? "";
  const family = name.endsWith(suffix) ? name.slice(0, name.length - suffix.length) : name;
  const isAllowed = name.endsWith(suffix) && type !== "gaugehistogram";
  const shown = isMetricName(family) ? family : quoted(family);
  return `# TYPE ${shown} ${isAllowed ? type : "unknown"}\n# HELP ${shown} ${escapeLabelValue(help)}\n`;
}

/** The shortest decimal that reads back as the same double. */
export function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}
