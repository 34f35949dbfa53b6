/** Regroups a batch from one row per snapshot to one metric with the points of all its series. */
import type { Metric } from "../../metric/metric.ts";
import type { Snapshot } from "../../meter/snapshot.ts";
import { createDrops, type Batch } from "../sink.ts";
import type { Column, HistogramColumns, Layout, Layouts, PointSeries, Target } from "./layout.ts";

/** A histogram, or a summary: its quantiles stand for bounds, and their values for counts. */
export interface HistogramValue {
  readonly bounds: readonly number[];
  /** Of each bucket alone, unlike Prometheus' cumulative ones. */
  readonly counts: readonly number[];
  readonly sum: number;
  readonly count: number;
}

/** Numbers of a point in `Run.points`: time and start in milliseconds since the Unix epoch, and value. */
export const stride = 3;

/** All points of one series in the batch, in the order of time. A point costs no object: its numbers are in an array that runs share. */
export class Run {
  readonly series: PointSeries;
  /**
   * From `first` on. The start says since when a cumulative point counts; it is 0 for a gauge and where nobody reported it. The value is a
   * histogram's or summary's count; of no meaning where the point is an end mark.
   */
  points = nothing;
  first = 0;
  /** Points that there are, and how many of them have a start. */
  length = 0;
  started = 0;
  /** Points that there may be. */
  room = 0;
  /** One for each point of a histogram or summary; absent for a number. */
  histograms: HistogramValue[] | undefined = undefined;
  /** Positions of end marks; absent where there are none. */
  marks: number[] | undefined = undefined;

  constructor(series: PointSeries) {
    this.series = series;
  }

  timeAt(at: number): number {
    return this.points[this.first + stride * at] ?? NaN;
  }

  startAt(at: number): number {
    return this.points[this.first + stride * at + 1] ?? 0;
  }

  valueAt(at: number): number {
    return this.points[this.first + stride * at + 2] ?? NaN;
  }

  isMark(at: number): boolean {
    return this.marks?.includes(at) === true;
  }

  /** Whether a point of this time may follow. */
  precedes(time: number): boolean {
    return this.length === 0 || this.timeAt(this.length - 1) < time;
  }

  add(time: number, start: number, value: number, histogram?: HistogramValue): void {
    const { points } = this;
    const at = this.first + stride * this.length++;
    points[at] = time;
    points[at + 1] = start;
    points[at + 2] = value;
    if (start > 0) this.started++;
    if (histogram !== undefined) (this.histograms ??= []).push(histogram);
  }

  addMark(time: number, histogram?: HistogramValue): void {
    (this.marks ??= []).push(this.length);
    this.add(time, 0, 0, histogram);
  }
}

const nothing = new Float64Array();

/** Gives runs the memory that they have room for. */
export function allot(runs: readonly Run[]): void {
  let numbers = 0;
  for (const run of runs) {
    run.first = numbers;
    numbers += stride * run.room;
  }
  const points = new Float64Array(numbers);
  for (const run of runs) run.points = points;
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

/** First finds out how many points each series may have, then fills them in. */
export function gather(batch: Batch, layouts: Layouts): Gathered {
  const drops = createDrops<DropReason>();
  const found: Found = { families: new Map(), runs: [] };
  const plans = new Map<string, Plan>();
  const steps: Step[] = [];
  for (const snapshot of batch.snapshots) {
    if (!hasTime(snapshot)) {
      drops.add("invalid", snapshot.values.length);
      continue;
    }
    const { set, ended } = snapshot;
    let plan = plans.get(set.key);
    if (plan === undefined) plans.set(set.key, (plan = createPlan(layouts.of(set), found)));
    plan.rows++;
    const ends = ended.length === 0 ? undefined : createPlan(layouts.ending(ended), found);
    steps.push({ snapshot, plan, ends });
  }
  for (const plan of plans.values()) makeRoom(plan.runs, plan.rows);
  for (const { ends } of steps) if (ends !== undefined) makeRoom(ends.runs, 1);
  allot(found.runs);
  for (const { snapshot, plan, ends } of steps) {
    const { unusable } = plan.layout;
    const added = addRow(plan, snapshot);
    drops.add("invalid", unusable);
    drops.add("clock_backwards", snapshot.values.length - unusable - added);
    if (ends !== undefined) addMarks(ends, snapshot);
  }
  return { families: [...found.families.values()], dropped: drops.counts() };
}

/** OTLP's times are nanoseconds in 64 bits; before 1970 there were no Macs. */
function hasTime({ time }: Snapshot): boolean {
  return Number.isSafeInteger(time) && time > 0 && time <= latestTime;
}

/** The last millisecond whose nanoseconds fit into 64 bits without a sign, as receivers keep them. */
const latestTime = Math.floor(2 ** 63 / 1e6) - 1;

interface Step {
  readonly snapshot: Snapshot;
  readonly plan: Plan;
  readonly ends: Plan | undefined;
}

/** Where the points of rows go. */
interface Plan {
  readonly layout: Layout;
  /** One for each of the layout's columns. */
  readonly runs: readonly Run[];
  rows: number;
}

interface Found {
  readonly families: Map<string, FoundFamily>;
  readonly runs: Run[];
}

interface FoundFamily extends Family {
  readonly runs: Run[];
  /** By series, once a second set has the family too. */
  known?: Map<string, Run>;
}

function createPlan(layout: Layout, { families, runs: all }: Found): Plan {
  const runs: Run[] = [];
  let key: string | undefined;
  let family: FoundFamily | undefined;
  let isNew = false;
  for (const { series } of layout.columns) {
    if (series.family !== key) {
      key = series.family;
      family = families.get(key);
      isNew = family === undefined;
      if (family === undefined) families.set(key, (family = createFamily(series)));
    }
    if (family === undefined) continue;
    // A layout has a series once.
    let run = isNew ? undefined : knownRuns(family).get(series.key);
    if (run === undefined) {
      run = new Run(series);
      all.push(run);
      family.runs.push(run);
      family.known?.set(series.key, run);
    }
    runs.push(run);
  }
  return { layout, runs, rows: 0 };
}

function createFamily({ metric, target }: PointSeries): FoundFamily {
  return target === undefined ? { metric, runs: [] } : { metric, target, runs: [] };
}

function knownRuns(family: FoundFamily): Map<string, Run> {
  family.known ??= new Map(family.runs.map((run) => [run.series.key, run]));
  return family.known;
}

/** A new run never stays empty: every point may follow none. */
function makeRoom(runs: readonly Run[], points: number): void {
  for (const run of runs) run.room += points;
}

/** Adds a snapshot's points; those of a series that is already past this time are left out. Returns the samples it took. */
function addRow(
  { layout: { columns }, runs }: Plan,
  { time, values, starts: { boot, agent } }: Snapshot,
): number {
  const starts = [0, usableStart(boot, time), usableStart(agent, time)];
  let added = 0;
  for (let at = 0; at < columns.length; at++) {
    const column = columns[at];
    const run = runs[at];
    if (column === undefined || run?.precedes(time) !== true) continue;
    const { startMs, histogram } = column;
    const start = startMs === undefined ? starts[column.since] : usableStart(startMs, time);
    const whole = histogram === undefined ? undefined : histogramValue(column, values);
    run.add(time, start ?? 0, values[column.at] ?? NaN, whole);
    added += column.samples;
  }
  return added;
}

/** A start after the sample, or none, is left out, which OTLP reads as unknown. */
function usableStart(given = 0, time: number): number {
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

/** OTLP counts in whole numbers from 0, of 64 bits: a receiver refuses the whole request for a count beyond them. */
function whole(count: number): number {
  return count > 0 && Number.isFinite(count) ? Math.min(Math.round(count), Number.MAX_SAFE_INTEGER) : 0;
}

/** Adds the end marks of a snapshot, never over a point of the same or a later time. */
function addMarks({ layout: { columns }, runs }: Plan, { time }: Snapshot): void {
  for (const [at, { histogram }] of columns.entries()) {
    const run = runs[at];
    if (run?.precedes(time) === true) run.addMark(time, histogram && emptyHistogram(histogram));
  }
}

/** Receivers end the sum and the buckets that a mark names, so it has the shape of the points before it. */
function emptyHistogram({ bounds, buckets }: HistogramColumns): HistogramValue {
  return { bounds, counts: buckets.map(() => 0), sum: 0, count: 0 };
}
