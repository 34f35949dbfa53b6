/** Every query that we publish, in dashboards, rules and answers, and what each query names. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { z } from "zod";

export interface Query {
  /** Which panel, rule or question it belongs to. */
  readonly of: string;
  readonly expression: string;
}

const root = new URL("../../", import.meta.url);

export function readText(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

export const dashboardFiles = ["fleet.json", "host.json", "agent.json"].map(
  (name) => `config/grafana/${name}`,
);
export const documents = ["README.md", "config/prometheus/queries.md"];
export const ruleFiles = ["recording", "alerts"].map((name) => `config/prometheus/rules/${name}.yaml`);

const panelSchema = z.object({
  id: z.number(),
  row: z.string(),
  title: z.string(),
  description: z.string().default(""),
  type: z.string(),
  datasource: z.unknown(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  fieldConfig: z.object({ defaults: z.object({ unit: z.string().optional() }) }).optional(),
  targets: z
    .array(
      z.object({
        expr: z.string(),
        refId: z.string(),
        legendFormat: z.string().optional(),
        instant: z.boolean().default(false),
        interval: z
          .string()
          .regex(/^\d+s$/)
          .optional(),
      }),
    )
    .default([]),
});
export type Panel = z.infer<typeof panelSchema>;

const dashboardSchema = z.object({
  uid: z.string(),
  templating: z.object({ list: z.array(z.object({ name: z.string() })) }),
  panels: z.array(
    z.looseObject({
      type: z.string(),
      title: z.string(),
      panels: z.array(z.looseObject({})).default([]),
    }),
  ),
});

/** A dashboard as Grafana will read it; panels of closed rows included, rows left out. */
export function readDashboard(path: string): {
  readonly uid: string;
  readonly variables: readonly string[];
  readonly panels: readonly Panel[];
} {
  const { uid, templating, panels } = dashboardSchema.parse(JSON.parse(readText(path)));
  let row = "";
  const flat = panels.flatMap((panel) => {
    if (panel.type !== "row") return [{ ...panel, row }];
    row = panel.title;
    return panel.panels.map((inside) => ({ ...inside, row }));
  });
  return {
    uid,
    variables: templating.list.map(({ name }) => name),
    panels: flat.map((panel) => panelSchema.parse(panel)),
  };
}

export interface PanelQuery extends Query {
  /** With its row, as *Now / Battery*. */
  readonly panel: string;
  /** The series' name in the legend, or the query's letter. */
  readonly legend: string;
  /** Asked for the newest value alone. */
  readonly instant: boolean;
}

export function panelQueries(path: string): readonly PanelQuery[] {
  return readDashboard(path).panels.flatMap(({ row, title, targets }) =>
    targets.map(({ expr, refId, legendFormat = refId, instant, interval = "15s" }) => ({
      of: `${path}: ${title} (${refId})`,
      panel: `${row} / ${title}`,
      legend: legendFormat,
      instant,
      expression: withVariables(expr, interval),
    })),
  );
}

const variables: Readonly<Record<string, string>> = {
  $__range: "6h",
  $job: ".+",
  $instance: ".+",
  $price: "0.30",
  $carbon: "400",
};

/** What Grafana would send. @param interval the query's own, or the data source's */
function withVariables(expression: string, interval: string): string {
  const known: typeof variables = { ...variables, $__rate_interval: `${4 * parseInt(interval)}s` };
  return expression.replace(/\$[a-z_]+/g, (name) => known[name] ?? name);
}

const ruleSchema = z.union([
  z.strictObject({ record: z.string(), expr: z.string() }),
  z.strictObject({
    alert: z.string(),
    expr: z.string(),
    for: z.string().optional(),
    labels: z.record(z.string(), z.string()),
    annotations: z.record(z.string(), z.string()),
  }),
]);
export type Rule = z.infer<typeof ruleSchema>;

export function readRules(path: string): readonly Rule[] {
  const file = z
    .object({ groups: z.array(z.object({ rules: z.array(ruleSchema) })) })
    .parse(parse(readText(path)));
  return file.groups.flatMap(({ rules }) => rules);
}

function ruleQueries(path: string): readonly Query[] {
  return readRules(path).map((rule) => ({
    of: "alert" in rule ? rule.alert : rule.record,
    expression: rule.expr,
  }));
}

/** The fenced queries of a document, each named by the line it begins at; in a block with comments each comment begins another. */
export function documentQueries(path: string): readonly Query[] {
  const text = readText(path);
  return [...text.matchAll(/^```promql\n(.*?)^```$/gms)].flatMap(({ 1: block = "", index }) => {
    const line = text.slice(0, index).split("\n").length;
    return [...block.matchAll(/^(?!#).+\n(?:(?!#).*\n)*/gm)].map(({ 0: expression, index: inside }) => ({
      of: `${path}:${line + block.slice(0, inside).split("\n").length}`,
      expression,
    }));
  });
}

export function allQueries(): readonly Query[] {
  return [
    ...dashboardFiles.flatMap(panelQueries),
    ...ruleFiles.flatMap(ruleQueries),
    ...documents.flatMap(documentQueries),
  ];
}

const keywords = new Set(["and", "or", "unless", "bool", "offset", "group_left", "group_right"]);

/** Names of the series that a query selects, each with the labels it matches on. */
export function selectorsIn(
  expression: string,
): readonly { readonly name: string; readonly labels: readonly string[] }[] {
  const bare = expression
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\[[^\]]*\]/g, "")
    .replace(/\boffset\s+\w+/g, "")
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, "");
  return [...bare.replace(/\{[^}]*\}/g, (matchers) => matchers.replaceAll(/[\s(]/g, "")).matchAll(selector)]
    .map(({ 1: name = "", 2: matchers = "" }) => ({
      name,
      labels: [...matchers.matchAll(/(\w+)[=!]/g)].map(([, label = ""]) => label),
    }))
    .filter(({ name }) => !keywords.has(name));
}

/** A name that is no function's, with its matchers; `3.6e6` is no name. */
const selector = /(?<![\w.{,])([a-zA-Z_:][\w:]*)(?![\w:]*\s*\()(?:\{([^}]*)\})?/g;
