/// <reference lib="dom" />
/** Zooms all charts into the time that a pointer is dragged over on one of them, and out again at a double click. */
import type { OwnRange } from "../../../status/time-range.ts";
import type { Drawing } from "./plot.ts";

export interface Zoom {
  into(range: OwnRange): void;
  reset(): void;
}

interface Axis extends OwnRange {
  readonly area: ReturnType<Drawing["area"]>;
}

/** A shorter way is a click. */
const leastPixels = 6;

export function watchDrags(plot: HTMLElement, axisOf: () => Axis | undefined, zoom: Zoom): void {
  plot.addEventListener("dblclick", () => zoom.reset());
  plot.addEventListener("pointerdown", (down) => {
    const axis = axisOf();
    if (!down.isPrimary || down.button !== 0 || axis === undefined || !isWithin(down.clientX, axis)) return;
    drag(plot, axis, down, zoom);
  });
}

/** From the first pixel to the last one, on this chart or off it; the axis stays as it was at the start. */
function drag(plot: HTMLElement, axis: Axis, down: PointerEvent, zoom: Zoom): void {
  const box = document.createElement("div");
  box.className = "selection";
  const ended = new AbortController();
  const on = (type: "pointermove" | "pointerup" | "pointercancel", act: (at: PointerEvent) => void): void =>
    window.addEventListener(type, (event) => event.pointerId === down.pointerId && act(event), ended);
  const end = (): void => {
    ended.abort();
    box.remove();
  };
  on("pointermove", ({ clientX }) => {
    const [left, right] = edges(axis, down.clientX, clientX);
    if (right - left >= leastPixels) plot.append(box);
    box.style.left = `${left - plot.getBoundingClientRect().left}px`;
    box.style.width = `${right - left}px`;
  });
  on("pointerup", ({ clientX }) => {
    end();
    const [left, right] = edges(axis, down.clientX, clientX);
    if (right - left >= leastPixels) zoom.into(wholeSeconds(timeAt(left, axis), timeAt(right, axis)));
  });
  on("pointercancel", end);
}

const isWithin = (x: number, { area: { left, width } }: Axis): boolean => x >= left && x <= left + width;

function edges({ area: { left, width } }: Axis, ...ends: readonly number[]): [number, number] {
  const inside = ends.map((x) => Math.min(Math.max(x, left), left + width));
  return [Math.min(...inside), Math.max(...inside)];
}

function timeAt(x: number, { area, fromMs, toMs }: Axis): number {
  return fromMs + ((x - area.left) / area.width) * (toMs - fromMs);
}

/** As addresses and forms have them. */
function wholeSeconds(fromMs: number, toMs: number): OwnRange {
  return { fromMs: Math.floor(fromMs / 1000) * 1000, toMs: Math.ceil(toMs / 1000) * 1000 };
}
