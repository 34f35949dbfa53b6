/// <reference lib="dom" />
/** Draws the heat map: a row for each core, the stronger the colour the busier. */
import type { ChartSeries } from "../charts.ts";
import type { Drawing } from "./plot.ts";
import { colour } from "./style.ts";

const rowHeight = 16;
const labelWidth = 76;
/** Points further apart than this many steps belong to no common rectangle. */
const widestSteps = 4;

export function createHeatMap(target: HTMLElement): Drawing {
  const canvas = document.createElement("canvas");
  target.append(canvas);
  let last: Parameters<Drawing["draw"]> | undefined;
  const redraw = (): void => {
    if (last !== undefined) paint(canvas, target.clientWidth, ...last);
  };
  const resized = new ResizeObserver(redraw);
  resized.observe(target);
  return {
    draw(...now) {
      last = now;
      redraw();
    },
    remove() {
      resized.disconnect();
      canvas.remove();
    },
  };
}

function paint(
  canvas: HTMLCanvasElement,
  width: number,
  { time, columns }: ChartSeries,
  from: number,
  to: number,
): void {
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
  const widest = Math.max(15_000, ((to - from) / 600) * widestSteps);
  for (const [row, { label, values }] of columns.entries()) {
    const top = row * rowHeight;
    context.globalAlpha = 1;
    context.fillStyle = colour("--muted");
    context.fillText(label, 0, top + rowHeight / 2, labelWidth - 8);
    context.fillStyle = colour("--cell");
    context.fillRect(labelWidth, top, width - labelWidth, rowHeight - 1);
    context.fillStyle = colour("--heat");
    for (const [index, value] of values.entries()) {
      const end = time[index] ?? 0;
      const start = Math.max(from, time[index - 1] ?? end, end - widest);
      if (value === null || end <= start) continue;
      context.globalAlpha = Math.min(1, value / 100);
      // Whole pixels, since the seams of halves would show.
      const left = Math.round(labelWidth + (start - from) * scale);
      const right = Math.round(labelWidth + (end - from) * scale);
      context.fillRect(left, top, right - left, rowHeight - 1);
    }
  }
}
