/**
 * One target's scrapes as snapshots: what it reports, or that it can't be read, and the five series about the scrape itself.
 *
 *     fetch.ts ─► exposition.ts ─► labels.ts ─► Snapshot     samples with timestamps of their own ─► lanes
 */
import { scrapedSource, stampedSource, type Snapshot } from "../meter/snapshot.ts";
import { scrapedMetric } from "../metric/metric.ts";
import { createSeriesSets, seriesKey, seriesSet, type Series, type SeriesSet } from "../metric/series.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Relabel } from "../sink/relabel/apply.ts";
import { createExpositionReader, type Exposition, type ExpositionError } from "./exposition.ts";
import type { Fetched, FetchReason } from "./fetch.ts";
import { createLabeller, defaultSampleLimit, type Labelled, type LimitReason } from "./labels.ts";
import type { ScrapeConfig } from "./schema.ts";
import type { Target } from "./targets.ts";

export type ScrapeReason = FetchReason | ExpositionError["reason"] | LimitReason;

/** Why a scrape failed; `message` is one line, safe to print. */
export interface ScrapeFailure {
  readonly reason: ScrapeReason;
  readonly message: string;
}

export interface Scraped {
  readonly snapshots: readonly Snapshot[];
  readonly durationMs: number;
  /** Of the target's own series those that are kept. */
  readonly series: number;
  /** Samples of a series that was there already. */
  readonly duplicates: number;
  /** Samples whose own timestamps came too late to be kept. */
  readonly late: number;
  readonly failure?: ScrapeFailure;
}

export interface ScrapeDeps {
  readonly clock: Clock;
  readonly ask: (signal: AbortSignal) => Promise<Fetched>;
  readonly relabel: Relabel;
  /** When a source was reported last; by default nothing was. */
  readonly lastTimeOf?: (source: string) => number | undefined;
}

/** Scrapes one target whenever it is called; the time of the samples is that of the call. */
export function createScrape(
  target: Target,
  config: ScrapeConfig,
  deps: ScrapeDeps,
): (signal: AbortSignal) => Promise<Scraped> {
  const { clock, ask } = deps;
  // What metric_relabel_configs drops counts not for sample_limit, so that the reader's own limit lies higher.
  const spare = config.metric_relabel_configs.length === 0 ? 1 : 4;
  const maxSeries = Math.max(config.sample_limit, spare * defaultSampleLimit);
  const reader = createExpositionReader({ maxSeries });
  const labelled = createLabeller(target, config, deps.relabel);
  const lanes = createStampedLanes(target.name, deps.lastTimeOf ?? (() => undefined));
  const snapshots = createSnapshots(target, config, lanes);

  return async (signal) => {
    const time = clock.now();
    const asked = await ask(signal);
    const durationMs = (): number => Math.max(0, clock.now() - time);
    if (!asked.ok) return snapshots.failed(asked, { time, durationMs: durationMs(), scraped: 0, kept: 0 });
    const read = reader.read(asked.body, asked.format);
    if (!read.ok)
      return snapshots.failed(read.error, { time, durationMs: durationMs(), scraped: 0, kept: 0 });
    const now = labelled(read.value);
    const [scraped, kept] = [read.value.series.length, now.series.length];
    const facts = { time, durationMs: durationMs(), scraped, kept };
    return now.fault === undefined
      ? snapshots.of(read.value, now, facts)
      : snapshots.failed(now.fault, facts);
  };
}

/** Of one scrape: its time, how long it took, and samples before and after relabelling. */
interface Facts {
  readonly time: number;
  readonly durationMs: number;
  readonly scraped: number;
  readonly kept: number;
}

/** Compares each scrape with the one before. */
function createSnapshots(target: Target, { honor_timestamps: stamps }: ScrapeConfig, lanes: StampedLanes) {
  const source = scrapedSource(target.name);
  const sets = createSetBuilder(reportSeries(target));
  let before: ReadonlySet<string> = new Set();
  let beforeOf: Labelled | undefined;

  function added(now: Labelled): number {
    if (now === beforeOf) return 0;
    const fresh = [...now.keys].filter((key) => !before.has(key)).length;
    [before, beforeOf] = [now.keys, now];
    return fresh;
  }

  return {
    failed({ reason, message }: ScrapeFailure, facts: Facts): Scraped {
      [before, beforeOf] = [new Set(), undefined];
      const { time, durationMs } = facts;
      const values = Float64Array.from(reportValues({ ...facts, up: 0, added: 0 }));
      const snapshot = { source, time, starts: {}, set: sets.failed, values, ended: [] };
      const failure = { reason, message };
      return { snapshots: [snapshot], durationMs, series: 0, duplicates: 0, late: 0, failure };
    },
    of(exposition: Exposition, now: Labelled, facts: Facts): Scraped {
      const { time, durationMs, kept } = facts;
      const starts = startsOf(exposition);
      const stamped = stamps ? stampedIn(exposition, now) : undefined;
      const plain = stamped?.plain ?? now;
      const set = sets.of(plain);
      const values = rowOf(
        set,
        plain,
        exposition.values,
        reportValues({ ...facts, up: 1, added: added(now) }),
      );
      const own = { source, time, starts, set, values, ended: [] };
      const others = lanes.take(stamped?.samples ?? [], starts);
      return {
        snapshots: [...others.snapshots, own],
        durationMs,
        series: kept,
        duplicates: exposition.duplicates + now.duplicates,
        late: others.late,
      };
    },
  };
}

interface Counts extends Omit<Facts, "time"> {
  readonly up: 0 | 1;
  readonly added: number;
}

const reportMetrics = [
  ["up", "1 while the target can be scraped, 0 when the last scrape failed", ""],
  ["scrape_duration_seconds", "Duration of the scrape", "seconds"],
  ["scrape_samples_scraped", "Samples that the target exposed", ""],
  ["scrape_samples_post_metric_relabeling", "Samples that were left after metric_relabel_configs", ""],
  ["scrape_series_added", "Series that the scrape before did not have", ""],
] as const;

/** In the order of `reportMetrics`. */
function reportValues({ up, durationMs, scraped, kept, added }: Counts): readonly number[] {
  return [up, durationMs / 1000, scraped, kept, added];
}

function reportSeries({ labels }: Target): readonly Series[] {
  return reportMetrics.map(([name, help, unit]) => ({
    metric: scrapedMetric({ name, type: "gauge", help, unit }),
    name,
    labels,
  }));
}

interface SetBuilder {
  /** A target's series and those about the scrape; of a series that both have the target's counts. */
  of(labelled: Pick<Labelled, "series">): SeriesSet;
  readonly failed: SeriesSet;
}

function createSetBuilder(reports: readonly Series[]): SetBuilder {
  const intern = createSeriesSets();
  const names = new Set(reports.map(({ name }) => name));
  let last: { readonly of: readonly Series[]; readonly set: SeriesSet } | undefined;
  return {
    of({ series }) {
      if (last?.of === series) return last.set;
      const own = new Set(series.filter(({ name }) => names.has(name)).map(seriesKey));
      const set = intern([...series, ...reports.filter((one) => !own.has(seriesKey(one)))]);
      last = { of: series, set };
      return set;
    },
    failed: intern(reports),
  };
}

function rowOf(
  set: SeriesSet,
  { columns }: Pick<Labelled, "columns">,
  exposed: Float64Array,
  reported: readonly number[],
): Float64Array {
  const values = new Float64Array(set.series.length);
  columns.forEach((column, at) => {
    values[at] = exposed[column] ?? NaN;
  });
  for (let at = columns.length; at < values.length; at++) {
    const name = set.series[at]?.name;
    values[at] = reported[reportMetrics.findIndex(([each]) => each === name)] ?? NaN;
  }
  return values;
}

/** What has timestamps of its own, and the rest; undefined where nothing has. */
function stampedIn(
  { times, values }: Exposition,
  { series, columns }: Labelled,
):
  | { readonly samples: readonly StampedSample[]; readonly plain: Pick<Labelled, "series" | "columns"> }
  | undefined {
  if (times === undefined) return undefined;
  const samples: StampedSample[] = [];
  const plain: { series: Series[]; columns: number[] } = { series: [], columns: [] };
  for (const [at, one] of series.entries()) {
    const column = columns[at] ?? -1;
    const time = times[column] ?? NaN;
    if (Number.isNaN(time)) {
      plain.series.push(one);
      plain.columns.push(column);
    } else samples.push({ series: one, value: values[column] ?? NaN, time: Math.round(time) });
  }
  return { samples, plain };
}

/** The start of the target's process, from which its counters count; where it reports one. */
function startsOf({ series, values }: Exposition): Snapshot["starts"] {
  const at = series.findIndex(
    ({ name, labels }) => name === "process_start_time_seconds" && labels.length === 0,
  );
  const start = Math.round((values[at] ?? NaN) * 1000);
  return start > 0 && Number.isSafeInteger(start) ? { agent: start } : {};
}

/** One of many containers whose times differ; more lanes than this no exporter needs. */
const mostLanes = 16;

interface StampedSample {
  readonly series: Series;
  readonly value: number;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
}

interface StampedLanes {
  /** The samples as snapshots; `late` of them came before what their series had already, or found no lane. */
  take(
    samples: readonly StampedSample[],
    starts: Snapshot["starts"],
  ): { readonly snapshots: readonly Snapshot[]; readonly late: number };
}

/**
 * Samples with a timestamp of their own, as snapshots; one a target. All samples of a snapshot have one time, and a source's times only
 * rise; so samples are grouped by their times, and where times of one scrape lie before those of an earlier one, another lane takes them:
 *
 *     scrape 1:  a@100  b@ 50          lane 0:  b@50  a@100         a@200
 *     scrape 2:  a@200  b@ 90   ──►    lane 1:                b@90
 *
 * What has not changed since the last scrape has its time still, and is not taken again.
 *
 * @param target its name
 * @param lastTimeOf of a source, where an earlier process or configuration reported it: what is older would be refused
 */
function createStampedLanes(
  target: string,
  lastTimeOf: (source: string) => number | undefined,
): StampedLanes {
  const lanes: { readonly source: string; time: number }[] = [];
  /** By series; forgotten with the series. */
  const lastTimes = new WeakMap<Series, number>();

  function laneFor(time: number): { readonly source: string; time: number } | undefined {
    const free = lanes.find((lane) => lane.time < time);
    if (free !== undefined || lanes.length === mostLanes) return free;
    const source = stampedSource(target, lanes.length);
    lanes.push({ source, time: lastTimeOf(source) ?? -Infinity });
    return laneFor(time);
  }

  return {
    take(samples, starts) {
      const snapshots: Snapshot[] = [];
      let late = 0;
      const fresh = samples.filter(({ series, time }) => {
        const last = lastTimes.get(series) ?? -Infinity;
        if (time < last) late++;
        return time > last;
      });
      const byTime = [...Map.groupBy(fresh, ({ time }) => time)].sort(([a], [b]) => a - b);
      for (const [time, group] of byTime) {
        const lane = laneFor(time);
        if (lane === undefined) {
          late += group.length;
          continue;
        }
        lane.time = time;
        for (const { series } of group) lastTimes.set(series, time);
        snapshots.push({
          source: lane.source,
          time,
          starts,
          set: seriesSet(group.map(({ series }) => series)),
          values: Float64Array.from(group, ({ value }) => value),
          ended: [],
        });
      }
      return { snapshots, late };
    },
  };
}
