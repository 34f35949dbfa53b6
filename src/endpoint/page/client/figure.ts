/// <reference lib="dom" />
/** One chart of the page: its drawing, its legend and the table behind it. */
import { meanAndPeak } from "../../../status/history.ts";
import { chartTable, seriesOf, type Chart, type ChartColumn } from "../charts.ts";
import { html, type Html } from "../html.ts";
import { createHeatMap, manyRows } from "./heat-map.ts";
import { morph } from "./morph.ts";
import type { Past } from "./past.ts";
import { createPlot, type Drawing, type Pointed } from "./plot.ts";
import { clockTime } from "../../../status/view.ts";
import { seriesColour } from "./style.ts";
import { watchDrags, type Zoom } from "./zoom.ts";

export interface Figure {
  show(past: Past): void;
  /** Draws anew, in the colours of the moment. */
  repaint(): void;
}

interface Parts {
  readonly plot: HTMLElement;
  readonly legend: HTMLElement;
  readonly details: HTMLDetailsElement;
  readonly table: Element;
}

export function createFigure(chart: Chart, root: HTMLElement, zoom: Zoom): Figure | undefined {
  const parts = partsOf(root);
  if (parts === undefined) return undefined;
  const { plot, legend, details, table } = parts;
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", `${chart.title}, drawn; the table has the values`);
  plot.hidden = legend.hidden = false;
  let drawing: Drawing | undefined;
  let past: Past | undefined;
  let pointed: Pointed | undefined;

  const point = (at: Pointed | undefined): void => {
    pointed = at;
    if (past !== undefined) showLegend(chart, legend, past, pointed);
  };
  const create = (): Drawing =>
    chart.kind === "heat" ? createHeatMap(plot, point) : createPlot(chart, plot, point);
  const showTable = (): void => {
    if (past !== undefined && details.open) morph(table, chartTable(chart, past));
  };
  const show = (shown: Past): void => {
    past = shown;
    const series = seriesOf(chart, past.groups);
    // An Intel Mac has no clusters.
    root.hidden = series.columns.length === 0;
    if (root.hidden) return;
    root.classList.toggle("wide", chart.kind === "heat" && series.columns.length > manyRows);
    drawing ??= create();
    drawing.draw(series, past);
    showLegend(chart, legend, past, pointed);
    showTable();
  };
  details.addEventListener("toggle", showTable);
  watchDrags(
    plot,
    () => past && drawing && { area: drawing.area(), fromMs: past.fromMs, toMs: past.toMs },
    zoom,
  );

  return {
    show,
    repaint() {
      drawing?.remove();
      drawing = undefined;
      if (past !== undefined) show(past);
    },
  };
}

function partsOf(root: HTMLElement): Parts | undefined {
  const plot = root.querySelector<HTMLElement>(".plot");
  const legend = root.querySelector<HTMLElement>(".legend");
  const details = root.querySelector("details");
  const table = root.querySelector(".table");
  return plot && legend && details && table ? { plot, legend, details, table } : undefined;
}

/** The values at the pointer, or the newest with the mean and the peak of what is shown. */
function showLegend(chart: Chart, legend: HTMLElement, past: Past, pointed: Pointed | undefined): void {
  const { time, columns, total } = seriesOf(chart, past.groups);
  const index = pointed?.index ?? time.length - 1;
  const at = html`<li class="at">${clockTime(time[index] ?? past.toMs, past.toMs)}</li>`;
  if (chart.kind === "heat") {
    morph(legend, html`${at}${heatLegend(chart, columns, past, pointed)}`);
    return;
  }
  const item = (column: ChartColumn, swatch?: Html): Html => {
    const value = column.values[index];
    const text = typeof value === "number" ? chart.format(value) : "–";
    const note = pointed === undefined ? rangeNote(chart, time, column) : pointNote(chart, column, index);
    return html`<li>${swatch}${column.label} <b>${text}</b> <span class="range">${note}</span></li>`;
  };
  const items = columns.map((column) => item(column, html`<span class="swatch"></span>`));
  morph(legend, html`${at}${items}${total === undefined ? undefined : item(total)}`);
  for (const [number, swatch] of legend.querySelectorAll<HTMLElement>(".swatch").entries())
    swatch.style.background = seriesColour(number);
}

function rangeNote({ format }: Chart, time: readonly number[], column: ChartColumn): string {
  const figures = meanAndPeak(time, column);
  return figures === undefined ? "" : `mean ${format(figures.mean)}, peak ${format(figures.peak)}`;
}

function pointNote({ format }: Chart, { values, peaks }: ChartColumn, index: number): string {
  const peak = peaks[index];
  return typeof peak === "number" && peak !== values[index] ? `peak ${format(peak)}` : "";
}

function heatLegend(
  chart: Chart,
  columns: readonly ChartColumn[],
  { clusters }: Past,
  pointed: Pointed | undefined,
): Html {
  const column = columns[pointed?.row ?? -1];
  if (pointed === undefined || column === undefined)
    return html`<li>The stronger the colour, the busier the core</li>`;
  const value = column.values[pointed.index];
  const cluster = clusters.get(column.label);
  return html`<li>
    ${cluster === undefined ? "" : `${cluster}, `}${column.label}
    <b>${typeof value === "number" ? chart.format(value) : "–"}</b>
    <span class="range">${pointNote(chart, column, pointed.index)}</span>
  </li>`;
}
