/** Builds tables of one row a machine: instant queries that are joined by job and instance, one column each. */
import { type DynamicConfigValue, type Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as TableBuilder } from "@grafana/grafana-foundation-sdk/table";
import type { Query } from "./dashboard.ts";
import { mappings, thresholds, type Meanings, type Steps } from "./view.ts";

interface Column {
  readonly title: string;
  readonly expression: string;
  readonly unit: string;
  readonly decimals?: number;
  readonly steps?: Steps;
  readonly meanings?: Meanings;
  /** The expression is 1 for one set of labels, and these are the columns: label to title. */
  readonly labels?: Readonly<Record<string, string>>;
}

interface Table {
  readonly panel: Panel;
  readonly queries: readonly Query[];
}

/** @param machineLink where a click on a machine leads, with Grafana's `${__value.text}` for its name */
export function machineTable(columns: readonly Column[], machineLink: string): Table {
  const builder = new TableBuilder()
    .unit("none")
    .transformations([
      { id: "merge", options: {} },
      { id: "organize", options: { excludeByName: excluded(columns), renameByName: renamed(columns) } },
    ])
    .overrideByName("Mac", [{ id: "links", value: [{ title: "Show this Mac", url: machineLink }] }]);
  for (const column of columns) {
    if (column.labels === undefined) builder.overrideByName(column.title, look(column));
  }
  return {
    panel: builder.build(),
    queries: columns.map(({ expression }) => ({ expression, instant: true, table: true })),
  };
}

/** Grafana names the value column of query B `Value #B`. */
function valueName(index: number): string {
  return `Value #${String.fromCharCode(65 + index)}`;
}

function excluded(columns: readonly Column[]): Record<string, boolean> {
  const constant = columns.flatMap(({ labels }, index) => (labels === undefined ? [] : [valueName(index)]));
  return Object.fromEntries(["Time", ...constant].map((name) => [name, true]));
}

function renamed(columns: readonly Column[]): Record<string, string> {
  return Object.fromEntries([
    ["instance", "Mac"],
    ["job", "Job"],
    ...columns.flatMap(({ title, labels }, index) =>
      labels === undefined ? [[valueName(index), title] as const] : Object.entries(labels),
    ),
  ]);
}

function look({ unit, decimals, steps, meanings }: Column): DynamicConfigValue[] {
  const values: DynamicConfigValue[] = [{ id: "unit", value: unit }];
  if (decimals !== undefined) values.push({ id: "decimals", value: decimals });
  if (meanings !== undefined) values.push({ id: "mappings", value: mappings(meanings) });
  if (steps !== undefined) values.push({ id: "thresholds", value: thresholds(steps).build() });
  if (steps !== undefined || meanings !== undefined) {
    values.push({ id: "custom.cellOptions", value: { type: "color-text" } });
  }
  return values;
}
