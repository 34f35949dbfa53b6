/** Draws the past of a range in one line: its mean, what it was like over time, its peak. */
import { meanAndPeak, type History, type HistoryGroup } from "../../status/history.ts";
import { watts } from "../../status/view.ts";
import { span, sparkline, type Line } from "./line.ts";
import { rangeWords } from "./view.ts";

/** What stands for the chip on each kind of machine: the sum of its rails, or the one figure that there is. */
const chipColumns = ["total.power", "power.package", "power.cpu"] as const;

/** Where the names and the figures of the lines above end. */
export const nameWidth = 14;
export const valueWidth = 9;

/** The chip's, and the whole machine's where it is known. */
export function pastLines(history: History | undefined, columns: number): readonly Line[] {
  if (history === undefined) return [];
  const shown = [
    ["Chip", chipColumns],
    ["Whole", ["machine.power"]],
  ] as const;
  return shown.flatMap(([name, keys]) => {
    const course = courseOf(history, keys);
    return course === undefined ? [] : [pastLine(name, course, history, columns)];
  });
}

/** Of a young past at least a minute is drawn. */
const leastShownMs = 60_000;

function pastLine(name: string, course: Course, history: History, columns: number): Line {
  const { mean, peak } = course;
  const { range, fromMs, toMs, groups } = history;
  // Of a source that reports seldom, or is read thinly, the first value may come late: what counts is the first of all.
  const startMs = Math.min(toMs, ...groups.flatMap(({ time }) => time[0] ?? []));
  const isYoung = range === undefined || startMs - fromMs > (toMs - fromMs) / 20;
  const firstMs = isYoung ? Math.max(fromMs, Math.min(startMs, toMs - leastShownMs)) : fromMs;
  const words = ` mean, peak ${watts(peak)}`;
  const width = Math.max(0, columns - nameWidth - valueWidth - 1 - words.length);
  return [
    span(`${name} ${isYoung ? "so far" : rangeWords[range]}`.padEnd(nameWidth)),
    span(watts(mean).padStart(valueWidth), "strong"),
    span(` ${sparkline(cellsOf(course, firstMs, toMs, width))}`, "ok"),
    span(words, "dim"),
  ];
}

/** A value holds from one time to the next; between two courses nothing is known. */
interface Course {
  readonly parts: readonly { readonly fromMs: number; readonly toMs: number; readonly value: number }[];
  readonly mean: number;
  readonly peak: number;
}

function courseOf({ groups }: History, keys: readonly string[]): Course | undefined {
  for (const key of keys) {
    const group = groups.find(({ columns }) => key in columns);
    const course = group && courseOfGroup(group, key);
    if (course !== undefined) return course;
  }
  return undefined;
}

function courseOfGroup({ time, columns, peaks }: HistoryGroup, key: string): Course | undefined {
  const values = columns[key] ?? [];
  const parts = time.flatMap((toMs, index) => {
    const [value, before] = [values[index], values[index - 1]];
    const fromMs = time[index - 1];
    const isKnown = typeof value === "number" && typeof before === "number" && fromMs !== undefined;
    return isKnown ? [{ fromMs, toMs, value }] : [];
  });
  const figures = meanAndPeak(time, { values, peaks: peaks?.[key] ?? values });
  return figures === undefined || parts.length === 0 ? undefined : { parts, ...figures };
}

/** The mean of each of `width` equal parts of the range; absent where nothing is known. */
function cellsOf(
  { parts }: Course,
  fromMs: number,
  toMs: number,
  width: number,
): readonly (number | undefined)[] {
  const cellMs = (toMs - fromMs) / width;
  const sums = Array.from({ length: width }, () => ({ sum: 0, ms: 0 }));
  for (const part of parts) {
    const first = Math.max(0, Math.floor((part.fromMs - fromMs) / cellMs));
    const last = Math.min(width - 1, Math.floor((part.toMs - fromMs) / cellMs));
    for (let index = first; index <= last; index++) {
      const cell = sums[index];
      const start = fromMs + index * cellMs;
      const ms = Math.min(part.toMs, start + cellMs) - Math.max(part.fromMs, start);
      if (cell === undefined || ms <= 0) continue;
      cell.sum += part.value * ms;
      cell.ms += ms;
    }
  }
  return sums.map(({ sum, ms }) => (ms === 0 ? undefined : sum / ms));
}
