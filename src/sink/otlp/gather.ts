/**
 * Regroups a batch from one row per snapshot to one metric with the points of all its series. A layout says which columns of a row
 * make one point:
 *
 *     power   faults_total   latency_bucket{le="0.1"}  …{le="+Inf"}  latency_sum  latency_count
 *     └─ 1    └─ 1           └──────────────────────── one point ───────────────────────────┘
 */
import { isCumulative, type Metric } from "../../metric/metric.ts";
import { seriesKey, type LabelPair, type Series, type SeriesSet } from "../../metric/series.ts";
import type { Snapshot } from "../../meter/snapshot.ts";
import { createSeriesCache } from "../series-cache.ts";
import { createDrops, type Batch, type Identity } from "../sink.ts";

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
}

/** A histogram, or a summary: its quantiles stand for bounds, and their values for counts. */
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
  /** A histogram's or summary's count; of no meaning where the point is an end mark. */
  readonly values: number[];
  /** Parallel to the others for a histogram or summary, empty for a number. */
  readonly histograms: HistogramValue[];
  /** Positions of end marks. */
  readonly marks: number[];
  lastTime: number;
}

export interface Family {
  readonly metric: Metric;
  readonly target?: Target;
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
  const { metric, target } = series;
  if (family === undefined) families.set(series.family, { metric, ...(target && { target }), runs: [run] });
  else family.runs.push(run);
  return run;
}

/** Adds a snapshot's points; those of a series that is already past this time are left out. Returns the samples it took. */
function addRow({ columns, runs }: Plan, snapshot: Snapshot): number {
  const { time, values } = snapshot;
  const usable = (start = 0): number => usableStart(start, time);
  const { boot, agent } = snapshot.starts;
  const starts = { boot: usable(boot), agent: usable(agent), unknown: 0 };
  let added = 0;
  for (let at = 0; at < columns.length; at++) {
    const column = columns[at];
    const run = runs[at];
    if (column === undefined || run === undefined || time <= run.lastTime) continue;
    const { metric } = column.series;
    run.times.push(time);
    const start = column.startMs === undefined ? starts[metric.since] : usable(column.startMs);
    run.starts.push(isCumulative(metric) ? start : 0);
    run.values.push(values[column.at] ?? NaN);
    run.lastTime = time;
    if (column.histogram !== undefined) run.histograms.push(histogramValue(column, values));
    added += samplesIn(column.histogram?.buckets);
  }
  return added;
}

/** A start after the sample, or none, is left out, which OTLP reads as unknown. */
function usableStart(given: number, time: number): number {
  const start = Math.round(given);
  return start > 0 && start <= time ? start : 0;
}

function histogramValue({ at, histogram }: Column, values: Float64Array): HistogramValue {
  const { sum = -1, buckets = [], bounds = [], isSummary } = histogram ?? {};
  const counts = buckets.map((bucket, index) =>
    isSummary === true
      ? (values[bucket] ?? NaN)
      : whole((values[bucket] ?? 0) - (values[buckets[index - 1] ?? -1] ?? 0)),
  );
  return { bounds, counts, sum: values[sum] ?? NaN, count: whole(values[at] ?? 0) };
}

/** Series of one point: one of a number, of a histogram or summary its buckets or quantiles, its sum and its count. */
export function samplesIn(buckets: readonly number[] | undefined): number {
  return buckets === undefined ? 1 : buckets.length + 2;
}

/** OTLP counts in whole numbers from 0, of 64 bits: a receiver refuses the whole request for a count beyond them. */
function whole(count: number): number {
  return count > 0 && Number.isFinite(count) ? Math.min(Math.round(count), Number.MAX_SAFE_INTEGER) : 0;
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
  /** When this very series began to count, milliseconds since the Unix epoch. */
  readonly startMs?: number;
  readonly histogram?: HistogramColumns;
}

interface HistogramColumns {
  readonly sum: number;
  /** Rising with their bounds. */
  readonly buckets: readonly number[];
  /** Upper bounds of all buckets but the last, which has none; of a summary its quantiles. */
  readonly bounds: readonly number[];
  readonly isSummary?: true;
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
      const { target, attributes } = ownerOf(metric, labels);
      const family = `${metric.type} ${metric.name}${target === undefined ? "" : ` ${JSON.stringify(target)}`}`;
      const all = withExternal(attributes, externalLabels);
      return { key, family, metric, ...(target && { target }), attributes: all };
    });
  }

  function numberColumn(one: Series, at: number): Column {
    const { metric, labels, startMs } = one;
    return { series: pointSeries(metric, labels), at, ...(startMs !== undefined && { startMs }) };
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
    return { columns, unusable };
  }

  return {
    of: (set) => cache.ofSet(set, () => build(set.series)),
    ending: (series) => (series.length === 0 ? [] : build(series).columns),
  };
}

function isCompound({ type }: Metric): boolean {
  return type === "histogram" || type === "summary";
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
  const histogram = { sum, buckets: columns, bounds, ...(isSummary && { isSummary }) };
  return { series, at: count, ...(startMs !== undefined && { startMs }), histogram };
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
