/** Shows sinks on the page: a card each, with what to do where one fails. Runs in the browser too. */
import type { DeliveryStatus } from "../../../delivery/types.ts";
import type { SinkStatus, Status } from "../../api/status.ts";
import { ago, bytes, count, span } from "./format.ts";
import { html, type Html } from "./html.ts";

interface StateWords {
  readonly sign: string;
  readonly words: string;
  readonly level: "ok" | "starting" | "warning" | "failing";
}

export const sinkStates: Readonly<Record<DeliveryStatus, StateWords>> = {
  starting: { sign: "…", words: "starting", level: "starting" },
  ok: { sign: "✓", words: "delivering", level: "ok" },
  draining: { sign: "↑", words: "catching up", level: "ok" },
  retrying: { sign: "!", words: "trying again", level: "warning" },
  refused: { sign: "✕", words: "refused", level: "failing" },
  holding: { sign: "!", words: "waiting for the clock", level: "warning" },
  stopped: { sign: "–", words: "stopped", level: "starting" },
};

export function sinkCards({ sinks, time }: Status): Html {
  if (sinks.length === 0)
    return html`<p>
      No sink is configured: metrics can be scraped from <a href="/metrics">/metrics</a> only.
    </p>`;
  return html`${sinks.map((sink) => card(sink, time))}`;
}

function card(sink: SinkStatus, now: number): Html {
  const { sign, words, level } = sinkStates[sink.state];
  return html`<article class="card" data-sink="${sink.id}" data-state="${sink.state}">
    <h3>${sink.type} <span class="target">${sink.target}</span></h3>
    <p class="level ${level}"><span class="sign" aria-hidden="true">${sign}</span> ${words}</p>
    <dl class="facts">
      ${factsOf(sink, now).map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
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

export function droppedText(dropped: SinkStatus["dropped"]): string {
  const told = Object.entries(dropped).filter(([, samples]) => samples > 0);
  return told.length === 0
    ? "none"
    : told.map(([reason, samples]) => `${count(samples)} (${reason})`).join(", ");
}

export function waitingText({ snapshots, bytes: size, oldest }: SinkStatus["backlog"], now: number): string {
  if (snapshots === 0) return "nothing";
  const age = oldest === undefined ? "" : `, oldest ${ago(oldest, now)}`;
  return `${count(snapshots)} snapshots, ${bytes(size)}${age}`;
}

/** A failure that is over is listed among the events. */
function failure({ lastFailure, lastSuccess }: SinkStatus, now: number): Html | undefined {
  if (lastFailure === undefined || (lastSuccess !== undefined && lastSuccess >= lastFailure.time))
    return undefined;
  return html`<p class="failure">${lastFailure.reason} (${ago(lastFailure.time, now)})</p>
    ${lastFailure.advice === undefined ? undefined : html`<p class="advice">${lastFailure.advice}</p>`}`;
}
