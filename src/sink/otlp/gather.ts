/**
 * Regroups a batch from one row per snapshot to one metric with the points of all its series. A layout says which columns of a row
 * make one point:
 *
 *     power   faults_total   latency_bucket{le="0.1"}  …{le="+Inf"}  latency_sum  latency_count
 *     └─ 1    └─ 1           └──────────────────────── one point ───────────────────────────┘
 */
import type { Metric } from "../../metric/metric.ts";
import { seriesKey, type LabelPair, type Series, type SeriesSet } from "../../metric/series.ts";
import type { Snapshot } from "../../meter/snapshot.ts";
import type { Identity } from "../identity.ts";
import { createSeriesCache } from "../series-cache.ts";
import { createDrops, type Batch } from "../sink.ts";

/** One series as OTLP knows it: a metric with attributes. */
export interface PointSeries {
  readonly key: string;
  /** Identity of the metric: one of the same name and another type is another one. */
  readonly family: string;
  readonly metric: Metric;
  readonly attributes: readonly LabelPair[];
}

export interface HistogramValue {
  readonly bounds: readonly number[];
  /** Of each bucket alone, unlike Prometheus' cumulative ones. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** All points of one series in the batch, in the order of time; the arrays are parallel, so that a point costs no object. */
export interface Run {
  readonly series: PointSeries;
  /** Milliseconds since the Unix epoch. */
  readonly times: number[];
  /** What a cumulative point counts since, in the same unit; 0 for a gauge and where nobody reported it. */
  readonly starts: number[];
  /** A histogram's count; of no meaning where the point is an end mark. */
  readonly values: number[];
  /** Parallel to the others for a histogram, empty for a number. */
  readonly histograms: HistogramValue[];
  /** Positions of end marks. */
  readonly marks: number[];
  lastTime: number;
}

export interface Family {
  readonly metric: Metric;
  readonly runs: readonly Run[];
}

export interface Gathered {
  /** In the order in which the batch first names them. */
  readonly families: readonly Family[];
  readonly dropped: Readonly<Record<string, number>>;
}

type DropReason = "invalid" | "clock_backwards";

export function gather(batch: Batch, layouts: Layouts): Gathered {
  const found: Found = { families: new Map(), runs: new Map() };
  const plans = new Map<string, Plan>();
  const drops = createDrops<DropReason>();
  for (const snapshot of batch.snapshots) {
    if (!hasTime(snapshot)) {
      drops.add("invalid", snapshot.values.length);
      continue;
    }
    const plan = plans.get(snapshot.set.key) ?? createPlan(snapshot, layouts, found);
    plans.set(snapshot.set.key, plan);
    const added = addRow(plan, snapshot);
    drops.add("invalid", plan.unusable);
    drops.add("clock_backwards", snapshot.values.length - plan.unusable - added);
    addMarks(snapshot, layouts, found);
  }
  return { families: [...found.families.values()], dropped: drops.counts() };
}

/** OTLP's times are nanoseconds in 64 bits; before 1970 there were no Macs. */
function hasTime({ time }: Snapshot): boolean {
  return Number.isSafeInteger(time) && time > 0 && time <= latestTime;
}

/** The last millisecond whose nanoseconds fit into 64 bits without a sign, as receivers keep them. */
const latestTime = Math.floor(2 ** 63 / 1e6) - 1;

interface Found {
  readonly families: Map<string, Family & { readonly runs: Run[] }>;
  readonly runs: Map<string, Run>;
}

interface Plan {
  readonly columns: readonly Column[];
  /** One for each of `columns`. */
  readonly runs: readonly Run[];
  readonly unusable: number;
}

function createPlan({ set }: Snapshot, layouts: Layouts, found: Found): Plan {
  const { columns, unusable } = layouts.of(set);
  return { columns, runs: columns.map(({ series }) => runOf(series, found)), unusable };
}

/** A new run never stays empty: every usable time is after its `lastTime` of 0. */
function runOf(series: PointSeries, { families, runs }: Found): Run {
  const known = runs.get(series.key);
  if (known !== undefined) return known;
  const run: Run = { series, times: [], starts: [], values: [], histograms: [], marks: [], lastTime: 0 };
  runs.set(series.key, run);
  const family = families.get(series.family);
  if (family === undefined) families.set(series.family, { metric: series.metric, runs: [run] });
  else family.runs.push(run);
  return run;
}

/** Adds a snapshot's points; those of a series that is already past this time are left out. Returns the samples it took. */
function addRow({ columns, runs }: Plan, snapshot: Snapshot): number {
  const { time, values } = snapshot;
  const starts = { boot: startOf(snapshot, "boot"), agent: startOf(snapshot, "agent"), unknown: 0 };
  let added = 0;
  for (let at = 0; at < columns.length; at++) {
    const column = columns[at];
    const run = runs[at];
    if (column === undefined || run === undefined || time <= run.lastTime) continue;
    const { metric } = column.series;
    run.times.push(time);
    run.starts.push(metric.type === "gauge" ? 0 : starts[metric.since]);
    run.values.push(values[column.at] ?? NaN);
    run.lastTime = time;
    if (column.histogram !== undefined) run.histograms.push(histogramValue(column, values));
    added += samplesIn(column.histogram?.buckets);
  }
  return added;
}

/** A start after the sample, or none, is left out, which OTLP reads as unknown. */
function startOf({ starts, time }: Snapshot, since: Metric["since"]): number {
  const start = Math.round(starts[since] ?? 0);
  return start > 0 && start <= time ? start : 0;
}

function histogramValue({ at, histogram }: Column, values: Float64Array): HistogramValue {
  const { sum = -1, buckets = [], bounds = [] } = histogram ?? {};
  const counts = buckets.map((bucket, index) =>
    whole((values[bucket] ?? 0) - (values[buckets[index - 1] ?? -1] ?? 0)),
  );
  return { bounds, counts, sum: values[sum] ?? NaN, count: whole(values[at] ?? 0) };
}

/** Series of one point: one of a number, of a histogram its buckets, its sum and its count. */
export function samplesIn(buckets: readonly number[] | undefined): number {
  return buckets === undefined ? 1 : buckets.length + 2;
}

/** OTLP counts in whole numbers from 0. */
function whole(count: number): number {
  return count > 0 && Number.isFinite(count) ? Math.round(count) : 0;
}

/** Adds the end marks of a snapshot, never over a point of the same or a later time. */
function addMarks({ time, ended }: Snapshot, layouts: Layouts, found: Found): void {
  for (const { series, histogram } of layouts.ending(ended)) {
    const run = runOf(series, found);
    if (time <= run.lastTime) continue;
    run.marks.push(run.times.length);
    run.times.push(time);
    run.starts.push(0);
    run.values.push(0);
    run.lastTime = time;
    if (histogram !== undefined) run.histograms.push(emptyHistogram(histogram));
  }
}

/** Receivers end the sum and the buckets that a mark names, so it has the shape of the points before it. */
function emptyHistogram({ bounds, buckets }: NonNullable<Column["histogram"]>): HistogramValue {
  return { bounds, counts: buckets.map(() => 0), sum: 0, count: 0 };
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

export function createLayouts({ externalLabels }: Pick<Identity, "externalLabels">): Layouts {
  const cache = createSeriesCache<PointSeries, Layout>();

  function pointSeries(metric: Metric, labels: readonly LabelPair[]): PointSeries {
    const key = `${metric.type} ${seriesKey({ name: metric.name, labels })}`;
    return cache.ofSeries(key, () => {
      const family = `${metric.type} ${metric.name}`;
      return { key, family, metric, attributes: withExternal(labels, externalLabels) };
    });
  }

  function build(series: readonly Series[]): Layout {
    const columns: Column[] = [];
    const histograms = new Map<string, Parts>();
    series.forEach((one, at) => {
      if (one.metric.type !== "histogram") columns.push({ series: pointSeries(one.metric, one.labels), at });
      else collect(one, at, pointSeries(one.metric, withoutBound(one.labels)), histograms);
    });
    for (const parts of histograms.values()) columns.push(...wholeHistogram(parts));
    const used = columns.reduce((sum, column) => sum + samplesIn(column.histogram?.buckets), 0);
    return { columns, unusable: series.length - used };
  }

  return {
    of: (set) => cache.ofSet(set, () => build(set.series)),
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
