/** A series: a metric with label values, and the interned sets of series that snapshots share. */
import { createHash } from "node:crypto";
import { createBoundedMap } from "../runtime/bounded-map.ts";
import type { Metric } from "./metric.ts";

export type LabelPair = readonly [name: string, value: string];

/**
 * One time series. A histogram contributes several: `_bucket` (with an `le` label), `_sum` and `_count`. Our own stay together in this
 * order; a scraped one's, and those of a summary, come as the target writes them.
 */
export interface Series {
  readonly metric: Metric;
  /** The metric's name, or for a part of a histogram the name with its suffix. */
  readonly name: string;
  /** Sorted by label name in byte order, without `__name__`; no label has an empty value. */
  readonly labels: readonly LabelPair[];
  /** When it began to count, milliseconds since the Unix epoch, where a scraped target says so of this very series. */
  readonly startMs?: number;
}

/**
 * An ordered list of series that many snapshots share; families are contiguous.
 * Equal content means equal `key`, across restarts too, so the journal stores a set once and sinks cache by it.
 */
export interface SeriesSet {
  readonly key: string;
  readonly series: readonly Series[];
}

/** Builds a set; the key is a hash of every series' type, name, labels and start, and of what a target says of its metrics. */
export function seriesSet(series: readonly Series[]): SeriesSet {
  const hash = createHash("sha256");
  let before: Metric | undefined;
  for (const one of series) {
    const { metric, startMs } = one;
    if (metric.scraped === true && metric !== before) hash.update(`${metric.unit ?? ""} ${metric.help}\n`);
    before = metric;
    hash.update(`${metric.type} ${seriesKey(one)}${startMs === undefined ? "" : ` ${startMs}`}\n`);
  }
  return { key: hash.digest("base64url").slice(0, 22), series };
}

/** The set of nothing: what a source that has ended still reports. */
export const emptySet: SeriesSet = seriesSet([]);

/**
 * A series' identity as Prometheus would write it: `name{a="b",c="d"}`, values escaped. A name that is not classic stands in quotes, and
 * that of the metric inside the braces.
 */
export function seriesKey({ name, labels }: Pick<Series, "name" | "labels">): string {
  const pairs = labels.map(
    ([label, value]) => `${isLabelName(label) ? label : quoted(label)}="${escapeLabelValue(value)}"`,
  );
  if (!isMetricName(name)) return `{${[quoted(name), ...pairs].join(",")}}`;
  return pairs.length === 0 ? name : `${name}{${pairs.join(",")}}`;
}

/** As the formats write a name that is not classic. */
export function quoted(name: string): string {
  return `"${escapeLabelValue(name)}"`;
}

/** Backslash, quote and line feed escaped, as the text exposition format 0.0.4 asks. */
export function escapeLabelValue(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")
    : value;
}

/** Sorted label pairs from a record; empty values are left out, since an empty label is no label. */
export function labelPairs(labels: Readonly<Record<string, string>>): readonly LabelPair[] {
  return Object.entries(labels)
    .filter(([, value]) => value !== "")
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The series of `before` that `now` no longer has, by identity. */
export function endedSeries(before: SeriesSet, now: SeriesSet): readonly Series[] {
  if (before.key === now.key) return [];
  const alive = new Set(now.series.map(seriesKey));
  return before.series.filter((series) => !alive.has(seriesKey(series)));
}

/** Sets that alternate (a core that parks, a thermal state that comes and goes) keep their identity up to this many. */
const mostSets = 64;
/** In all of them together, since a scraped target may have new series each time, thousands of them. */
const mostInSets = 10_000;

/** Interns sets: while a source reports the same series, every snapshot of it shares one object. */
export function createSeriesSets(): (series: readonly Series[]) => SeriesSet {
  const byKey = createBoundedMap<string, SeriesSet>(mostInSets, ({ series }) =>
    Math.max(series.length, mostInSets / mostSets),
  );
  let last: SeriesSet | undefined;
  return (series) => {
    if (last !== undefined && isSame(last.series, series)) return last;
    const fresh = seriesSet(series);
    last = byKey.getOrMake(fresh.key, () => fresh);
    return last;
  };
}

function isSame(a: readonly Series[], b: readonly Series[]): boolean {
  return a.length === b.length && a.every((series, index) => series === b[index]);
}

/** In the classic character sets, which every receiver takes. Prometheus 3 allows any UTF-8, others refuse the whole request for it. */
export function isLabelName(text: string): boolean {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(text);
}

export function isMetricName(text: string): boolean {
  return /^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(text);
}
