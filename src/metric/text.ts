/** Writes names, values and labels of the text formats that a scrape, a push and an export share: Prometheus' 0.0.4 and OpenMetrics 1.0. */
import type { Metric } from "./metric.ts";
import { escapeLabelValue } from "./series.ts";

/** The two lines that introduce a family in format 0.0.4. */
export function familyHead({ name, help, type }: Metric): string {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n`;
}

/** The same in OpenMetrics, which names a counter's family without `_total` and escapes quotes in HELP too. */
export function openMetricsHead({ name, help, type }: Metric): string {
  const family = type === "counter" ? name.replace(/_total$/, "") : name;
  return `# TYPE ${family} ${type}\n# HELP ${family} ${escapeLabelValue(help)}\n`;
}

/** The shortest decimal that reads back as the same double. */
export function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}
