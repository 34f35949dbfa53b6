/**
 * Builds a dashboard: rows of panels, laid out from left to right, as Grafana's classic JSON.
 * The description is ours; panels, queries and variables are built by Grafana's own library.
 */
import { createHash } from "node:crypto";
import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";
import {
  DashboardCursorSync,
  DashboardLinkType,
  defaultDashboard,
  RowBuilder,
  type GridPos,
  type Panel,
  type VariableModel,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { leastStep } from "./query.ts";
import { source } from "./variables.ts";

export interface Query {
  readonly expression: string;
  /** Text with {{label}}s; without it Grafana writes out the series. */
  readonly legend?: string;
  /** Asks for the newest value only. */
  readonly instant?: boolean;
  readonly table?: boolean;
}

export interface PanelDescription {
  readonly title: string;
  /** What it means and what to make of it, one or two sentences. */
  readonly description: string;
  /** The look, from view.ts or table.ts. */
  readonly view: Panel;
  readonly queries: readonly Query[];
  /** Of 24. */
  readonly width: number;
}

export interface Row {
  readonly title: string;
  /** In units of Grafana's grid, 30 pixels each. */
  readonly height: number;
  readonly panels: readonly PanelDescription[];
  /** Closed at first: for what is off by default or rarely needed. */
  readonly collapsed?: boolean;
}

export interface DashboardDescription {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly VariableModel[];
  readonly rows: readonly Row[];
  /** How far back it looks at first. */
  readonly from: string;
}

const gridWidth = 24;
const tag = "mac-powermetrics-agent";

/** The JSON model of a dashboard, ready to be provisioned or imported. */
export function dashboard({ rows, variables, from, ...named }: DashboardDescription): object {
  return {
    ...defaultDashboard(),
    ...named,
    tags: [tag],
    editable: true,
    graphTooltip: DashboardCursorSync.Crosshair,
    refresh: "30s",
    time: { from, to: "now" },
    links: [otherDashboards()],
    templating: { list: variables },
    panels: layOut(rows),
  };
}

function otherDashboards(): object {
  return {
    type: DashboardLinkType.Dashboards,
    title: "Macs",
    tooltip: "The other dashboards of mac-powermetrics-agent",
    icon: "external link",
    tags: [tag],
    asDropdown: true,
    includeVars: true,
    keepTime: true,
    targetBlank: false,
  };
}

function layOut(rows: readonly Row[]): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    const header = new RowBuilder(row.title)
      .id(panelId(row.title))
      .gridPos({ x: 0, y: y++, w: gridWidth, h: 1 })
      .collapsed(row.collapsed === true)
      .build();
    const inside = place(row, y).map(([description, gridPos]) =>
      assemble(description, gridPos, panelId(row.title, description.title)),
    );
    y = Math.max(y, ...inside.map(({ gridPos }) => gridPos.y + gridPos.h));
    // A closed row carries its panels, an open one precedes them.
    if (row.collapsed === true) panels.push({ ...header, panels: inside });
    else panels.push(header, ...inside);
  }
  return panels;
}

/** Of the words alone, so that the links of alerts and people still lead to a panel when others come before it. */
function panelId(...words: readonly string[]): number {
  return createHash("sha256").update(words.join(": ")).digest().readUInt32BE() % 1_000_000;
}

function place({ panels, height }: Row, top: number): (readonly [PanelDescription, GridPos])[] {
  let x = 0;
  let y = top;
  return panels.map((panel) => {
    if (x + panel.width > gridWidth) [x, y] = [0, y + height];
    const position = { x, y, w: panel.width, h: height };
    x += panel.width;
    return [panel, position] as const;
  });
}

function assemble(
  { title, description, view, queries }: PanelDescription,
  gridPos: GridPos,
  id: number,
): Panel & { readonly gridPos: GridPos } {
  const datasource: DataSourceRef = source;
  return { ...view, id, title, description, datasource, gridPos, targets: queries.map(target) };
}

function target(
  { expression, legend, instant, table }: Query,
  index: number,
): ReturnType<DataqueryBuilder["build"]> {
  const builder = new DataqueryBuilder().refId(String.fromCharCode(65 + index)).expr(expression);
  if (legend !== undefined) builder.legendFormat(legend);
  if (table === true) builder.format(PromQueryFormat.Table);
  const step = leastStep(expression);
  if (step !== undefined) builder.interval(step);
  return (instant === true ? builder.instant() : builder.range()).build();
}
