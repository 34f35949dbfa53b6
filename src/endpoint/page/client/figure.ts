/// <reference lib="dom" />
/** One chart of the page: its drawing, its legend and the table behind it. */
import { chartTable, seriesOf, type Chart } from "../charts.ts";
import { html } from "../html.ts";
import { createHeatMap } from "./heat-map.ts";
import { morph } from "./morph.ts";
import type { Past } from "./past.ts";
import { createPlot, type Drawing } from "./plot.ts";
import { seriesColour } from "./style.ts";

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

export function createFigure(chart: Chart, root: HTMLElement): Figure | undefined {
  const parts = partsOf(root);
  if (parts === undefined) return undefined;
  const { plot, legend, details, table } = parts;
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", `${chart.title}, drawn; the table has the values`);
  plot.hidden = legend.hidden = false;
  let drawing: Drawing | undefined;
  let past: Past | undefined;
  let pointed: number | undefined;

  const point = (index: number | undefined): void => {
    pointed = index;
    if (past !== undefined) showLegend(chart, legend, past, pointed);
  };
  const create = (): Drawing =>
    chart.kind === "heat" ? createHeatMap(plot) : createPlot(chart, plot, point);
  const showTable = (): void => {
    if (past !== undefined && details.open) morph(table, chartTable(chart, past));
  };
  const show = (shown: Past): void => {
    past = shown;
    const series = seriesOf(chart, past.groups);
    // An Intel Mac has no clusters.
    root.hidden = series.columns.length === 0;
    if (root.hidden) return;
    drawing ??= create();
    drawing.draw(series, past.fromMs, past.toMs);
    showLegend(chart, legend, past, pointed);
    showTable();
  };
  details.addEventListener("toggle", showTable);

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

/** The values at the pointer, or the newest. */
function showLegend(chart: Chart, legend: HTMLElement, past: Past, pointed: number | undefined): void {
  const { time, columns } = seriesOf(chart, past.groups);
  const index = pointed ?? time.length - 1;
  if (chart.kind === "heat") {
    morph(legend, html`<li>The stronger the colour, the busier the core</li>`);
    return;
  }
  const items = columns.map(({ label, values }) => {
    const value = values[index];
    return html`<li>
      <span class="swatch"></span>${label} <b>${typeof value === "number" ? chart.format(value) : "–"}</b>
    </li>`;
  });
  morph(legend, html`${items}`);
  for (const [number, swatch] of legend.querySelectorAll<HTMLElement>(".swatch").entries())
    swatch.style.background = seriesColour(number);
}
