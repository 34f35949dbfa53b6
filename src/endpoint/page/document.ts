/** The page as it is first sent: complete without JavaScript. */
import type { History } from "../../status/history.ts";
import type { Status } from "../../status/status.ts";
import { charts, chartTable, powerTile, seriesOf, type Chart } from "./charts.ts";
import { html, type Html } from "./html.ts";
import { machineName, type Tile } from "../../status/view.ts";
import { liveParts } from "./live.ts";
import { rangeControls, rangeNote } from "./range-controls.ts";
import type { TimeRange } from "../../status/time-range.ts";

interface AssetPaths {
  readonly script: string;
  readonly style: string;
  readonly icon: string;
}

export interface PageContent {
  readonly status: Status;
  readonly range: TimeRange;
  readonly history: History;
  /** What is wrong with the range that the address asks for. */
  readonly problem?: string;
}

export function pageDocument(content: PageContent, assets: AssetPaths): string {
  const { status, range, history } = content;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${machineName(status.agent)} · mac-powermetrics-agent</title>
        <link rel="icon" href="${assets.icon}" />
        <link rel="stylesheet" href="${assets.style}" />
        <script src="${assets.script}" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the figures</a>
        ${header(status)}
        <main id="main">
          ${tileSection(status, powerTile(range, history.groups))} ${chartSection(content)}
          <div id="apps">${liveParts.apps(status)}</div>
          ${liveSection("sinks", "Sinks", status)} ${liveSection("sources", "Sources", status)}
          <div id="targets">${liveParts.targets(status)}</div>
          ${liveSection("journal", "Journal", status)} ${liveSection("events", "Recent events", status)}
          ${configuration(status)}
        </main>
        ${footer()}
      </body>
    </html>`;
  return page.markup.replaceAll(/>\s+</g, "> <");
}

function header(status: Status): Html {
  const { agent, machine } = status;
  return html`<header>
    <div class="title">
      <h1>${machineName(agent)}</h1>
      ${machine.simulated ? html`<p class="simulated">SIMULATED: every number is made up</p>` : undefined}
      <p id="connection" role="status"></p>
    </div>
    <div id="overall" role="status">${liveParts.overall(status)}</div>
    <div id="identity">${liveParts.identity(status)}</div>
  </header>`;
}

function tileSection(status: Status, past: Tile | undefined): Html {
  return html`<section aria-labelledby="tiles-title">
    <h2 id="tiles-title">Now</h2>
    <dl id="tiles">${liveParts.tiles(status, past)}</dl>
  </section>`;
}

function liveSection(id: keyof typeof liveParts, title: string, status: Status): Html {
  return html`<section aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    <div id="${id}">${liveParts[id](status)}</div>
  </section>`;
}

function chartSection({ range, history, problem }: PageContent): Html {
  return html`<section aria-labelledby="charts-title">
    <h2 id="charts-title">History</h2>
    <noscript>
      <p>
        Charts and live values need JavaScript. The tables show the chosen time; load the page again for newer
        values.
      </p>
    </noscript>
    <div id="ranges">${rangeControls(range, history)}</div>
    <p id="history-note" role="status">${problem ?? rangeNote(range, history)}</p>
    <div class="charts">${charts.map((chart) => chartFigure(chart, history))}</div>
  </section>`;
}

function chartFigure(chart: Chart, history: History): Html {
  // Most machines lack something: an Intel Mac has no clusters.
  const hidden = seriesOf(chart, history.groups).columns.length === 0 ? html`hidden` : undefined;
  return html`<figure id="chart-${chart.id}" data-chart="${chart.id}" ${hidden}>
    <figcaption><h3>${chart.title}</h3></figcaption>
    <div class="plot" hidden></div>
    <ul class="legend" hidden></ul>
    <details>
      <summary>${chart.title}: table</summary>
      <div class="table">${chartTable(chart, history)}</div>
    </details>
  </figure>`;
}

function configuration({ configuration: text }: Status): Html | undefined {
  if (text === undefined) return undefined;
  return html`<section aria-labelledby="configuration-title">
    <h2 id="configuration-title">Configuration</h2>
    <details>
      <summary>The effective configuration, secrets hidden</summary>
      <pre tabindex="0" role="region" aria-label="Effective configuration">${text}</pre>
    </details>
  </section>`;
}

function footer(): Html {
  return html`<footer>
    <nav aria-label="More">
      <a href="/metrics">/metrics</a> <a href="/api/v1/status">/api/v1/status</a>
      <a href="/api/v1/history?range=1h">/api/v1/history</a> <a href="/-/ready">/-/ready</a>
    </nav>
    <p>
      Grafana dashboards and Prometheus rules come with the agent, in config/grafana and config/prometheus.
    </p>
  </footer>`;
}
