/** `metrics`: the catalogue, for people and for scripts. */
import { collectors } from "../collector/index.ts";
import { ownMetrics } from "../meter/catalogue.ts";
import type { Metric } from "../metric/metric.ts";
import { exitCode, type ExitCode, type CommandContext } from "./context.ts";

export interface MetricsArguments {
  readonly format: "md" | "json";
}

export async function metrics({ format }: MetricsArguments, context: CommandContext): Promise<ExitCode> {
  await context.write(formatCatalogue(format));
  return exitCode.ok;
}

/** The catalogue as Markdown tables, or as one JSON array. */
export function formatCatalogue(format: MetricsArguments["format"]): string {
  return format === "json"
    ? `${JSON.stringify(groups().flatMap(jsonRows), undefined, 2)}\n`
    : groups().map(markdownTable).join("\n");
}

interface Group {
  readonly title: string;
  readonly metrics: readonly Metric[];
}

/** The groups of the catalogue, in the order in which a reader wants them. */
function groups(): readonly Group[] {
  const all = Object.values(collectors).flat();
  const metricsOf = (optional: boolean): readonly Metric[] =>
    all.filter((one) => one.optional === optional).flatMap((one) => Object.values(one.metrics));
  return [
    { title: "On by default", metrics: metricsOf(false) },
    { title: "Off by default", metrics: metricsOf(true) },
    { title: "The agent's own", metrics: Object.values(ownMetrics) },
  ];
}

function jsonRows({ title, metrics }: Group): readonly object[] {
  return metrics.map(({ name, type, help, labels, since }) => ({
    name,
    type,
    labels,
    help,
    group: title,
    ...(type === "counter" && { since }),
  }));
}

function markdownTable({ title, metrics }: Group): string {
  const rows = metrics.map(
    ({ name, type, labels, help }) => `| \`${name}\` | ${type} | ${labels.join(", ")} | ${help} |`,
  );
  return [`### ${title}`, "", "| name | type | labels | what it is |", "|---|---|---|---|", ...rows, ""].join(
    "\n",
  );
}
