/**
 * Owns the regrouping of a batch, from one row per snapshot to one run per series:
 *
 *     snapshot 1:  a b c              a: 1 2 3
 *     snapshot 2:  a b c      ──►     b: 1 2 †        † end mark
 *     snapshot 3:  a   c   b†         c: 1 2 3
 */
import type { Snapshot } from "../../meter/snapshot.ts";
import { createDrops } from "../drops.ts";
import type { Batch } from "../sink.ts";
import type { SeriesIndex, WireSeries } from "./wire-series.ts";

/** All that one series has in the batch, in the order of time. */
export interface Run {
  readonly series: WireSeries;
  /** Index of each sample's snapshot in `Gathered.snapshots`. */
  readonly rows: number[];
  /** The value of each sample; of no meaning where the sample is an end mark. */
  readonly values: number[];
  /** Positions of end marks in the run. Symbolic, since a NaN's bits do not survive in JavaScript's arrays (WIRE.md 1). */
  readonly marks: number[];
  lastTime: number;
}

export interface Gathered {
  /** Those of the batch that have a usable time. */
  readonly snapshots: readonly Snapshot[];
  /** In the order in which the batch first names them. */
  readonly runs: readonly Run[];
  readonly dropped: Readonly<Record<string, number>>;
}

type DropReason = "relabel" | "duplicate" | "clock_backwards" | "invalid";

export function gather(batch: Batch, index: SeriesIndex): Gathered {
  const snapshots = batch.snapshots.filter(hasTime);
  const runs = new Map<string, Run>();
  const plans = new Map<string, Plan>();
  const drops = createDrops<DropReason>();

  for (const snapshot of batch.snapshots)
    if (!hasTime(snapshot)) drops.add("invalid", snapshot.values.length);
  snapshots.forEach((snapshot, row) => {
    const plan = plans.get(snapshot.set.key) ?? createPlan(index.columns(snapshot.set), runs);
    plans.set(snapshot.set.key, plan);
    const added = addRow(plan, snapshot, row);
    drops.add("clock_backwards", plan.runs.length - added);
    drops.add("relabel", plan.relabelled);
    drops.add("duplicate", plan.duplicates);
    addMarks(snapshot, row, index, runs);
  });
  const filled = [...runs.values()].filter(({ rows }) => rows.length > 0);
  return { snapshots, runs: filled, dropped: drops.counts() };
}

/** On the wire a time is a whole number of milliseconds; before 1970 there were no Macs. */
function hasTime({ time }: Snapshot): boolean {
  return Number.isSafeInteger(time) && time >= 0;
}

/** Where each column of a set goes. */
interface Plan {
  readonly columns: readonly number[];
  /** One for each of `columns`. */
  readonly runs: readonly Run[];
  readonly relabelled: number;
  readonly duplicates: number;
}

/** The first series of the batch that comes to a label set owns it; another one with the same labels is a duplicate. */
function createPlan(columns: readonly (WireSeries | undefined)[], runs: Map<string, Run>): Plan {
  const kept: number[] = [];
  const targets: Run[] = [];
  let relabelled = 0;
  columns.forEach((series, column) => {
    if (series === undefined) {
      relabelled++;
      return;
    }
    const run = runOf(series, runs);
    if (run.series.origin !== series.origin) return;
    kept.push(column);
    targets.push(run);
  });
  const duplicates = columns.length - kept.length - relabelled;
  return { columns: kept, runs: targets, relabelled, duplicates };
}

function runOf(series: WireSeries, runs: Map<string, Run>): Run {
  const known = runs.get(series.key);
  if (known !== undefined) return known;
  const run: Run = { series, rows: [], values: [], marks: [], lastTime: -1 };
  runs.set(series.key, run);
  return run;
}

/** Adds a snapshot's values; those of a series that is already past this time are left out. Returns how many it took. */
function addRow({ columns, runs }: Plan, { time, values }: Snapshot, row: number): number {
  let added = 0;
  for (let at = 0; at < columns.length; at++) {
    const run = runs[at];
    const value = values[columns[at] ?? -1];
    if (run === undefined || value === undefined || time <= run.lastTime) continue;
    run.rows.push(row);
    run.values.push(value);
    run.lastTime = time;
    added++;
  }
  return added;
}

/** Adds the end marks a snapshot owes, never over a sample of the same or a later time. */
function addMarks({ time, ended }: Snapshot, row: number, index: SeriesIndex, runs: Map<string, Run>): void {
  for (const one of ended) {
    const series = index.find(one);
    if (series === undefined) continue;
    const run = runOf(series, runs);
    if (run.series.origin !== series.origin || time <= run.lastTime) continue;
    run.marks.push(run.rows.length);
    run.rows.push(row);
    run.values.push(0);
    run.lastTime = time;
  }
}
