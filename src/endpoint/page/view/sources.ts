/** Shows sources on the page: a table row each. Runs in the browser too. */
import type { SourceStatus, Status } from "../../api/status.ts";
import { ago, span } from "./format.ts";
import { html, type Html } from "./html.ts";

export function sourceTable({ sources, time }: Status): Html {
  return html`<div class="scroll" role="region" aria-label="Sources, as a table" tabindex="0">
    <table>
      <thead>
        <tr>
          ${["Source", "State", "Last sample", "Interval", "Restarts", "Failures", "Unreadable"].map(
            (title) => html`<th scope="col">${title}</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${sources.map((source) => row(source, time))}
      </tbody>
    </table>
  </div>`;
}

function row(source: SourceStatus, now: number): Html {
  const { name, up, lastSample, intervalMs, restarts, failures, parseErrors, lastFailure } = source;
  const { sign, words, level } = stateOf(up);
  return html`<tr data-source="${name}">
    <th scope="row">${name}</th>
    <td>
      <span class="level ${level}"><span class="sign" aria-hidden="true">${sign}</span> ${words}</span>
      ${up === false && lastFailure ? html`<span class="failure">${lastFailure.reason}</span>` : undefined}
    </td>
    <td>${lastSample === undefined ? "none yet" : ago(lastSample, now)}</td>
    <td>${span(intervalMs)}</td>
    <td>${restarts}</td>
    <td>${failures}</td>
    <td>${parseErrors}</td>
  </tr>`;
}

export function stateOf(up: boolean | undefined): {
  readonly sign: string;
  readonly words: string;
  readonly level: "ok" | "starting" | "failing";
} {
  if (up === undefined) return { sign: "…", words: "starting", level: "starting" };
  return up ? { sign: "✓", words: "up", level: "ok" } : { sign: "✕", words: "down", level: "failing" };
}
