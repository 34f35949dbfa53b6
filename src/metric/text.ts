/** Owns the words of Prometheus' text format 0.0.4 that a scrape and a push share. */
import type { Metric } from "./metric.ts";

/** The two lines that introduce a family. */
export function familyHead({ name, help, type }: Metric): string {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return `# HELP ${name} ${escaped}\n# TYPE ${name} ${type}\n`;
}

/** The shortest decimal that reads back as the same double. */
export function formatValue(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "+Inf" : "-Inf";
}
