/** Which part of the past is asked for: a range that ends now, or one of the reader's own. As text it is the query of a URL. Runs in the browser too. */

export const historyRanges = { "10m": 600_000, "1h": 3_600_000, "1d": 86_400_000 } as const;
export type HistoryRange = keyof typeof historyRanges;

export interface OwnRange {
  readonly fromMs: number;
  readonly toMs: number;
}

export type TimeRange = HistoryRange | OwnRange;

const leastMs = 1000;

interface Parsed {
  readonly range: TimeRange;
  /** Why it is not what was asked for. */
  readonly problem?: string;
}

const usual: HistoryRange = "10m";

/** `range=1h`, or `from` and `to`; ten minutes where there is neither, or nonsense. */
export function parseTimeRange(query: URLSearchParams): Parsed {
  const refused = (problem: string): Parsed => ({ range: usual, problem });
  const [range = usual, from, to] = ["range", "from", "to"].map((key) => query.get(key) ?? undefined);
  if (from === undefined && to === undefined)
    return isHistoryRange(range)
      ? { range }
      : refused(`range must be one of ${Object.keys(historyRanges).join(", ")}`);
  const [fromMs, toMs] = [parseTime(from), parseTime(to)];
  if (fromMs === undefined || toMs === undefined)
    return refused("from and to must be times such as 2026-01-31T08:00:00Z, or milliseconds since 1970");
  if (toMs - fromMs < leastMs) return refused("to must be a second or more after from");
  return { range: { fromMs, toMs } };
}

function isHistoryRange(text: string): text is HistoryRange {
  return Object.hasOwn(historyRanges, text);
}

/** Without a zone it is local time, which is what a form has. */
const dateTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d:\d\d)?$/;

function parseTime(text = ""): number | undefined {
  if (/^\d{1,14}$/.test(text)) return Number(text);
  const ms = dateTime.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

export function timeRangeQuery(range: TimeRange): string {
  if (typeof range === "string") return `range=${range}`;
  const [from, to] = [range.fromMs, range.toMs].map((ms) => new Date(ms).toISOString().replace(".000Z", "Z"));
  return `from=${from}&to=${to}`;
}

/** From when to when; of an own range the part that is kept, where any is. */
export function boundsOf(range: TimeRange, nowMs: number, oldestMs = nowMs): OwnRange {
  if (typeof range === "string") return { fromMs: nowMs - historyRanges[range], toMs: nowMs };
  const kept = { fromMs: Math.max(range.fromMs, oldestMs), toMs: Math.min(range.toMs, nowMs) };
  return kept.toMs - kept.fromMs >= leastMs ? kept : range;
}
