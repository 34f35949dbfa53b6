/** The parts of the page that change with every status, by the id of the element they fill; `past` is the tile of what the charts show. Runs in the browser too. */
import type {
  AgentEvent,
  AppLoad,
  JournalStatus,
  OrphanStatus,
  SinkStatus,
  SourceStatus,
  Status,
  TargetStatus,
} from "../../status/status.ts";
import {
  ago,
  appName,
  appPeriods,
  bytes,
  clockTime,
  count,
  droppedText,
  duration,
  machineName,
  macOS,
  overallWords,
  percent,
  sinkWords,
  sourceWords,
  span,
  targetsText,
  targetWords,
  tilesOf,
  waitingText,
  wattHours,
  watts,
  type AppPeriod,
  type Tile,
} from "../../status/view.ts";
import { html, type Html } from "./html.ts";

export const liveParts = {
  overall,
  identity,
  tiles: ({ readings }: Status, past?: Tile) => html`${tilesOf(readings, past).map(tile)}`,
  apps: appSection,
  sinks: sinkCards,
  sources: sourceTable,
  targets: targetSection,
  journal,
  events: eventList,
} satisfies Record<string, (status: Status, past?: Tile) => Html>;

function overall({ overall: { level, problems } }: Status): Html {
  const { sign, words } = overallWords[level];
  return html`<p class="level ${level}"><span class="sign" aria-hidden="true">${sign}</span> ${words}</p>
    <ul class="problems">
      ${problems.map((problem) => html`<li>${problem}</li>`)}
    </ul>`;
}

function identity({ agent, machine, sources, time }: Status): Html {
  const newest = Math.max(...sources.flatMap(({ lastSample }) => lastSample ?? []));
  return html`<dl class="facts">
    ${machineName(agent) === agent.host ? undefined : fact("Host name", agent.host)}
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

/** A section of its own, which is not there where tasks are not watched. */
function appSection({ readings: { energyByApp }, time }: Status): Html {
  if (energyByApp === undefined) return html``;
  const periods = appPeriods(energyByApp, time).filter((period) => period.apps.length > 0);
  const { now = [] } = energyByApp;
  return html`<section aria-labelledby="apps-title">
    <h2 id="apps-title">Who used it</h2>
    ${
      periods.length + now.length === 0
        ? html`<p>No values yet.</p>`
        : html`<div class="periods">${loadTable(now)} ${periods.map(appTable)}</div>
            <p class="note">
              Estimated: each app’s share of CPU and GPU time is its share of their energy. CPU in percent of
              one core.
            </p>`
    }
  </section>`;
}

function loadTable(loads: readonly AppLoad[]): Html | undefined {
  if (loads.length === 0) return undefined;
  return columnsOfApps(
    "Now",
    ["Power", "CPU"],
    loads.map(({ name, watts: drawn, cpuPercent }) => [
      name,
      watts(drawn),
      cpuPercent === undefined ? "–" : percent(cpuPercent),
    ]),
  );
}

function appTable({ title, apps }: AppPeriod): Html {
  const total = apps.reduce((sum, { joules }) => sum + joules, 0);
  return columnsOfApps(
    title,
    ["Energy", "Share"],
    apps.map(({ name, joules }) => [
      name,
      wattHours(joules),
      percent(total > 0 ? (100 * joules) / total : 0),
    ]),
  );
}

function columnsOfApps(
  title: string,
  columns: readonly string[],
  rows: readonly (readonly [name: string, ...values: string[]])[],
): Html {
  return html`<div class="scroll" role="region" aria-label="${title}, by app" tabindex="0">
    <h3>${title}</h3>
    <table>
      <thead>
        <tr>
          ${["App", ...columns].map((column) => html`<th scope="col">${column}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ([name, ...values]) =>
            html`<tr>
              <th scope="row">${appName(name)}</th>
              ${values.map((value) => html`<td>${value}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function sinkCards({ sinks, time }: Status): Html {
  if (sinks.length === 0)
    return html`<p>
      No sink is configured: metrics can be scraped from <a href="/metrics">/metrics</a> only.
    </p>`;
  return html`${sinks.map((sink) => card(sink, time))}`;
}

function card(sink: SinkStatus, now: number): Html {
  const { sign, words, level } = sinkWords[sink.state];
  return html`<article class="card" data-sink="${sink.id}" data-state="${sink.state}">
    <h3>${sink.type} <span class="target">${sink.target}</span></h3>
    <p class="level ${level}"><span class="sign" aria-hidden="true">${sign}</span> ${words}</p>
    <dl class="facts">${factsOf(sink, now).map(([name, value]) => fact(name, value))}</dl>
    ${failure(sink, now)}
  </article>`;
}

function factsOf(sink: SinkStatus, now: number): readonly (readonly [string, string])[] {
  const { lastSuccess, latencyMs, nextAttempt, skewMs, backlog } = sink;
  return [
    ["Last success", lastSuccess === undefined ? "none yet" : ago(lastSuccess, now)],
    ["Latency", latencyMs === undefined ? "unknown" : `${latencyMs.toFixed(0)} ms`],
    ["Samples sent", count(sink.sent)],
    ["Failed requests", count(sink.failedRequests)],
    ["Samples dropped", droppedText(sink.dropped)],
    ["Waiting", waitingText(backlog, now)],
    ...(nextAttempt !== undefined && nextAttempt > now
      ? [["Next attempt", `in ${span(nextAttempt - now)}`] as const]
      : []),
    ...(skewMs !== undefined && Math.abs(skewMs) > 5000
      ? [["Clock skew", `${(skewMs / 1000).toFixed(0)} s`] as const]
      : []),
    ["Protocol", sink.protocol],
  ];
}

/** A failure that is over is listed among the events. */
function failure({ lastFailure, lastSuccess }: SinkStatus, now: number): Html | undefined {
  if (lastFailure === undefined || (lastSuccess !== undefined && lastSuccess >= lastFailure.time))
    return undefined;
  return html`<p class="failure">${lastFailure.reason} (${ago(lastFailure.time, now)})</p>
    ${lastFailure.advice === undefined ? undefined : html`<p class="advice">${lastFailure.advice}</p>`}`;
}

function sourceTable({ sources, time }: Status): Html {
  return html`<div class="scroll" role="region" aria-label="Sources, as a table" tabindex="0">
    <table>
      <thead>
        <tr>
          ${["Source", "State", "Last sample", "Interval", "Restarts", "Failures", "Unreadable reports"].map(
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
  const { sign, words, level } = sourceWords(up);
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

/** A section of its own, so that it comes and goes with its targets. */
function targetSection({ targets = [], time }: Status): Html {
  if (targets.length === 0) return html``;
  return html`<section aria-labelledby="targets-title">
    <h2 id="targets-title">Scrape targets</h2>
    <p class="note">${targetsText(targets)}</p>
    <div class="scroll" role="region" aria-label="Scrape targets, as a table" tabindex="0">
      <table>
        <thead>
          <tr>
            ${["Job", "Instance", "State", "Last scrape", "Duration", "Series", "Interval", "Address"].map(
              (title) => html`<th scope="col">${title}</th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${targets.map((target) => targetRow(target, time))}
        </tbody>
      </table>
    </div>
  </section>`;
}

function targetRow(target: TargetStatus, now: number): Html {
  const { job, instance, address, intervalMs, up, lastScrape, durationMs, series, lastFailure } = target;
  const { sign, words, level } = targetWords(target);
  return html`<tr data-target="${job}/${instance}">
    <td>${job}</td>
    <th scope="row">${instance}</th>
    <td>
      <span class="level ${level}"><span class="sign" aria-hidden="true">${sign}</span> ${words}</span>
      ${up === false && lastFailure ? html`<span class="failure">${lastFailure.reason}</span>` : undefined}
    </td>
    <td>${lastScrape === undefined ? "none yet" : ago(lastScrape, now)}</td>
    <td>${durationMs === undefined ? "" : duration(durationMs)}</td>
    <td>${series === undefined ? "" : count(series)}</td>
    <td>${span(intervalMs)}</td>
    <td>${address}</td>
  </tr>`;
}

function journal({ journal: state, time }: Status): Html {
  if (state === undefined) return html`<p>No journal is kept: the last ten minutes are in memory.</p>`;
  const dropped = Object.entries(state.dropped).filter(([, snapshots]) => snapshots > 0);
  return html`<dl class="facts">
      ${fact("State", state.durable ? "on disk" : "in memory only")} ${fact("Size", bytes(state.bytes))}
      ${fact("Snapshots", String(state.snapshots))}
      ${fact("Oldest", state.oldest === undefined ? "none" : ago(state.oldest, time))}
      ${fact("Snapshots lost", dropped.map(([reason, snapshots]) => `${snapshots} (${reason})`).join(", ") || "none")}
      ${state.setAside === 0 ? undefined : fact("Databases set aside", setAsideText(state, time))}
    </dl>
    ${(state.orphans ?? []).map((orphan) => orphanLine(orphan, time))}
    ${state.reason === undefined ? undefined : html`<p class="failure">${state.reason}</p>`}`;
}

function orphanLine({ id, target, waiting, since, until }: OrphanStatus, now: number): Html {
  return html`<p class="advice" data-orphan="${id}">
    ${id} ${target ?? ""} was removed from the configuration ${ago(since, now)}: ${waiting} snapshots wait for
    it, for ${span(Math.max(0, until - now))} more. Put its block back, or give them up with
    <code>mac-powermetrics-agent journal forget ${id}</code>.
  </p>`;
}

function setAsideText({ setAside, lastSetAside }: JournalStatus, now: number): string {
  return lastSetAside === undefined ? String(setAside) : `${setAside} (the last ${ago(lastSetAside, now)})`;
}

function eventList({ events, time }: Status): Html {
  if (events.length === 0) return html`<p>No events yet.</p>`;
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
