/// <reference lib="dom" />
/** Draws the heat map: a row for each core, the stronger the colour the busier. */
import type { ChartSeries } from "../charts.ts";
import type { Past } from "./past.ts";
import type { Drawing, Pointed } from "./plot.ts";
import { colour } from "./style.ts";

const labelWidth = 76;
/** With more rows than this there is no room for each one's name. */
export const manyRows = 16;
const rowHeightOf = (rows: number): number => (rows > manyRows ? 10 : 16);

/** @param hovered is called with the point and the row that the pointer is at; none when it has left */
export function createHeatMap(target: HTMLElement, hovered: (at: Pointed | undefined) => void): Drawing {
  const canvas = document.createElement("canvas");
  target.append(canvas);
  let last: Parameters<Drawing["draw"]> | undefined;
  const redraw = (): void => {
    if (last !== undefined) paint(canvas, target.clientWidth, ...last);
  };
  const resized = new ResizeObserver(redraw);
  resized.observe(target);
  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    if (last !== undefined) hovered(pointedAt(offsetX, offsetY, target.clientWidth, ...last));
  });
  canvas.addEventListener("pointerleave", () => hovered(undefined));
  return {
    draw(...now) {
      last = now;
      redraw();
    },
    area() {
      const { left, width } = canvas.getBoundingClientRect();
      return { left: left + labelWidth, width: width - labelWidth };
    },
    remove() {
      resized.disconnect();
      canvas.remove();
    },
  };
}

/** A point's rectangle ends at its time. */
function pointedAt(
  x: number,
  y: number,
  width: number,
  { time, columns }: ChartSeries,
  { fromMs, toMs }: Past,
): Pointed | undefined {
  const at = fromMs + ((x - labelWidth) / (width - labelWidth)) * (toMs - fromMs);
  const index = x < labelWidth ? -1 : time.findIndex((end) => end >= at);
  const row = Math.floor(y / rowHeightOf(columns.length));
  return index < 0 || columns[row] === undefined ? undefined : { index, row };
}

function paint(
  canvas: HTMLCanvasElement,
  width: number,
  { time, columns }: ChartSeries,
  { fromMs: from, toMs: to, clusters }: Past,
): void {
  const rowHeight = rowHeightOf(columns.length);
  const height = Math.max(1, columns.length) * rowHeight;
  const density = window.devicePixelRatio;
  canvas.width = Math.max(1, width * density);
  canvas.height = height * density;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.scale(density, density);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";
  const scale = (width - labelWidth) / (to - from);
  /** The name of the cluster that begins at this row. */
  const clusterAt = (row: number): string | undefined => {
    const cluster = clusters.get(columns[row]?.label ?? "");
    return cluster === clusters.get(columns[row - 1]?.label ?? "") ? undefined : cluster;
  };
  for (const [row, { label, values }] of columns.entries()) {
    const top = row * rowHeight;
    context.globalAlpha = 1;
    context.fillStyle = colour("--muted");
    const name = columns.length > manyRows ? clusterAt(row) : label;
    if (name !== undefined) context.fillText(name, 0, top + 8, labelWidth - 8);
    context.fillStyle = colour("--cell");
    context.fillRect(labelWidth, top, width - labelWidth, rowHeight - 1);
    context.fillStyle = colour("--heat");
    for (const [index, value] of values.entries()) {
      const end = time[index] ?? 0;
      const start = Math.max(from, startOf(index, time, values));
      if (value === null || end <= start) continue;
      context.globalAlpha = Math.min(1, value / 100);
      // Whole pixels, since the seams of halves would show.
      const left = Math.round(labelWidth + (start - from) * scale);
      const right = Math.round(labelWidth + (end - from) * scale);
      context.fillRect(left, top, right - left, rowHeight - 1);
    }
  }
}

/** Where the one before is not known, a rectangle is as wide as the next. */
function startOf(index: number, time: readonly number[], values: readonly (number | null)[]): number {
  const end = time[index] ?? 0;
  const before = time[index - 1];
  if (before !== undefined && typeof values[index - 1] === "number") return before;
  return typeof values[index + 1] === "number" ? 2 * end - (time[index + 1] ?? end) : end;
}
