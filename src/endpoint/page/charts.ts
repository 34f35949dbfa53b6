/** The list of charts, and the table behind each. Runs in the browser too. */
import type { History, HistoryGroup } from "../../status/history.ts";
import { bytes, clockTime, hertz, percent, watts, type Format } from "../../status/view.ts";
import { html, type Html } from "./html.ts";

export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly source: string;
  /** Of the columns that it shows. */
  readonly prefix: string;
  readonly kind: "stacked" | "lines" | "heat";
  readonly format: Format;
  /** What the steps of the axis are multiples of. */
  readonly base: 2 | 10;
}

export const charts: readonly Chart[] = [
  {
    id: "power",
    title: "Power by rail",
    source: "powermetrics",
    prefix: "power.",
    kind: "stacked",
    format: watts,
    base: 10,
  },
  {
    id: "cores",
    title: "Activity of each core",
    source: "powermetrics",
    prefix: "core.",
    kind: "heat",
    format: percent,
    base: 10,
  },
  {
    id: "clusters",
    title: "Frequency of each cluster",
    source: "powermetrics",
    prefix: "cluster.",
    kind: "lines",
    format: hertz,
    base: 10,
  },
  {
    id: "memory",
    title: "Memory",
    source: "vm_stat",
    prefix: "memory.",
    kind: "stacked",
    format: bytes,
    base: 2,
  },
  { id: "swap", title: "Swap", source: "sysctl", prefix: "swap.", kind: "lines", format: bytes, base: 2 },
];

interface ChartColumn {
  readonly label: string;
  readonly values: readonly (number | null)[];
}

export interface ChartSeries {
  readonly time: readonly number[];
  readonly columns: readonly ChartColumn[];
}

export function seriesOf({ source, prefix }: Chart, groups: readonly HistoryGroup[]): ChartSeries {
  const group = groups.find((each) => each.source === source);
  if (group === undefined) return { time: [], columns: [] };
  return {
    time: group.time,
    columns: Object.entries(group.columns)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, values]) => ({ label: key.slice(prefix.length), values })),
  };
}

/** A screenful; the API has them all. */
const tableRows = 12;

/** Evenly spread from the newest to the oldest. */
export function chartTable(chart: Chart, { groups, toMs }: Pick<History, "groups" | "toMs">): Html {
  const { time, columns } = seriesOf(chart, groups);
  if (time.length === 0) return html`<p>No values yet.</p>`;
  return html`<div class="scroll" role="region" aria-label="${chart.title}, as a table" tabindex="0">
    <table>
      <thead>
        <tr>
          ${["Time", ...columns.map(({ label }) => label)].map((title) => html`<th scope="col">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${spread(time.length).map(
          (index) =>
            html`<tr>
              <th scope="row">${clockTime(time[index] ?? 0, toMs)}</th>
              ${columns.map(({ values }) => html`<td>${cell(values[index], chart.format)}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function spread(length: number): readonly number[] {
  const rows = Math.min(length, tableRows);
  const step = rows > 1 ? (length - 1) / (rows - 1) : 0;
  return Array.from({ length: rows }, (_, row) => Math.round((rows - 1 - row) * step));
}

function cell(value: number | null | undefined, format: Format): string {
  return value === null || value === undefined ? "–" : format(value);
}
