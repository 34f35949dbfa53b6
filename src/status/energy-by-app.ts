/**
 * The energy of each app in the last hour and the last day, estimated: what the counters of its tasks grew by.
 *
 *     a day ago ── journal, thinly ── the last 80 min, all ──► somebody asks ── what is published ──► now
 *     ▓▓▒▒▓▓ buckets of five minutes; of the oldest in an hour or a day its part counts
 *
 * The journal is read when somebody asks. When nobody has for ten minutes everything is forgotten until somebody does again.
 */
import type { HistoryQuery, Journal } from "../journal/types.ts";
import { isOwn, stalenessLimit, type Snapshot } from "../meter/snapshot.ts";
import type { Clock } from "../runtime/clock.ts";
import { defined } from "../runtime/defined.ts";
import type { AppLoad, AppReading, EnergyByApp } from "./status.ts";

interface Counted {
  published(snapshot: Snapshot): void;
  read(): EnergyByApp;
}

const metric = "powermetrics_task_energy_joules_total";
/** What is published has it, what is read from the journal has not. */
const cpuMetric = "powermetrics_task_cpu_seconds_total";
/** What the collector of tasks calls all that has no series of its own. */
const otherApps = "_other";

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const bucketMs = 5 * minuteMs;
const patienceMs = 10 * minuteMs;
/** Every sample of the last hour is read. Before it the journal has rows readily that are a quarter of an hour apart at most. */
const finelyMs = hourMs + 20 * minuteMs;
const thinPoints = 96;
/** Bounds for names that come and go, and for a clock that is stepped. */
const mostNames = 200;
const mostBuckets = dayMs / bucketMs + 2;
/** With a name of their own in the result. */
const mostApps = 10;

/** @param journal without one the energy is what was published since the start */
export function createEnergyByApp(clock: Clock, journal?: Pick<Journal, "history">): Counted {
  let count = createCount();
  let isKnown = journal === undefined;
  let askedMs = -Infinity;

  function readJournal({ history }: Pick<Journal, "history">, nowMs: number): void {
    // Once, even where the disk fails half-way: what was counted may not be counted again.
    isKnown = true;
    const series = (name: string): boolean => name === metric;
    const between = (fromMs: number, toMs: number, thin: Partial<HistoryQuery> = {}): void => {
      for (const snapshot of history({ series, source: isOwn, fromMs, toMs, ...thin })) count.add(snapshot);
    };
    between(nowMs - dayMs, nowMs - finelyMs - 1, { maxPoints: thinPoints });
    between(nowMs - finelyMs, nowMs);
  }

  return {
    published(snapshot) {
      if (!isKnown) return;
      if (journal === undefined || clock.now() - askedMs <= patienceMs) count.add(snapshot);
      else {
        count = createCount();
        isKnown = false;
      }
    },
    read() {
      askedMs = clock.now();
      if (journal !== undefined && !isKnown) readJournal(journal, askedMs);
      return count.read(askedMs);
    },
  };
}

type Joules = Map<string, number>;

interface Counters {
  readonly time: number;
  readonly startMs: number | undefined;
  readonly joules: Joules;
  readonly cpuSeconds: ReadonlyMap<string, number>;
}

/** What each name's counter grew by, by the time it was seen. */
function createCount() {
  const buckets = new Map<number, Joules>();
  let last: Counters | undefined;
  let window:
    { readonly endMs: number; readonly lengthMs: number; readonly loads: readonly AppLoad[] } | undefined;
  let since = Infinity;

  function bucketAt(time: number): Joules {
    const start = Math.floor(time / bucketMs) * bucketMs;
    const known = buckets.get(start) ?? new Map<string, number>();
    buckets.set(start, known);
    const [oldest] = buckets.keys();
    if (buckets.size > mostBuckets && oldest !== undefined) buckets.delete(oldest);
    return known;
  }

  return {
    add(snapshot: Snapshot): void {
      const counters = countersOf(snapshot);
      const { time, joules, startMs } = counters;
      if (joules.size === 0) return;
      since = Math.min(since, time);
      if (last !== undefined) {
        const bucket = bucketAt(time);
        const before = last.startMs === startMs ? last.joules : undefined;
        for (const [name, total] of joules) grow(bucket, name, growth(before?.get(name), total));
        const lengthMs = time - last.time;
        window =
          before === undefined || lengthMs <= 0
            ? undefined
            : { endMs: time, lengthMs, loads: loadsBetween(last, counters) };
      }
      last = counters;
    },
    read(nowMs: number): EnergyByApp {
      const [hour, day] = [hourMs, dayMs].map((lengthMs) => ranked(sumSince(buckets, nowMs - lengthMs)));
      const isCurrent = window !== undefined && nowMs - window.endMs <= stalenessLimit(window.lengthMs);
      return defined({
        since: Math.max(Math.min(since, nowMs), nowMs - dayMs),
        hour: hour ?? [],
        day: day ?? [],
        now: isCurrent ? window?.loads : undefined,
      });
    },
  };
}

function countersOf({ time, starts, set, values }: Snapshot): Counters {
  const joules: Joules = new Map();
  const cpuSeconds = new Map<string, number>();
  for (const [index, { name, labels }] of set.series.entries()) {
    const totals = name === metric ? joules : name === cpuMetric ? cpuSeconds : undefined;
    const value = values[index];
    if (totals !== undefined && value !== undefined && !Number.isNaN(value))
      totals.set(labels[0]?.[1] ?? "", value);
  }
  return { time, startMs: starts.agent, joules, cpuSeconds };
}

/** What each app draws and computes in the window between two samples of one life of the agent. */
function loadsBetween(last: Counters, { time, joules, cpuSeconds }: Counters): readonly AppLoad[] {
  const seconds = (time - last.time) / 1000;
  const grown = new Map([...joules].map(([name, total]) => [name, growth(last.joules.get(name), total)]));
  return ranked(grown).map(({ name, joules: used }) => {
    const [before, after] = [last.cpuSeconds.get(name), cpuSeconds.get(name)];
    return defined({
      name,
      watts: used / seconds,
      cpuPercent:
        last.cpuSeconds.size === 0 || after === undefined
          ? undefined
          : (100 * growth(before, after)) / seconds,
    });
  });
}

/** A counter starts at 0 with the agent, and whenever its name is given a series again. */
function growth(before: number | undefined, total: number): number {
  return before === undefined || total < before ? total : total - before;
}

function grow(joules: Joules, name: string, by: number): void {
  const key = joules.has(name) || joules.size < mostNames ? name : otherApps;
  joules.set(key, (joules.get(key) ?? 0) + by);
}

function sumSince(buckets: ReadonlyMap<number, Joules>, fromMs: number): Joules {
  const sums: Joules = new Map();
  for (const [start, joules] of buckets) {
    const part = Math.min(1, (start + bucketMs - fromMs) / bucketMs);
    if (part > 0) for (const [name, value] of joules) grow(sums, name, part * value);
  }
  return sums;
}

/** The most first, and at the end what has no place among them. */
function ranked(joules: Joules): readonly AppReading[] {
  const { named = [], other = [] } = Object.groupBy(
    [...joules].flatMap(([name, value]): AppReading[] => (value > 0 ? [{ name, joules: value }] : [])),
    ({ name }) => (name === otherApps ? "other" : "named"),
  );
  named.sort((a, b) => b.joules - a.joules);
  const rest = [...named.slice(mostApps), ...other];
  if (rest.length === 0) return named;
  return [
    ...named.slice(0, mostApps),
    { name: otherApps, joules: rest.reduce((sum, each) => sum + each.joules, 0) },
  ];
}
