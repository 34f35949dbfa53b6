/**
 * Answers `/metrics`: the current snapshots in Prometheus' text format 0.0.4 or in OpenMetrics 1.0, rendered and compressed once for as
 * long as they stay the same.
 */
import { gzipSync } from "node:zlib";
import { isScraped, type Snapshot } from "../meter/snapshot.ts";
import type { Metric } from "../metric/metric.ts";
import { seriesKey, type SeriesSet } from "../metric/series.ts";
import { familyHead, formatValue, openMetricsHead } from "../metric/text.ts";
import { negotiateFormat } from "./negotiate.ts";
import type { EndpointDeps } from "./server.ts";
import { reply, wantsGzip, type Route } from "./route.ts";

export type ExpositionFormat = "prometheus" | "openmetrics";

const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

interface Rendered {
  readonly snapshots: readonly Snapshot[];
  readonly plain: Buffer;
  gzip?: Buffer;
}

export function metricsRoute(latest: EndpointDeps["latest"]): Route {
  const last: Partial<Record<ExpositionFormat, Rendered>> = {};
  return {
    path: "/metrics",
    methods: ["GET"],
    async handle({ request, response }) {
      const format = negotiateFormat(request.headers.accept);
      const rendered = (last[format] = render(await latest(), format, last[format]));
      const gzip = wantsGzip(request, rendered.plain);
      reply(response, {
        status: 200,
        type: contentTypes[format],
        body: gzip ? compressed(rendered) : rendered.plain,
        headers: { vary: "Accept, Accept-Encoding", ...(gzip && { "content-encoding": "gzip" }) },
      });
    },
  };
}

/** Snapshots are immutable, so the same ones give the same bytes. */
function render(
  snapshots: readonly Snapshot[],
  format: ExpositionFormat,
  before: Rendered | undefined,
): Rendered {
  const same =
    before?.snapshots.length === snapshots.length &&
    snapshots.every((snapshot, index) => snapshot === before.snapshots[index]);
  return same ? before : { snapshots: [...snapshots], plain: Buffer.from(exposition(snapshots, format)) };
}

/** Level 1: the text is so repetitive that more effort gains little. In line, since a thread costs more than the work. */
function compressed(rendered: Rendered): Buffer {
  return (rendered.gzip ??= gzipSync(rendered.plain, { level: 1 }));
}

/** One scrape's body; families are contiguous, and no sample carries a timestamp, as staleness is the scraper's. */
export function exposition(snapshots: readonly Snapshot[], format: ExpositionFormat): string {
  let text = "";
  for (const { set, values } of snapshots.filter(({ source }) => !isScraped(source))) {
    const prefixes = prefixesOf(set, format);
    for (let index = 0; index < prefixes.length; index++) {
      text += `${prefixes[index] ?? ""}${formatValue(values[index] ?? NaN)}\n`;
    }
  }
  text += scrapedText(
    snapshots.filter(({ source }) => isScraped(source)),
    format,
  );
  return format === "openmetrics" ? `${text}# EOF\n` : text;
}

/** Of scraped targets, which have families in common; one that two of them declare differently is as the first one says. */
function scrapedText(snapshots: readonly Snapshot[], format: ExpositionFormat): string {
  const headOf = format === "prometheus" ? familyHead : openMetricsHead;
  const families = new Map<string, string>();
  for (const { set, values } of snapshots)
    for (const [index, series] of set.series.entries()) {
      const { metric } = series;
      const text = families.get(metric.name) ?? headOf(metric);
      families.set(metric.name, `${text}${seriesKey(series)} ${formatValue(values[index] ?? NaN)}\n`);
    }
  return [...families.values()].join("");
}

/** Everything of a line but its value, which is all that changes from scrape to scrape. */
type Prefixes = readonly string[];

const prefixCache: Record<ExpositionFormat, WeakMap<SeriesSet, Prefixes>> = {
  prometheus: new WeakMap(),
  openmetrics: new WeakMap(),
};

function prefixesOf(set: SeriesSet, format: ExpositionFormat): Prefixes {
  const known = prefixCache[format].get(set);
  if (known !== undefined) return known;
  const headOf = format === "prometheus" ? familyHead : openMetricsHead;
  let family: Metric | undefined;
  const prefixes = set.series.map((series) => {
    const head = series.metric === family ? "" : headOf(series.metric);
    family = series.metric;
    return `${head}${seriesKey(series)} `;
  });
  prefixCache[format].set(set, prefixes);
  return prefixes;
}
