/** Regroups a batch from one row per snapshot to one metric with the points of all its series. */
import type { Metric } from "../../metric/metric.ts";
import type { Snapshot } from "../../meter/snapshot.ts";
import { createDrops } from "../drops.ts";
import type { Batch } from "../sink.ts";
import { partsOf, type Column, type Layouts, type PointSeries } from "./layout.ts";

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
  /** Series' samples, so a histogram's point counts for each of its parts. */
  readonly samples: number;
  readonly marks: number;
  readonly dropped: Readonly<Record<string, number>>;
}

type DropReason = "invalid" | "clock_backwards";

export function gather(batch: Batch, layouts: Layouts): Gathered {
  const found: Found = { families: new Map(), runs: new Map() };
  const plans = new Map<string, Plan>();
  const drops = createDrops<DropReason>();
  let samples = 0;
  let marks = 0;

  for (const snapshot of batch.snapshots) {
    if (!hasTime(snapshot)) {
      drops.add("invalid", snapshot.values.length);
      continue;
    }
    const plan = plans.get(snapshot.set.key) ?? createPlan(snapshot, layouts, found);
    plans.set(snapshot.set.key, plan);
    const added = addRow(plan, snapshot);
    samples += added;
    drops.add("invalid", plan.unusable);
    drops.add("clock_backwards", snapshot.values.length - plan.unusable - added);
    marks += addMarks(snapshot, layouts, found);
  }
  return { families: [...found.families.values()], samples, marks, dropped: drops.counts() };
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

/** A new run gets a point at once: no time is before the first one that is usable. */
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
  const starts = { boot: startOf(snapshot, "boot"), agent: startOf(snapshot, "agent") };
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
    added += 1 + partsOf(column.histogram);
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

/** OTLP counts in whole numbers from 0. */
function whole(count: number): number {
  return count > 0 && Number.isFinite(count) ? Math.round(count) : 0;
}

/** Adds the end marks a snapshot owes, never over a point of the same or a later time. Returns how many. */
function addMarks({ time, ended }: Snapshot, layouts: Layouts, found: Found): number {
  let added = 0;
  for (const { series, histogram } of layouts.ending(ended)) {
    const run = runOf(series, found);
    if (time <= run.lastTime) continue;
    run.marks.push(run.times.length);
    run.times.push(time);
    run.starts.push(0);
    run.values.push(0);
    run.lastTime = time;
    if (histogram !== undefined) run.histograms.push(emptyHistogram(histogram));
    added++;
  }
  return added;
}

/** Receivers end the sum and the buckets that a mark names, so it has the shape of the points before it. */
function emptyHistogram({ bounds, buckets }: NonNullable<Column["histogram"]>): HistogramValue {
  return { bounds, counts: buckets.map(() => 0), sum: 0, count: 0 };
}

/** By series, as evenly as their number allows; undefined for a single one. */
export function halvesOf(
  families: Gathered["families"],
): readonly [readonly Family[], readonly Family[]] | undefined {
  const total = families.reduce((sum, { runs }) => sum + runs.length, 0);
  if (total < 2) return undefined;
  const first: Family[] = [];
  const second: Family[] = [];
  let room = Math.ceil(total / 2);
  for (const { metric, runs } of families) {
    if (room > 0) first.push({ metric, runs: runs.slice(0, room) });
    if (runs.length > room) second.push({ metric, runs: runs.slice(room) });
    room = Math.max(0, room - runs.length);
  }
  return [first, second];
}

/** Of some of a batch's families, as `Gathered` counts all of it. */
export function countOf(families: readonly Family[]): { readonly samples: number; readonly marks: number } {
  let samples = 0;
  let marks = 0;
  for (const { runs } of families)
    for (const run of runs) {
      marks += run.marks.length;
      run.times.forEach((_, at) => {
        if (!run.marks.includes(at)) samples += 1 + partsIn(run.histograms[at]);
      });
    }
  return { samples, marks };
}

/** Series of a histogram besides its count. */
function partsIn(histogram: HistogramValue | undefined): number {
  return histogram === undefined ? 0 : histogram.counts.length + 1;
}
