/// <reference lib="dom" />
/**
 * Keeps the page current in the browser: follows the agent's events while the page is visible, and stops when it is not.
 *
 *     visible ─► history ─► charts ◄─ event ─ /api/v1/events
 *        │                                        ▲
 *     hidden ─► the stream is closed ─► visible ──┘
 */
import { isHistoryRange, type History, type HistoryRange } from "../../../status/history.ts";
import type { Status } from "../../../status/status.ts";
import { charts } from "../charts.ts";
import { liveParts } from "../live.ts";
import { createFigure } from "./figure.ts";
import { morph } from "./morph.ts";
import { createPast, type Past } from "./past.ts";

const figures = charts.flatMap((chart) => {
  const root = document.getElementById(`chart-${chart.id}`);
  return (root && createFigure(chart, root)) ?? [];
});
let range: HistoryRange = "10m";
let past: Past | undefined;
let stream: EventSource | undefined;

function setText(id: string, text: string): void {
  const element = document.getElementById(id);
  if (element !== null && element.textContent !== text) element.textContent = text;
}

async function loadHistory(): Promise<void> {
  const wanted = range;
  try {
    const answer = await window.fetch(`/api/v1/history?range=${wanted}`);
    if (!answer.ok) throw new Error(`unexpected status: got ${answer.status}, want 200`);
    const history = (await answer.json()) as History;
    // The reader may have chosen another range in the meantime.
    if (wanted !== range) return;
    past = createPast(history);
    setText("history-note", noteOf(history));
    draw();
  } catch (error) {
    setText(
      "history-note",
      `cannot load the history: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function noteOf({ origin, range: shown }: History): string {
  return origin === "memory" && shown !== "10m"
    ? "No journal is kept, so there are ten minutes at most."
    : "";
}

function draw(): void {
  if (past !== undefined) for (const figure of figures) figure.show(past);
}

function update(status: Status): void {
  for (const [id, view] of Object.entries(liveParts)) {
    const element = document.getElementById(id);
    if (element !== null) morph(element, view(status));
  }
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

for (const input of document.querySelectorAll<HTMLInputElement>("input[name=range]"))
  input.addEventListener("change", () => {
    if (isHistoryRange(input.value)) range = input.value;
    void loadHistory();
  });
const ranges = document.getElementById("ranges");
if (ranges !== null) ranges.hidden = false;
document.addEventListener("visibilitychange", follow);
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const figure of figures) figure.repaint();
});
follow();
