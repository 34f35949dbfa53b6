/// <reference lib="dom" />
/**
 * Keeps the page current in the browser: follows the agent's events while the page is visible, and stops when it is not.
 *
 *     visible ─► history ─► charts ◄─ event ─ /api/v1/events
 *        │                                        ▲
 *     hidden ─► the stream is closed ─► visible ──┘
 */
import type { History } from "../../../status/history.ts";
import type { Status } from "../../../status/status.ts";
import {
  parseTimeRange,
  timeRangeQuery,
  type HistoryRange,
  type TimeRange,
} from "../../../status/time-range.ts";
import { charts, powerTile } from "../charts.ts";
import { liveParts } from "../live.ts";
import { rangeControls, rangeNote } from "../range-controls.ts";
import { createFigure } from "./figure.ts";
import { morph } from "./morph.ts";
import { createPast, type Past } from "./past.ts";

const figures = charts.flatMap((chart) => {
  const root = document.getElementById(`chart-${chart.id}`);
  const zoom = { into: choose, reset: () => choose(lastLive) };
  return (root && createFigure(chart, root, zoom)) ?? [];
});
const ranges = document.getElementById("ranges");
let range: TimeRange = "10m";
/** What is wrong with the range in the address. */
let problem: string | undefined;
/** Where a zoom leads back to. */
let lastLive: HistoryRange = "10m";
let past: Past | undefined;
let latest: Status | undefined;
let stream: EventSource | undefined;

function setText(id: string, text: string): void {
  const element = document.getElementById(id);
  if (element !== null && element.textContent !== text) element.textContent = text;
}

function readAddress(): void {
  ({ range, problem } = parseTimeRange(new URLSearchParams(location.search)));
  if (typeof range === "string") lastLive = range;
}

function choose(chosen: TimeRange): void {
  const query = timeRangeQuery(chosen);
  if (query === timeRangeQuery(range)) return;
  window.history.pushState(undefined, "", `/?${query}`);
  readAddress();
  void loadHistory();
}

async function loadHistory(): Promise<void> {
  const wanted = range;
  try {
    const answer = await window.fetch(`/api/v1/history?${timeRangeQuery(wanted)}`);
    if (!answer.ok) throw new Error(`unexpected status: got ${answer.status}, want 200`);
    const loaded = (await answer.json()) as History;
    // The reader may have chosen another range in the meantime.
    if (wanted !== range) return;
    past = createPast(loaded);
    if (latest !== undefined) past.add(latest);
    setText("history-note", problem ?? rangeNote(wanted, loaded));
    showControls(loaded);
    draw();
  } catch (error) {
    setText(
      "history-note",
      `cannot load the history: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** In the form's own time zone, and with the values of what is shown. */
function showControls(history: History): void {
  if (ranges === null) return;
  const hadFocus = document.activeElement?.id === "reset-zoom";
  morph(ranges, rangeControls(range, history));
  ranges.querySelector("form")?.reset();
  if (hadFocus) ranges.querySelector<HTMLElement>("[aria-current=true]")?.focus();
}

function draw(): void {
  if (past !== undefined) for (const figure of figures) figure.show(past);
  if (latest === undefined) return;
  const tile = past && powerTile(range, past.groups);
  for (const [id, view] of Object.entries(liveParts)) {
    const element = document.getElementById(id);
    if (element !== null) morph(element, view(latest, tile));
  }
}

function update(status: Status): void {
  latest = status;
  past?.add(status);
  draw();
}

function connect(): void {
  stream = new EventSource("/api/v1/events");
  stream.addEventListener("open", () => setText("connection", "Live"));
  stream.addEventListener("error", () =>
    setText("connection", "Connection lost: these are the last known values"),
  );
  stream.addEventListener("status", ({ data }: MessageEvent<string>) => update(JSON.parse(data) as Status));
}

function follow(): void {
  stream?.close();
  if (document.visibilityState === "hidden") return;
  void loadHistory();
  connect();
}

ranges?.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a") : null;
  // Whoever wants it in another tab gets it there.
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(link.id === "reset-zoom" ? lastLive : parseTimeRange(new URL(link.href).searchParams).range);
});
ranges?.addEventListener("submit", (event) => {
  event.preventDefault();
  if (!(event.target instanceof HTMLFormElement)) return;
  const [fromMs = NaN, toMs = NaN] = [...event.target.querySelectorAll("input")].map(({ value }) =>
    Date.parse(value),
  );
  if (toMs > fromMs) choose({ fromMs, toMs });
  else setText("history-note", "The end must be after the beginning.");
});
window.addEventListener("popstate", () => {
  readAddress();
  void loadHistory();
});
document.addEventListener("visibilitychange", follow);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const figure of figures) figure.repaint();
});
readAddress();
follow();
