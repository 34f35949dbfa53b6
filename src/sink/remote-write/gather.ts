/**
 * Regroups a batch from one row per snapshot to one run per series, with the labels that it has on the wire:
 *
 *     snapshot 1:  a b c              a: 1 2 3
 *     snapshot 2:  a b c      ──►     b: 1 2 †        † end mark
 *     snapshot 3:  a   c   b†         c: 1 2 3
 *
 * Snapshots of one set have their rows in common, and values stay where they are: nothing is copied for most series.
 */
import type { Snapshot } from "../../meter/snapshot.ts";
import type { Metric } from "../../metric/metric.ts";
import { seriesKey, type LabelPair, type Series, type SeriesSet } from "../../metric/series.ts";
import type { Relabel } from "../relabel/apply.ts";
import { createSeriesCache } from "../series-cache.ts";
import { createDrops, identifiedLabels, type Batch, type Drops, type Identity } from "../sink.ts";

/** A series with its labels after identity and relabelling. */
export interface WireSeries {
  readonly metric: Metric;
  /** Identity before relabelling: two series may end up with the same labels, which only one may use. */
  readonly origin: string;
  /** Identity on the wire. */
  readonly key: string;
  /** Sorted by the bytes of their names, `__name__` included, none empty. */
  readonly labels: readonly LabelPair[];
}

/** All that one series has in the batch, in the order of time. */
export interface Run {
  readonly series: WireSeries;
  /** Index of each sample's snapshot in `Gathered.snapshots`. */
  readonly rows: readonly number[];
  /** By position in the run; of no meaning where the sample is an end mark. */
  valueAt(at: number): number;
  /** Of all samples in their snapshots, where it is one and the run has neither end marks nor starts of its own. */
  readonly column?: number;
  /** By position: when the series itself began to count, milliseconds since the Unix epoch; absent where none says so. */
  readonly startAt?: (at: number) => number | undefined;
  /** Positions of end marks in the run. Symbolic, since a NaN's bits do not survive in JavaScript's arrays. */
  readonly marks: readonly number[];
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
  const drops = createDrops<DropReason>();
  for (const snapshot of batch.snapshots)
    if (!hasTime(snapshot)) drops.add("invalid", snapshot.values.length);

  const drafts = new Map<string, Draft>();
  for (const stretch of stretchesOf(snapshots)) claim(stretch, index.columns(stretch.set), drafts, drops);
  snapshots.forEach(({ ended }, row) => markEnds(row, ended, index, drafts));
  const runs = [...drafts.values()].map(
    (draft) => simpleRun(draft, snapshots) ?? mergedRun(draft, snapshots, drops),
  );
  return { snapshots, runs: runs.filter(({ rows }) => rows.length > 0), dropped: drops.counts() };
}

/** On the wire a time is a whole number of milliseconds; before 1970 there were no Macs. */
function hasTime({ time }: Snapshot): boolean {
  return Number.isSafeInteger(time) && time >= 0;
}

/** The snapshots of one set. */
interface Stretch {
  readonly set: Snapshot["set"];
  readonly rows: number[];
  /** Each later than the one before. */
  ordered: boolean;
  lastTime: number;
}

function stretchesOf(snapshots: readonly Snapshot[]): Iterable<Stretch> {
  const stretches = new Map<string, Stretch>();
  snapshots.forEach(({ set, time }, row) => {
    const stretch = stretches.get(set.key) ?? { set, rows: [], ordered: true, lastTime: -1 };
    stretches.set(set.key, stretch);
    stretch.ordered &&= time > stretch.lastTime;
    stretch.lastTime = time;
    stretch.rows.push(row);
  });
  return stretches.values();
}

interface Place {
  readonly stretch: Stretch;
  readonly column: number;
}

/** Where the samples of a series are, before they are put in order. There are as many as series, so they are kept small. */
interface Draft extends Partial<Place> {
  readonly series: WireSeries;
  /** Where it is once more. */
  others?: Place[];
  /** Rows of its end marks. */
  ends?: number[];
}

/** The first series of the batch with a label set keeps it; another one with the same labels is a duplicate. */
function claim(
  stretch: Stretch,
  columns: readonly (WireSeries | undefined)[],
  drafts: Map<string, Draft>,
  drops: Drops<DropReason>,
): void {
  columns.forEach((series, column) => {
    const draft = series && drafts.get(series.key);
    if (series === undefined) drops.add("relabel", stretch.rows.length);
    else if (draft === undefined) drafts.set(series.key, { series, stretch, column });
    else if (draft.series.origin !== series.origin) drops.add("duplicate", stretch.rows.length);
    else (draft.others ??= []).push({ stretch, column });
  });
}

function markEnds(
  row: number,
  ended: readonly Series[],
  index: SeriesIndex,
  drafts: Map<string, Draft>,
): void {
  for (const one of ended) {
    const series = index.find(one);
    if (series === undefined) continue;
    const draft = drafts.get(series.key) ?? { series };
    drafts.set(series.key, draft);
    if (draft.series.origin === series.origin) (draft.ends ??= []).push(row);
  }
}

/** For a series that is in one set and does not end. */
function simpleRun(
  { series, stretch, column, others, ends }: Draft,
  snapshots: readonly Snapshot[],
): Run | undefined {
  const isSimple = others === undefined && ends === undefined && stretch?.ordered === true;
  if (!isSimple || column === undefined) return undefined;
  const startMs = stretch.set.series[column]?.startMs;
  const run = new SimpleRun(series, stretch.rows, snapshots, column);
  if (startMs === undefined) return run;
  return { series, rows: run.rows, marks: noMarks, valueAt: (at) => run.valueAt(at), startAt: () => startMs };
}

const noMarks: readonly number[] = [];

/** An object for each series of each batch: without closures it is a third as large. */
class SimpleRun implements Run {
  readonly series: WireSeries;
  readonly rows: readonly number[];
  readonly marks = noMarks;
  readonly column: number;
  readonly #snapshots: readonly Snapshot[];

  constructor(series: WireSeries, rows: readonly number[], snapshots: readonly Snapshot[], column: number) {
    this.series = series;
    this.rows = rows;
    this.column = column;
    this.#snapshots = snapshots;
  }

  valueAt(at: number): number {
    return this.#snapshots[this.rows[at] ?? -1]?.values[this.column] ?? NaN;
  }
}

/**
 * For any series: samples before an end mark of the same row, and none whose time is not after that of the one before. A
 * sample that is left out so is counted; an end mark is no sample.
 */
function mergedRun(
  { series, stretch, column: first = -1, others = [], ends = [] }: Draft,
  snapshots: readonly Snapshot[],
  drops: Drops<DropReason>,
): Run {
  const columns = stretch === undefined ? others : [{ stretch, column: first }, ...others];
  const points = [
    ...columns.flatMap(({ stretch, column }) => stretch.rows.map((row) => ({ row, column }))),
    ...ends.map((row) => ({ row, column: -1 })),
  ].sort((a, b) => a.row - b.row || b.column - a.column);
  let last = -1;
  const kept = points.filter(({ row, column }) => {
    const time = snapshots[row]?.time ?? -1;
    if (time > last) {
      last = time;
      return true;
    }
    if (column >= 0) drops.add("clock_backwards", 1);
    return false;
  });
  return {
    series,
    rows: kept.map(({ row }) => row),
    valueAt: (at) => snapshots[kept[at]?.row ?? -1]?.values[kept[at]?.column ?? -1] ?? NaN,
    ...(columns.some((one) => startIn(one) !== undefined) && {
      startAt: (at) => snapshots[kept[at]?.row ?? -1]?.set.series[kept[at]?.column ?? -1]?.startMs,
    }),
    marks: kept.flatMap(({ column }, at) => (column < 0 ? [at] : [])),
  };
}

function startIn({ stretch, column }: Place): number | undefined {
  return stretch.set.series[column]?.startMs;
}

/** Where series of snapshots find their labels on the wire. */
export interface SeriesIndex {
  /** One entry for each series of the set; undefined where relabelling dropped it. */
  columns(set: SeriesSet): readonly (WireSeries | undefined)[];
  find(series: Series): WireSeries | undefined;
}

/** Labels are worked out once per series, however many samples it has, and looked up once per set. */
export function createSeriesIndex(identity: Identity, relabel: Relabel): SeriesIndex {
  const cache = createSeriesCache<WireSeries | undefined, readonly (WireSeries | undefined)[]>();
  const find = (series: Series): WireSeries | undefined => {
    const origin = seriesKey(series);
    // A target may declare another type from one scrape to the next: it is the same series all the same.
    return cache.ofSeries(`${series.metric.type} ${origin}`, () => toWire(series, origin, identity, relabel));
  };
  return { find, columns: (set) => cache.ofSet(set, () => set.series.map(find)) };
}

function toWire(
  series: Series,
  origin: string,
  identity: Identity,
  relabel: Relabel,
): WireSeries | undefined {
  const relabelled = relabel(identifiedLabels(series, identity));
  if (relabelled === undefined) return undefined;
  const labels = [...relabelled].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return { metric: series.metric, origin, key: JSON.stringify(labels), labels };
}
