/** What the keys of `top` change: interval, range, order of apps, place in the list, help; and the lines that name them. */
import type { HistoryRange } from "../../status/time-range.ts";
import { firstThatFits, span, title, type Line } from "./line.ts";

export interface View {
  /** Between two looks at the agent. */
  readonly intervalMs: number;
  /** Of the past. */
  readonly range: HistoryRange;
  readonly sort: AppSort;
  /** The first line that is shown of the whole list; at 0 sections are shortened so that all are seen. */
  readonly offset: number;
  readonly help: boolean;
}

export const appSorts = ["now", "cpu", "hour", "day", "name"] as const;
export type AppSort = (typeof appSorts)[number];

export const sortWords: Readonly<Record<AppSort, string>> = {
  now: "energy now",
  hour: "last hour",
  day: "last day",
  cpu: "CPU now",
  name: "name",
};

const ranges: readonly HistoryRange[] = ["10m", "1h", "1d"];
export const rangeWords: Readonly<Record<HistoryRange, string>> = {
  "10m": "10 min",
  "1h": "1 h",
  "1d": "1 d",
};

const intervals = [250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000] as const;

export const firstView: View = { intervalMs: 1000, range: "10m", sort: "now", offset: 0, help: false };

/** How far the list can be scrolled. */
export interface Extent {
  /** Lines of the whole list. */
  readonly lines: number;
  /** Lines that are seen at once. */
  readonly room: number;
}

const escape = "\u001b";
/** Control sequences (ECMA-48, 5.4), and the keys of a VT100's keypad. */
// eslint-disable-next-line no-control-regex -- that is what they begin with
const keyPattern = /\u001b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])|[^]/g;
/** No longer than sequences are, so that what never ends is not kept. */
// eslint-disable-next-line no-control-regex -- as above
const unfinished = /\u001b(?:\[[0-?]{0,32}[ -/]{0,4}|O)$/;

/** A terminal sends a key as one character or as an escape sequence, several at once where they come fast, and a sequence maybe in two pieces. */
export function createKeyReader(): (text: string) => readonly string[] {
  let rest = "";
  return (text) => {
    const whole = rest + text;
    rest = unfinished.exec(whole)?.[0] ?? "";
    return whole.slice(0, whole.length - rest.length).match(keyPattern) ?? [];
  };
}

/** In raw mode ^C and ^D come as characters. */
const quitKeys: ReadonlySet<string> = new Set(["q", "Q", "\u0003", "\u0004"]);

/** Keys that came together, such as what was pasted, make one new view, which is drawn once. */
export function pressedInTurn(view: View, keys: readonly string[], extent: Extent): View | "quit" {
  let next: View | "quit" = view;
  for (const key of keys) if (next !== "quit") next = pressed(next, key, extent);
  return next;
}

function pressed(view: View, key: string, extent: Extent): View | "quit" {
  if (quitKeys.has(key)) return "quit";
  if (view.help) return { ...view, help: false };
  switch (key) {
    case "?":
    case "h":
      return { ...view, help: true };
    case "+":
    case "=":
      return { ...view, intervalMs: intervals.find((ms) => ms > view.intervalMs) ?? view.intervalMs };
    case "-":
      return { ...view, intervalMs: intervals.findLast((ms) => ms < view.intervalMs) ?? view.intervalMs };
    case "r":
      return { ...view, range: after(ranges, view.range) };
    case "s":
      return { ...view, sort: after(appSorts, view.sort) };
    default:
      return { ...view, offset: scrolled(view.offset, key, extent) };
  }
}

function after<T>(all: readonly T[], one: T): T {
  return all[(all.indexOf(one) + 1) % all.length] ?? one;
}

/** Every key in the forms that terminals send it in, cursor keys as numbers and as letters (ECMA-48, VT220). */
function scrolled(at: number, key: string, { lines, room }: Extent): number {
  const last = Math.max(0, lines - room);
  // The list may have become shorter.
  const offset = Math.min(at, last);
  const page = Math.max(1, room - 1);
  switch (key) {
    case "j":
    case "\u001b[B":
    case "\u001bOB":
      return Math.min(last, offset + 1);
    case "k":
    case "\u001b[A":
    case "\u001bOA":
      return Math.max(0, offset - 1);
    case " ":
    case "\u001b[6~":
      return Math.min(last, offset + page);
    case "b":
    case "\u001b[5~":
      return Math.max(0, offset - page);
    case "g":
    case escape:
    case "\u001b[H":
    case "\u001b[1~":
      return 0;
    case "G":
    case "\u001b[F":
    case "\u001b[4~":
      return last;
    default:
      return offset;
  }
}

export function helpLines(view: View): readonly Line[] {
  const keys = [
    ["q", "quit"],
    ["?", "these keys"],
    ["+ -", `slower, faster: every ${secondsOf(view)}`],
    ["r", `range of the past: ${rangeWords[view.range]}`],
    ["s", `order of apps: ${sortWords[view.sort]}`],
    ["j k", "down, up; also ↓ ↑"],
    ["space b", "a page down, up"],
    ["g G", "to the top, to the end"],
  ].map(([key = "", words = ""]) => [span(key.padEnd(9), "strong"), span(words)]);
  return [title("KEYS"), ...keys, [span("any key goes back", "dim")]];
}

/** What else the last line says. */
export interface Tail {
  readonly age: string;
  readonly version: string;
  /** Where the status comes from. */
  readonly origin: string;
  readonly hasApps: boolean;
}

/** Settings give way to where the status comes from, and that to how much is left to see. */
export function keysLine(
  view: View,
  { age, version, origin, hasApps }: Tail,
  extent: Extent,
  columns: number,
): Line {
  const { lines, room } = extent;
  const first = Math.min(view.offset, Math.max(0, lines - room));
  const place = lines > room ? [["jk", `${first + 1}–${first + room} of ${lines}`]] : [];
  const basic = [["q", "quit"], ["?", "keys"], ...place];
  const all = [
    ...basic,
    ["+-", secondsOf(view)],
    ["r", rangeWords[view.range]],
    ...(hasApps ? [["s", sortWords[view.sort]]] : []),
  ];
  const choices = [
    [all, [age, `agent ${version}`, origin]],
    [all, [age, origin]],
    [all, [origin]],
    [basic, [age, origin]],
    [basic, [origin]],
    [basic, []],
    [basic.slice(0, 2), []],
  ] as const;
  return firstThatFits(
    choices.map(([keys, words]) => [
      ...keys.flatMap(([key = "", word = ""]) => [span(key, "strong"), span(` ${word}  `, "dim")]),
      span(words.join("  "), "dim"),
    ]),
    columns,
  );
}

const secondsOf = ({ intervalMs }: View): string => `${intervalMs / 1000} s`;
