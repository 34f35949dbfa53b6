/** The list of charts, and the table behind each. Runs in the browser too. */
import { meanAndPeak, type History, type HistoryGroup } from "../../status/history.ts";
import type { TimeRange } from "../../status/time-range.ts";
import {
  bytes,
  bytesPerSecond,
  clockTime,
  hertz,
  percent,
  watts,
  type Format,
  type Tile,
} from "../../status/view.ts";
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
    id: "machine",
    title: "Whole machine",
    source: "ioreg",
    prefix: "machine.",
    kind: "lines",
    format: watts,
    base: 10,
  },
  {
    id: "flow",
    title: "From the adapter and into the battery",
    source: "ioreg",
    prefix: "flow.",
    kind: "lines",
    format: watts,
    base: 10,
  },
  {
    id: "battery",
    title: "Battery",
    source: "powermetrics",
    prefix: "battery.",
    kind: "lines",
    format: percent,
    base: 10,
  },
  {
    id: "gpu-load",
    title: "Load of the GPU",
    source: "ioreg",
    prefix: "gpuLoad.",
    kind: "lines",
    format: percent,
    base: 10,
  },
  {
    id: "gpu-memory",
    title: "GPU memory",
    source: "ioreg",
    prefix: "gpuMemory.",
    kind: "lines",
    format: bytes,
    base: 2,
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
  {
    id: "disk",
    title: "Disks",
    source: "powermetrics",
    prefix: "disk.",
    kind: "lines",
    format: bytesPerSecond,
    base: 2,
  },
  {
    id: "network",
    title: "Network",
    source: "powermetrics",
    prefix: "network.",
    kind: "lines",
    format: bytesPerSecond,
    base: 2,
  },
];

type Values = readonly (number | null)[];

export interface ChartColumn {
  readonly label: string;
  readonly values: Values;
  /** The highest values, where these are means. */
  readonly peaks: Values;
}

export interface ChartSeries {
  readonly time: readonly number[];
  readonly columns: readonly ChartColumn[];
  /** Of a stack, what its columns were together. */
  readonly total?: ChartColumn;
}

export function seriesOf({ source, prefix, kind }: Chart, groups: readonly HistoryGroup[]): ChartSeries {
  const group = groups.find((each) => each.source === source);
  if (group === undefined) return { time: [], columns: [] };
  const columnOf = (key: string, label: string): ChartColumn => {
    const values = group.columns[key] ?? [];
    return { label, values, peaks: group.peaks?.[key] ?? values };
  };
  const totalKey = `total.${prefix.slice(0, -1)}`;
  return {
    time: group.time,
    columns: Object.keys(group.columns)
      .filter((key) => key.startsWith(prefix))
      .map((key) => columnOf(key, key.slice(prefix.length))),
    ...(kind === "stacked" && totalKey in group.columns && { total: columnOf(totalKey, "total") }),
  };
}

/** The first that there is. */
const wholePower = [
  ["ioreg", "machine.power", "whole machine"],
  ["powermetrics", "total.power", "chip"],
  ["powermetrics", "power.package", "chip"],
] as const;

const rangeWords = { "10m": "10 minutes", "1h": "1 hour", "1d": "1 day" } as const;

/** Mean and peak of the power in the shown range; absent where none is known. */
export function powerTile(range: TimeRange, groups: readonly HistoryGroup[]): Tile | undefined {
  for (const [source, key, of] of wholePower) {
    const group = groups.find((each) => each.source === source);
    const values = group?.columns[key];
    if (group === undefined || values === undefined) continue;
    const figures = meanAndPeak(group.time, { values, peaks: group.peaks?.[key] ?? values });
    if (figures === undefined) continue;
    const words = typeof range === "string" ? rangeWords[range] : "chosen time";
    const note = `peak ${watts(figures.peak)}, ${of}`;
    return { id: "past", title: `Mean, ${words}`, value: watts(figures.mean), note };
  }
  return undefined;
}

/** A screenful; the API has them all. */
const tableRows = 12;

/** Evenly spread from the newest to the oldest. */
export function chartTable(chart: Chart, { groups, toMs }: Pick<History, "groups" | "toMs">): Html {
  const { time, columns: parts, total } = seriesOf(chart, groups);
  const columns = total === undefined ? parts : [...parts, total];
  if (columns.length === 0) return html`<p>No values yet.</p>`;
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
      <tfoot>
        ${(["mean", "peak"] as const).map(
          (which) =>
            html`<tr>
              <th scope="row">${which === "mean" ? "Mean" : "Peak"}</th>
              ${columns.map((column) => html`<td>${cell(meanAndPeak(time, column)?.[which], chart.format)}</td>`)}
            </tr>`,
        )}
      </tfoot>
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
