/** The parts of the page that change with every status, by the id of the element they fill. Runs in the browser too. */
import type {
  AgentEvent,
  JournalStatus,
  Machine,
  OrphanStatus,
  OverallLevel,
  Status,
} from "../../api/status.ts";
import { ago, bytes, clockTime, span } from "./format.ts";
import { html, type Html } from "./html.ts";
import { sinkCards } from "./sinks.ts";
import { sourceTable } from "./sources.ts";
import { tilesOf, type Tile } from "./tiles.ts";

export const liveParts = {
  overall,
  identity,
  tiles: ({ readings }: Status) => html`${tilesOf(readings).map(tile)}`,
  sinks: sinkCards,
  sources: sourceTable,
  journal,
  events: eventList,
} satisfies Record<string, (status: Status) => Html>;

/** A word and a sign, so that no state is shown by its colour alone. */
export const levelWords: Readonly<Record<OverallLevel, { readonly sign: string; readonly word: string }>> = {
  ok: { sign: "✓", word: "All well" },
  starting: { sign: "…", word: "Starting" },
  warning: { sign: "!", word: "Needs attention" },
  failing: { sign: "✕", word: "Failing" },
};

function overall({ overall: { level, problems } }: Status): Html {
  const { sign, word } = levelWords[level];
  return html`<p class="level ${level}"><span class="sign" aria-hidden="true">${sign}</span> ${word}</p>
    <ul class="problems">
      ${problems.map((problem) => html`<li>${problem}</li>`)}
    </ul>`;
}

function identity({ agent, machine, sources, time }: Status): Html {
  const newest = Math.max(...sources.flatMap(({ lastSample }) => lastSample ?? []));
  return html`<dl class="facts">
    ${fact("Model", machine.model ?? "not reported yet")}
    ${machine.chip === undefined ? undefined : fact("Chip", machine.chip)}
    ${fact("macOS", macOS(machine) ?? "not reported yet")}
    ${fact("Agent", `${agent.version} on Node ${agent.node}`)}
    ${fact("Running for", span(time - agent.startedAt))}
    ${fact("Last sample", Number.isFinite(newest) ? ago(newest, time) : "none yet")}
    ${agent.memoryBytes === undefined ? undefined : fact("Agent’s memory", bytes(agent.memoryBytes))}
    ${agent.cpuSeconds === undefined ? undefined : fact("Agent’s CPU time", `${agent.cpuSeconds.toFixed(1)} s`)}
  </dl>`;
}

/** `26.6 (25G229)`, or whichever of both is known. */
export function macOS({ osVersion, osBuild }: Machine): string | undefined {
  return osVersion !== undefined && osBuild !== undefined
    ? `${osVersion} (${osBuild})`
    : (osVersion ?? osBuild);
}

const fact = (name: string, value: string): Html =>
  html`<div>
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;

function tile({ id, title, value, note, alarm }: Tile): Html {
  return html`<div class="tile ${alarm ?? ""}" id="tile-${id}">
    <dt>${title}</dt>
    <dd class="${value === undefined ? "value absent" : "value"}">${value ?? "not reported"}</dd>
    <dd class="note">${note}</dd>
  </div>`;
}

function journal({ journal: state, time }: Status): Html {
  if (state === undefined) return html`<p>No journal is kept: the last ten minutes live in memory.</p>`;
  const dropped = Object.entries(state.dropped).filter(([, snapshots]) => snapshots > 0);
  return html`<dl class="facts">
      ${fact("State", state.durable ? "on disk" : "in memory only")} ${fact("Size", bytes(state.bytes))}
      ${fact("Snapshots", String(state.snapshots))}
      ${fact("Oldest", state.oldest === undefined ? "none" : ago(state.oldest, time))}
      ${fact("Lost", dropped.map(([reason, snapshots]) => `${snapshots} (${reason})`).join(", ") || "none")}
      ${state.setAside === 0 ? undefined : fact("Set aside", setAsideWords(state, time))}
    </dl>
    ${(state.orphans ?? []).map((orphan) => orphanLine(orphan, time))}
    ${state.reason === undefined ? undefined : html`<p class="failure">${state.reason}</p>`}`;
}

function orphanLine({ id, target, waiting, since, until }: OrphanStatus, now: number): Html {
  return html`<p class="advice" data-orphan="${id}">
    ${id} ${target ?? ""} is configured no more since ${ago(since, now)}: ${waiting} snapshots wait for it,
    for ${span(Math.max(0, until - now))} more. Put its block back, or give them up by
    <code>mac-powermetrics-agent journal forget ${id}</code>.
  </p>`;
}

function setAsideWords({ setAside, lastSetAside }: JournalStatus, now: number): string {
  return lastSetAside === undefined ? String(setAside) : `${setAside} (the last ${ago(lastSetAside, now)})`;
}

function eventList({ events, time }: Status): Html {
  if (events.length === 0) return html`<p>Nothing has happened yet.</p>`;
  return html`<ol class="events">
    ${events.map((event) => eventItem(event, time))}
  </ol>`;
}

const eventWords: Readonly<Record<AgentEvent["level"], string>> = {
  info: "note",
  warn: "warning",
  error: "error",
};

function eventItem({ time, level, message }: AgentEvent, now: number): Html {
  return html`<li class="${level}">
    <time datetime="${new Date(time).toISOString()}">${clockTime(time, now)}</time>
    <span class="kind">${eventWords[level]}</span> <span>${message}</span>
  </li>`;
}
