/**
 * Makes our series of what a target writes, as Prometheus does: the target's labels, `metric_relabel_configs`, limits. A series is
 * worked out once, for as long as the target writes it, and a whole set once for as long as its series are the same.
 */
import { scrapedMetric, type Metric } from "../metric/metric.ts";
import { seriesKey, type LabelPair, type Series } from "../metric/series.ts";
import { printable } from "../runtime/printable.ts";
import type { Relabel } from "../sink/relabel/apply.ts";
import type { Exposition, ScrapedSeries } from "./exposition.ts";
import type { ScrapeConfig } from "./schema.ts";
import type { Target } from "./targets.ts";

/** Series of one target, where the block does not say. */
export const defaultSampleLimit = 50_000;

export type LimitReason = "sample_limit" | "label_limit" | "name";

/** Why a whole scrape counts as failed; `message` is one line. */
export interface LimitFault {
  readonly reason: LimitReason;
  readonly message: string;
}

/** What is kept of an exposition. */
export interface Labelled {
  readonly series: readonly Series[];
  /** For each of `series` its place in the exposition. */
  readonly columns: readonly number[];
  /** Identities of the series. */
  readonly keys: ReadonlySet<string>;
  /** Series that others of the scrape have the same labels as; the first counts. */
  readonly duplicates: number;
  readonly fault?: LimitFault;
}

/** Undefined where relabelling drops it. */
type Made = { readonly series: Series } | { readonly fault: LimitFault } | undefined;

/** One a target. */
export function createLabeller(
  target: Pick<Target, "labels">,
  config: ScrapeConfig,
  relabel: Relabel,
): (exposition: Pick<Exposition, "series">) => Labelled {
  const made = new WeakMap<ScrapedSeries, { readonly result: Made }>();
  const metrics = createMetrics();
  let last: { readonly of: readonly ScrapedSeries[]; readonly labelled: Labelled } | undefined;

  function make(scraped: ScrapedSeries): Made {
    const labels = relabel(
      new Map([["__name__", scraped.name], ...withTarget(scraped.labels, target, config)]),
    );
    if (labels === undefined) return undefined;
    const name = labels.get("__name__") ?? "";
    if (name === "")
      return { fault: { reason: "name", message: `no name is left of ${shown(scraped.name)}` } };
    const fault = limitFault(name, labels, config);
    if (fault !== undefined) return { fault };
    const pairs = [...labels].filter(([label]) => label !== "__name__").sort(([a], [b]) => (a < b ? -1 : 1));
    const metric = metrics(scraped, name);
    const { startMs } = scraped;
    return { series: { metric, name, labels: pairs, ...(startMs !== undefined && { startMs }) } };
  }

  function remember(scraped: ScrapedSeries): Made {
    const known = made.get(scraped);
    if (known !== undefined) return known.result;
    const result = make(scraped);
    made.set(scraped, { result });
    return result;
  }

  return ({ series }) => {
    if (last?.of !== series) last = { of: series, labelled: label(series, remember, config) };
    return last.labelled;
  };
}

function label(
  all: readonly ScrapedSeries[],
  make: (scraped: ScrapedSeries) => Made,
  { sample_limit: given, honor_timestamps: stamped }: ScrapeConfig,
): Labelled {
  const most = given === 0 ? defaultSampleLimit : given;
  const kept: Series[] = [];
  const columns: number[] = [];
  const owners = new Map<string, ScrapedSeries>();
  const declared = new Map<string, Metric>();
  let duplicates = 0;
  let fault: LimitFault | undefined;
  for (const [column, scraped] of all.entries()) {
    const one = make(scraped);
    if (one === undefined) continue;
    if ("fault" in one) {
      fault ??= one.fault;
      continue;
    }
    const key = seriesKey(one.series);
    const owner = owners.get(key);
    // The reader gives a series again only where its timestamps differ.
    if (owner !== undefined && !(stamped && owner === scraped)) {
      duplicates++;
      continue;
    }
    owners.set(key, scraped);
    kept.push(declaredOnce(one.series, declared));
    columns.push(column);
  }
  if (kept.length > most)
    fault ??= { reason: "sample_limit", message: `must have at most ${most} samples, got ${kept.length}` };
  return { series: kept, columns, keys: new Set(owners.keys()), duplicates, ...(fault && { fault }) };
}

/** Relabelling may give the series of two families one name: what the first declares then holds for both. */
function declaredOnce(series: Series, declared: Map<string, Metric>): Series {
  const { metric } = series;
  const first = declared.get(metric.name);
  if (first === undefined) declared.set(metric.name, metric);
  return first === undefined || first === metric ? series : { ...series, metric: first };
}

/**
 * A clash of a target's label with the series' own: the series' becomes `exported_…`, unless it is honoured
 * (Prometheus' documentation, `honor_labels`).
 */
function withTarget(
  own: readonly LabelPair[],
  { labels }: Pick<Target, "labels">,
  { honor_labels: honoured }: ScrapeConfig,
): ReadonlyMap<string, string> {
  const all = new Map(own);
  if (honoured) {
    for (const [name, value] of labels) if (!all.has(name)) all.set(name, value);
    return all;
  }
  const clashing = labels.flatMap(([name]): LabelPair[] => {
    const value = all.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  for (const [name, value] of labels) all.set(name, value);
  for (const [name, value] of clashing) {
    let exported = `exported_${name}`;
    while (all.has(exported)) exported = `exported_${exported}`;
    all.set(exported, value);
  }
  return all;
}

function limitFault(
  name: string,
  labels: ReadonlyMap<string, string>,
  config: ScrapeConfig,
): LimitFault | undefined {
  const { label_limit: count, label_name_length_limit: names, label_value_length_limit: values } = config;
  const fault = (what: string): LimitFault => ({ reason: "label_limit", message: `${shown(name)} ${what}` });
  if (count > 0 && labels.size > count) return fault(`must have at most ${count} labels, got ${labels.size}`);
  for (const [label, value] of labels) {
    if (names > 0 && label.length > names)
      return fault(`must have names of labels up to ${names} characters, got ${label.length}`);
    if (values > 0 && value.length > values)
      return fault(
        `must have values of labels up to ${values} characters, got ${value.length} in ${shown(label)}`,
      );
  }
  return undefined;
}

/** A name may be any text, and as long as an answer. */
function shown(name: string): string {
  return printable(name.slice(0, 100));
}

/**
 * The metric of a series: of a histogram or summary the family, so that its parts belong together, else the series' own name.
 * What was given another name by relabelling is declared by nobody.
 */
function createMetrics(): (scraped: ScrapedSeries, name: string) => Metric {
  const byFamily = new WeakMap<ScrapedSeries["family"], Map<string, Metric>>();
  return ({ family, name: before }, name) => {
    const known = byFamily.get(family) ?? new Map<string, Metric>();
    byFamily.set(family, known);
    const isCompound = family.type === "histogram" || family.type === "summary";
    const metricName = isCompound && name === before ? family.name : name;
    const metric =
      known.get(metricName) ??
      (name === before
        ? scrapedMetric({ name: metricName, type: family.type, help: family.help, unit: family.unit })
        : scrapedMetric({ name, type: "unknown", help: "", unit: "" }));
    known.set(metricName, metric);
    return metric;
  };
}
