/**
 * Maps the series of a set to the data points of OTLP: a layout says which columns of a row make one point.
 *
 *     power   faults_total   latency_bucket{le="0.1"}  …{le="+Inf"}  latency_sum  latency_count
 *     └─ 1    └─ 1           └──────────────────────── one point ───────────────────────────┘
 */
import { isCumulative, type Metric } from "../../metric/metric.ts";
import { seriesKey, type LabelPair, type Series, type SeriesSet } from "../../metric/series.ts";
import { createSeriesCache, remembered } from "../series-cache.ts";
import type { Identity } from "../sink.ts";

/** Of a scraped target, whose points belong to a resource of their own. */
export interface Target {
  readonly job: string;
  readonly instance: string;
}

/** One series as OTLP knows it: a metric with attributes. */
export interface PointSeries {
  readonly key: string;
  /** Identity of the metric: one of the same name and another type, or of another target, is another one. */
  readonly family: string;
  readonly metric: Metric;
  /** Where it was scraped; absent for our own. */
  readonly target?: Target;
  readonly attributes: readonly LabelPair[];
  /** The attributes in protobuf, once they were encoded: a map for them takes a fifth of the time of a request whose code is cold. */
  bytes: Uint8Array | undefined;
}

/** Where the values of one point stand in a snapshot's row. */
export interface Column {
  readonly series: PointSeries;
  /** The value; of a histogram the count. */
  readonly at: number;
  /** What it counts since: nothing or nobody knows, the boot, or its process. */
  readonly since: 0 | 1 | 2;
  /** When this very series began to count, milliseconds since the Unix epoch. */
  readonly startMs: number | undefined;
  readonly histogram: HistogramColumns | undefined;
  readonly samples: number;
}

export interface HistogramColumns {
  readonly sum: number;
  /** Rising with their bounds. */
  readonly buckets: readonly number[];
  /** Upper bounds of all buckets but the last, which has none; of a summary its quantiles. */
  readonly bounds: readonly number[];
  readonly isSummary?: true;
}

export interface Layout {
  readonly columns: readonly Column[];
  /** Series that belong to no whole point. */
  readonly unusable: number;
}

export interface Layouts {
  of(set: SeriesSet): Layout;
  /** What ends with these series: a histogram once, in the shape of its points. */
  ending(series: readonly Series[]): Layout;
}

export function createLayouts({ externalLabels }: Pick<Identity, "externalLabels">): Layouts {
  const cache = createSeriesCache<PointSeries, Layout>();

  function pointSeries(metric: Metric, labels: readonly LabelPair[]): PointSeries {
    const key = `${metric.type} ${seriesKey({ name: metric.name, labels })}`;
    return cache.ofSeries(key, () => {
      const { target, attributes } = ownerOf(metric, labels);
      const family =
        target === undefined ? familyOf(metric) : `${familyOf(metric)} ${JSON.stringify(target)}`;
      const all = withExternal(attributes, externalLabels);
      return { key, family, metric, ...(target && { target }), attributes: all, bytes: undefined };
    });
  }

  function numberColumn({ metric, labels, startMs }: Series, at: number): Column {
    return createColumn(pointSeries(metric, labels), at, startMs);
  }

  function build(series: readonly Series[]): Layout {
    const columns: Column[] = [];
    const compounds = new Map<string, Parts>();
    series.forEach((one, at) => {
      if (!isCompound(one.metric)) columns.push(numberColumn(one, at));
      else collect(one, at, pointSeries(one.metric, withoutBound(one)), compounds);
    });
    let unusable = 0;
    for (const parts of compounds.values()) {
      const whole = wholeHistogram(parts);
      if (whole !== undefined) columns.push(whole);
      else if (parts.series.metric.scraped !== true) unusable += parts.all.length;
      else columns.push(...parts.all.map(({ one, at }) => numberColumn(asNumber(one), at)));
    }
    return { columns: withoutDuplicates(columns), unusable };
  }

  return {
    of: (set) => cache.ofSet(set, () => build(set.series)),
    ending: build,
  };
}

/** One text for each metric, since the same text is compared faster than an equal one. */
const familyOf = remembered(({ type, name }: Metric) => `${type} ${name}`);

function createColumn(
  series: PointSeries,
  at: number,
  startMs: number | undefined,
  histogram?: HistogramColumns,
): Column {
  const isCounting = isCumulative(series.metric);
  return {
    series,
    at,
    since: isCounting ? sinceOf[series.metric.since] : 0,
    startMs: isCounting ? startMs : undefined,
    histogram,
    samples: samplesIn(histogram?.buckets),
  };
}

const sinceOf = { unknown: 0, boot: 1, agent: 2 } as const;

/** A series that a set has twice has two samples of one time, of which the first is sent. */
function withoutDuplicates(columns: readonly Column[]): readonly Column[] {
  const first = new Map(columns.toReversed().map((column) => [column.series.key, column]));
  return first.size === columns.length
    ? columns
    : columns.filter((column) => first.get(column.series.key) === column);
}

export function isCompound({ type }: Metric): boolean {
  return type === "histogram" || type === "summary";
}

/** Series of one point: one of a number, of a histogram or summary its buckets or quantiles, its sum and its count. */
export function samplesIn(buckets: readonly number[] | undefined): number {
  return buckets === undefined ? 1 : buckets.length + 2;
}

/** OTLP's kinds of points; what only OpenMetrics tells apart are gauges. */
export type PointKind = "gauge" | "counter" | "histogram" | "summary";

export function pointKind({ type }: Metric): PointKind {
  return type === "counter" || type === "histogram" || type === "summary" ? type : "gauge";
}

/** What a target writes of a histogram may lack a part; then each of its series goes as a number of its own. */
function asNumber(series: Series): Series {
  return { ...series, metric: { ...series.metric, name: series.name, type: "unknown" } };
}

/** `job` and `instance` of what was scraped name its resource, as for our own: receivers make the labels of that again. */
function ownerOf(
  { scraped }: Metric,
  labels: readonly LabelPair[],
): { readonly target?: Target; readonly attributes: readonly LabelPair[] } {
  if (scraped !== true) return { attributes: labels };
  const { job = "", instance = "" } = Object.fromEntries(labels) as Partial<Target>;
  if (job === "" && instance === "") return { attributes: labels };
  const attributes = labels.filter(([name]) => name !== "job" && name !== "instance");
  return { target: { job, instance }, attributes };
}

/** The series of one point, and where in the row they stand. */
interface Parts {
  readonly series: PointSeries;
  readonly all: { readonly one: Series; readonly at: number }[];
  /** By upper bound or quantile. */
  readonly buckets: Map<number, number>;
  sum?: number;
  count?: number;
}

function collect(one: Series, at: number, series: PointSeries, compounds: Map<string, Parts>): void {
  const parts = compounds.get(series.key) ?? { series, all: [], buckets: new Map<number, number>() };
  compounds.set(series.key, parts);
  parts.all.push({ one, at });
  const { metric, name, labels } = one;
  if (name === `${metric.name}_sum`) parts.sum = at;
  else if (name === `${metric.name}_count`) parts.count = at;
  else parts.buckets.set(boundOf(labels.find(([label]) => label === boundLabel(metric))?.[1]), at);
}

/** NaN for none. */
function boundOf(text = ""): number {
  return text === "+Inf" ? Infinity : Number(text === "" ? NaN : text);
}

function boundLabel({ type }: Metric): string {
  return type === "summary" ? "quantile" : "le";
}

/** None when a part is missing, or is there twice: half a histogram would mean something else. */
function wholeHistogram({ series, all, buckets, sum, count }: Parts): Column | undefined {
  const isSummary = series.metric.type === "summary";
  const rising = [...buckets].sort(([a], [b]) => a - b);
  const bounds = rising.map(([bound]) => bound);
  if (sum === undefined || count === undefined || bounds.some(Number.isNaN)) return undefined;
  if (all.length !== bounds.length + 2 || (!isSummary && bounds.pop() !== Infinity)) return undefined;
  const columns = rising.map(([, at]) => at);
  const startMs = all[0]?.one.startMs;
  return createColumn(series, count, startMs, {
    sum,
    buckets: columns,
    bounds,
    ...(isSummary && { isSummary }),
  });
}

function withoutBound({ metric, labels }: Series): readonly LabelPair[] {
  return labels.filter(([label]) => label !== boundLabel(metric));
}

/**
 * External labels are attributes of every point, not of the resource: receivers turn a resource's attributes into
 * `target_info`, and the series would not equal those that came by remote write. A series' own label wins.
 */
function withExternal(
  labels: readonly LabelPair[],
  external: Identity["externalLabels"],
): readonly LabelPair[] {
  const own = new Set(labels.map(([label]) => label));
  return [...labels, ...Object.entries(external).filter(([label, value]) => value !== "" && !own.has(label))];
}
