/** The links and the form that choose which part of the past is shown. They work without JavaScript, too. */
import type { History } from "../../status/history.ts";
import type { TimeRange } from "../../status/time-range.ts";
import { localDateTime } from "../../status/view.ts";
import { html, type Html } from "./html.ts";

const choices = [
  ["10m", "10 minutes"],
  ["1h", "hour"],
  ["1d", "day"],
] as const;

/** @param history what is shown: its bounds are the form's first values */
export function rangeControls(range: TimeRange, { fromMs, toMs }: History): Html {
  const field = (name: "from" | "to", words: string, ms: number): Html =>
    html`<label
      >${words} <input type="datetime-local" name="${name}" step="1" value="${localDateTime(ms)}" required
    /></label>`;
  return html`<nav aria-label="Time range">
      <span>Show the last</span>
      ${choices.map(([value, words]) => {
        const current = value === range ? "true" : "false";
        return html`<a href="/?range=${value}#charts-title" aria-current="${current}">${words}</a>`;
      })}
      ${typeof range === "string" ? undefined : html`<a href="/#charts-title" id="reset-zoom">Reset zoom</a>`}
    </nav>
    <form action="/#charts-title" aria-label="Own time range">
      ${field("from", "or from", fromMs)} ${field("to", "to", toMs)}
      <button>Show</button>
    </form>`;
}

/** Why less is shown than was asked for; empty where that is not so. */
export function rangeNote(range: TimeRange, { origin, groups }: History): string {
  if (typeof range !== "string" && groups.length === 0) return "Nothing is kept of that time.";
  return origin === "memory" && range !== "10m"
    ? "No journal is kept, so there are ten minutes at most."
    : "";
}
