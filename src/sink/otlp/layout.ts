/**
 * Maps the series of a set to the data points of OTLP: which columns make one point.
 *
 *     power   faults_total   latency_bucket{le="0.1"}  …{le="+Inf"}  latency_sum  latency_count
 *     └─ 1    └─ 1           └──────────────────────── one point ───────────────────────────┘
 */
import type { Metric } from "../../metric/metric.ts";
import { seriesKey, type LabelPair, type Series, type SeriesSet } from "../../metric/series.ts";
import { createBoundedMap } from "../../runtime/bounded-map.ts";
import type { Identity } from "../identity.ts";
import { createKnownSeries } from "../known-series.ts";

/** One series as OTLP knows it: a metric with attributes. */
export interface PointSeries {
  readonly key: string;
  /** Identity of the metric: one of the same name and another type is another one. */
  readonly family: string;
  readonly metric: Metric;
  readonly attributes: readonly LabelPair[];
}

/** Where the values of one point stand in a snapshot's row. */
export interface Column {
  readonly series: PointSeries;
  /** The value; of a histogram the count. */
  readonly at: number;
  readonly histogram?: HistogramColumns;
}

interface HistogramColumns {
  readonly sum: number;
  readonly buckets: readonly number[];
  /** Upper bounds of all buckets but the last, which has none. */
  readonly bounds: readonly number[];
}

interface Layout {
  readonly columns: readonly Column[];
  /** Series that belong to no whole point. */
  readonly unusable: number;
}

export interface Layouts {
  of(set: SeriesSet): Layout;
  /** What ends with these series: a histogram once, in the shape of its points. */
  ending(series: readonly Series[]): readonly Column[];
}

/** Sets with ever new tasks must not fill the memory. */
const mostSets = 16;

export function createLayouts({ externalLabels }: Pick<Identity, "externalLabels">): Layouts {
  const layouts = createBoundedMap<string, Layout>(mostSets);
  const known = createKnownSeries<PointSeries>();

  function intern(metric: Metric, labels: readonly LabelPair[]): PointSeries {
    const key = `${metric.type} ${seriesKey({ name: metric.name, labels })}`;
    return known.get(key, () => {
      const family = `${metric.type} ${metric.name}`;
      return { key, family, metric, attributes: withExternal(labels, externalLabels) };
    });
  }

  function build(series: readonly Series[]): Layout {
    const columns: Column[] = [];
    const histograms = new Map<string, Parts>();
    series.forEach((one, at) => {
      if (one.metric.type !== "histogram") columns.push({ series: intern(one.metric, one.labels), at });
      else collect(one, at, intern(one.metric, withoutBound(one.labels)), histograms);
    });
    for (const parts of histograms.values()) columns.push(...wholeHistogram(parts));
    const used = columns.reduce((sum, { histogram }) => sum + 1 + partsOf(histogram), 0);
    return { columns, unusable: series.length - used };
  }

  return {
    of(set) {
      known.inUse(set.series.length);
      return layouts.getOrMake(set.key, () => build(set.series));
    },
    ending: (series) => (series.length === 0 ? [] : build(series).columns),
  };
}

interface Parts {
  readonly series: PointSeries;
  readonly buckets: Map<string, number>;
  sum?: number;
  count?: number;
}

function collect(one: Series, at: number, series: PointSeries, histograms: Map<string, Parts>): void {
  const parts = histograms.get(series.key) ?? { series, buckets: new Map<string, number>() };
  histograms.set(series.key, parts);
  if (one.name === `${one.metric.name}_sum`) parts.sum = at;
  else if (one.name === `${one.metric.name}_count`) parts.count = at;
  else parts.buckets.set(one.labels.find(([label]) => label === "le")?.[1] ?? "", at);
}

/** None when a part is missing: half a histogram would mean something else. */
function wholeHistogram({ series, buckets, sum, count }: Parts): readonly Column[] {
  const bounds = [...buckets.keys()];
  if (sum === undefined || count === undefined || bounds.pop() !== "+Inf") return [];
  const histogram = { sum, buckets: [...buckets.values()], bounds: bounds.map(Number) };
  return [{ series, at: count, histogram }];
}

/** Columns of a histogram besides its count. */
export function partsOf(histogram: HistogramColumns | undefined): number {
  return histogram === undefined ? 0 : histogram.buckets.length + 1;
}

function withoutBound(labels: readonly LabelPair[]): readonly LabelPair[] {
  return labels.filter(([label]) => label !== "le");
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
