/**
 * Makes the points of one source's history out of its samples: a point a step, with the mean and the peak of each column. Runs in the browser too,
 * which goes on where the agent's answer ends.
 *
 *     samples      · 18.9 W ·   ·  ·  ·     counters make the mean true where samples are only some of many,
 *     steps     ├──────────────┼────────┤   or lie further apart than the step is long
 *     points       mean, peak     mean, peak
 */
import type { Snapshot } from "../meter/snapshot.ts";
import { columnsOf, isRate, totalsOf, type Column, type Columns, type HistoryGroup } from "./history.ts";
import { readingsOf } from "./readings.ts";
import type { Readings } from "./status.ts";

type GrowingColumns = Record<string, (number | null)[]>;

/** @param gapMs how far apart two samples of a source may be before the line between them is a guess */
export function historyGroups(
  snapshots: Iterable<Snapshot>,
  stepMs: number,
  gapMs: (source: string) => number,
): readonly HistoryGroup[] {
  const groups = new Map<string, GroupBuilder>();
  for (const snapshot of snapshots) {
    const { source, time } = snapshot;
    const readings = readingsOf([snapshot]);
    const known = groups.get(source);
    if (known === undefined && columnsOf(source, readings).length === 0) continue;
    const builder = known ?? createGroupBuilder(source, stepMs);
    groups.set(source, builder);
    builder.add(time, readings, gapMs(source));
  }
  return Array.from(groups.values(), ({ group }) => asSent(group));
}

/** Rounded, and with the peaks of those columns only whose peaks ever differ. */
function asSent({ source, time, ...group }: GrowingGroup): HistoryGroup {
  const columns = roundedColumns(group.columns);
  const unequal = Object.entries(roundedColumns(group.peaks)).filter(([key, values]) =>
    values.some((value, index) => value !== columns[key]?.[index]),
  );
  return {
    source,
    time,
    columns,
    ...(unequal.length > 0 && { peaks: Object.fromEntries(unequal) }),
  };
}

function roundedColumns(columns: GrowingColumns): Columns {
  const entries = Object.entries(columns).map(([key, values]) => [key, values.map(rounded)] as const);
  return Object.fromEntries(entries);
}

/** Four digits are more than a chart can show, and half the bytes. */
function rounded(value: number | null): number | null {
  return value === null ? null : Number(value.toPrecision(4));
}

/** A group that points are appended to, with the peaks of every column. */
interface GrowingGroup extends HistoryGroup {
  readonly time: number[];
  readonly columns: GrowingColumns;
  readonly peaks: GrowingColumns;
}

interface GroupBuilder {
  readonly group: GrowingGroup;
  /** Adds what a sample says of this source to its step's point; where the last sample is more than `gapMs` away, a point without values first. */
  readonly add: (time: number, readings: Readings, gapMs: number) => void;
  /** Drops the points before this time. */
  readonly dropBefore: (fromMs: number) => void;
}

/** The sum of one column in a step, each value times the milliseconds that it stands for. */
interface StepSum {
  sum: number;
  weightMs: number;
  peak: number;
}

/** What a value stands for that has none before it. */
const loneMs = 1000;

/** Documents are timed to a second or so, so that the rate of their counters over this time may be off by a fifteenth, and over less by more. */
const leastRateMs = 30_000;

/** A source's counters at one time, by the column whose mean is their rate. */
interface Totals {
  readonly time: number;
  /** What the values beside them are a mean of, where the source says so. */
  readonly windowMs: number | undefined;
  readonly totals: ReadonlyMap<string, number>;
}

/** @param past what is known already: it goes on after that */
export function createGroupBuilder(source: string, stepMs: number, past?: HistoryGroup): GroupBuilder {
  const group = growing(source, past);
  const sums = new Map<string, StepSum>();
  let step: number | undefined;
  let last: Totals | undefined;
  let isResuming = past !== undefined;

  function breakLine(time: number): void {
    sums.clear();
    step = undefined;
    putPoint(group, sums, time, true);
  }

  function addSample(now: Totals, values: readonly Column[]): void {
    const rates = ratesBetween(last, now);
    const passedMs = last === undefined ? loneMs : now.time - last.time;
    // The next window of a stream: its own mean is true even where a moment between the two was not measured.
    const isNext = now.windowMs !== undefined && passedMs < 2 * now.windowMs;
    const weightMs = isNext ? now.windowMs : passedMs;
    const isNear = now.windowMs !== undefined && passedMs < leastRateMs;
    const nextStep = Math.floor(now.time / stepMs);
    const isNew = step !== nextStep;
    if (isNew) sums.clear();
    step = nextStep;
    for (const [key, value] of values) {
      const mean = isNext || isNear ? value : (rates.get(key) ?? value);
      count(sums, key, { mean, peak: Math.max(mean, value), weightMs });
    }
    for (const [key, rate] of rates) if (isRate(key)) count(sums, key, { mean: rate, peak: rate, weightMs });
    putPoint(group, sums, now.time, isNew);
  }

  return {
    group,
    add: (time, readings, gapMs) => {
      const before = last?.time ?? group.time.at(-1);
      if (before !== undefined && time - before > gapMs) {
        breakLine(before + 1);
        last = undefined;
      }
      const values = columnsOf(source, readings);
      const windowMs = readings.windowSeconds === undefined ? undefined : readings.windowSeconds * 1000;
      const now = { time, windowMs, totals: totalsOf(source, readings) };
      // Rates begin with the next one: a point without them would be a gap in their lines.
      const isFirst =
        isResuming && last === undefined && values.length > 0 && [...now.totals.keys()].some(isRate);
      isResuming = false;
      if (values.length === 0) breakLine(time);
      else if (!isFirst) addSample(now, values);
      last = now;
    },
    dropBefore: (fromMs) => {
      const { time, columns, peaks } = group;
      const old = time.findIndex((at) => at >= fromMs);
      if (old <= 0) return;
      for (const values of [time, ...Object.values(columns), ...Object.values(peaks)]) values.splice(0, old);
    },
  };
}

/** What the counters say that the time between was like: its true mean, and what only counters know. */
function ratesBetween(last: Totals | undefined, { time, totals }: Totals): ReadonlyMap<string, number> {
  const rates = new Map<string, number>();
  if (last === undefined || time <= last.time) return rates;
  const gaugeSeconds = (totals.get("machine.seconds") ?? NaN) - (last.totals.get("machine.seconds") ?? NaN);
  for (const [key, total] of totals) {
    const before = last.totals.get(key);
    const seconds = key === "machine.power" ? gaugeSeconds : (time - last.time) / 1000;
    // A counter that fell began anew.
    if (before !== undefined && total >= before && seconds > 0) rates.set(key, (total - before) / seconds);
  }
  return rates;
}

function count(
  sums: Map<string, StepSum>,
  key: string,
  { mean, peak, weightMs }: { readonly mean: number; readonly peak: number; readonly weightMs: number },
): void {
  const sum = sums.get(key) ?? { sum: 0, weightMs: 0, peak };
  // A clock that was set back gives no weight, and no mean without one.
  const weight = Math.max(1, weightMs);
  sum.sum += mean * weight;
  sum.weightMs += weight;
  sum.peak = Math.max(sum.peak, peak);
  sums.set(key, sum);
}

function putPoint(
  group: GrowingGroup,
  sums: ReadonlyMap<string, StepSum>,
  time: number,
  isNew: boolean,
): void {
  if (isNew) group.time.push(time);
  else group.time[group.time.length - 1] = time;
  const { length } = group.time;
  for (const [key, { sum, weightMs, peak }] of sums) {
    setLast(group.columns, key, length, sum / weightMs);
    setLast(group.peaks, key, length, peak);
  }
  for (const columns of [group.columns, group.peaks])
    for (const values of Object.values(columns)) if (values.length < length) values.push(null);
}

function growing(source: string, past?: HistoryGroup): GrowingGroup {
  const copyOf = (columns: Columns): GrowingColumns =>
    Object.fromEntries(Object.entries(columns).map(([key, values]) => [key, [...values]]));
  const columns = past?.columns ?? {};
  return {
    source,
    time: [...(past?.time ?? [])],
    columns: copyOf(columns),
    peaks: copyOf({ ...columns, ...past?.peaks }),
  };
}

function setLast(columns: GrowingColumns, key: string, length: number, value: number): void {
  const values = (columns[key] ??= []);
  while (values.length < length) values.push(null);
  values[length - 1] = value;
}
