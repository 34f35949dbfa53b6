/// <reference lib="dom" />
/** Draws the charts with lines and stacked areas, by uPlot. */
import uPlot from "uplot";
import type { Chart, ChartColumn, ChartSeries } from "../charts.ts";
import { clockTime, percent } from "../../../status/view.ts";
import type { Past } from "./past.ts";
import { colour, seriesColour } from "./style.ts";

export interface Drawing {
  draw(series: ChartSeries, past: Past): void;
  /** Where on the screen the time goes from left to right. */
  area(): { readonly left: number; readonly width: number };
  remove(): void;
}

/** Where the pointer is: at which point, and in a heat map at which row. */
export interface Pointed {
  readonly index: number;
  readonly row?: number;
}

const height = 220;
/** Steps of an axis in bytes, so that it reads 8 GiB and not 7.45. */
const powersOfTwo = Array.from({ length: 50 }, (_, power) => 2 ** power);

/** @param hovered is called with the point that the pointer is at; none when it has left */
export function createPlot(
  chart: Chart,
  target: HTMLElement,
  hovered: (at: Pointed | undefined) => void,
): Drawing {
  let plot: uPlot | undefined;
  let shape = "";
  let range: [number, number] = [0, 1];

  function build(series: ChartSeries, data: uPlot.AlignedData): uPlot {
    return new uPlot(
      options(chart, series, target.clientWidth, () => range, hovered),
      data,
      target,
    );
  }
  const resized = new ResizeObserver(() => plot?.setSize({ width: target.clientWidth, height }));
  resized.observe(target);

  return {
    draw(series, { fromMs, toMs }) {
      range = [fromMs / 1000, toMs / 1000];
      const data = alignedData(chart, series);
      const wanted = [...series.columns, ...peaksOf(series)].map(({ label }) => label).join("\n");
      if (plot === undefined || wanted !== shape) {
        plot?.destroy();
        plot = build(series, data);
        shape = wanted;
      } else plot.setData(data);
    },
    area: () => plot?.over.getBoundingClientRect() ?? { left: 0, width: 0 },
    remove() {
      resized.disconnect();
      plot?.destroy();
    },
  };
}

/** uPlot draws the later series over the earlier ones, so a stack is given from its top to its bottom. */
function alignedData({ kind }: Chart, series: ChartSeries): uPlot.AlignedData {
  const seconds = series.time.map((ms) => ms / 1000);
  const values = series.columns.map((column) => [...column.values]);
  const peaks = peaksOf(series).map((column) => [...column.peaks]);
  return [seconds, ...peaks, ...(kind === "stacked" ? sums(values).reverse() : values)];
}

/** The line behind a stack or a line of means: how high it went within each step. */
function peaksOf({ total, columns: [only, ...others] }: ChartSeries): readonly ChartColumn[] {
  const column = total ?? (others.length === 0 ? only : undefined);
  return column === undefined || column.peaks === column.values ? [] : [column];
}

function sums(columns: readonly (number | null)[][]): (number | null)[][] {
  let below: readonly (number | null)[] | undefined;
  return columns.map((column) => {
    const sum = column.map((value, index) => add(below?.[index], value));
    below = sum;
    return sum;
  });
}

/** A rail without a value leaves the others where they are; where none has one there is a gap. */
function add(below: number | null | undefined, value: number | null): number | null {
  if (value === null) return below ?? null;
  return (below ?? 0) + value;
}

function options(
  { kind, format, base }: Chart,
  series: ChartSeries,
  width: number,
  range: () => [number, number],
  hovered: (at: Pointed | undefined) => void,
): uPlot.Options {
  const colours = series.columns.map((_, index) => seriesColour(index));
  if (kind === "stacked") colours.reverse();
  const most = format === percent ? 100 : Infinity;
  const top = (max: number): number => (max > 0 ? Math.min(most, max * 1.1) : 1);
  const axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height,
    legend: { show: false },
    cursor: {
      drag: { x: false, y: false },
      points: { show: false },
      sync: { key: "time", scales: ["x", null] },
    },
    scales: { x: { range }, y: { range: (_plot, min, max) => [Math.min(0, min * 1.1), top(max)] } },
    axes: [
      {
        ...axis,
        values: (_plot, splits) => splits.map((seconds) => clockLabel(seconds, range())),
        space: 70,
        size: 32,
      },
      {
        ...axis,
        values: (_plot, splits) => splits.map(format),
        size: 76,
        ...(base === 2 && { incrs: powersOfTwo }),
      },
    ],
    series: [
      {},
      ...peaksOf(series).map(() => ({ stroke: colour("--muted"), width: 1, points: { show: false } })),
      ...colours.map((stroke) => ({
        stroke,
        width: kind === "stacked" ? 1 : 2,
        // Dots show where there are few, so that a lone point can be seen.
        points: { size: 5, space: 30 },
        ...(kind === "stacked" && { fill: stroke }),
      })),
    ],
    hooks: {
      setCursor: [({ cursor: { idx } }) => hovered(typeof idx === "number" ? { index: idx } : undefined)],
    },
  };
}

/** Seconds are worth their room for minutes only. */
function clockLabel(seconds: number, [from, to]: [number, number]): string {
  const text = clockTime(seconds * 1000, seconds * 1000);
  return to - from <= 900 && seconds % 60 !== 0 ? text : text.slice(0, 5);
}
