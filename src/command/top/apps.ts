/** Draws who used the energy: a line an app, in the order that was chosen. */
import type { EnergyByApp } from "../../status/status.ts";
import { appName, appPeriods, percent, wattHours, watts } from "../../status/view.ts";
import { firstThatFits, fit, span, type Line } from "./line.ts";
import { sortWords, type AppSort } from "./view.ts";

interface AppRow {
  readonly name: string;
  readonly now?: number | undefined;
  readonly cpu?: number | undefined;
  readonly hour?: number | undefined;
  readonly day?: number | undefined;
}

type Figure = "now" | "cpu" | "hour" | "day";

const figureWidth = 13;
const leastNameWidth = 16;
const mostNameWidth = 32;

const formats: Readonly<Record<Figure, (value: number) => string>> = {
  now: watts,
  cpu: percent,
  hour: wattHours,
  day: wattHours,
};

interface AppList {
  readonly heading: Line;
  readonly lines: readonly Line[];
}

export function appList(energy: EnergyByApp, now: number, sort: AppSort, columns: number): AppList {
  const rows = sorted(rowsOf(energy), sort);
  const titles = titlesOf(energy, now);
  const known = (["now", "cpu", "hour", "day"] as const).filter(
    (figure) => titles[figure] !== undefined && rows.some((row) => row[figure] !== undefined),
  );
  // Where it is narrow only what the order goes by.
  const isWide = columns >= leastNameWidth + known.length * figureWidth;
  const chosen = sort === "name" || !known.includes(sort) ? known.slice(-1) : [sort];
  const shown = isWide ? known : chosen;
  const nameColumns = Math.max(1, Math.min(mostNameWidth, columns - shown.length * figureWidth));
  const order = sort === "hour" || sort === "day" ? (titles[sort] ?? titles.day) : sortWords[sort];
  const heading = [
    ...fit(
      firstThatFits([[span(`APPS by ${order ?? ""}`, "accent")], [span("APPS", "accent")]], nameColumns),
      nameColumns,
    ),
    ...shown.map((figure) =>
      span((titles[figure] ?? "").padStart(figureWidth), figure === sort ? "strong" : "dim"),
    ),
  ];
  const lines = rows.map((row) => [
    ...fit([span(appName(row.name))], nameColumns),
    ...shown.map((figure) => {
      const value = row[figure];
      return span((value === undefined ? "" : formats[figure](value)).padStart(figureWidth));
    }),
  ]);
  return { heading, lines };
}

function rowsOf({ hour, day, now = [] }: EnergyByApp): readonly AppRow[] {
  const rows = new Map<string, AppRow>();
  const put = (name: string, figures: Omit<AppRow, "name">): void =>
    void rows.set(name, { name, ...rows.get(name), ...figures });
  for (const { name, joules } of day) put(name, { day: joules });
  for (const { name, joules } of hour) put(name, { hour: joules });
  for (const { name, watts: value, cpuPercent } of now) put(name, { now: value, cpu: cpuPercent });
  return [...rows.values()];
}

/** In the first hour there is only what has been since. */
function titlesOf(energy: EnergyByApp, now: number): Readonly<Partial<Record<Figure, string>>> {
  const periods = appPeriods(energy, now).map(({ title }) => title.toLowerCase());
  const [first = "", second] = periods;
  return {
    now: "now",
    cpu: "CPU",
    ...(second === undefined ? { day: first } : { hour: first, day: second }),
  };
}

/** What has no place of its own is no app, and comes last. */
function sorted(rows: readonly AppRow[], sort: AppSort): readonly AppRow[] {
  const isOther = ({ name }: AppRow): number => (name === "_other" ? 1 : 0);
  const figure = (row: AppRow): number => (sort === "name" ? 0 : (row[sort] ?? -1));
  return rows.toSorted(
    (a, b) => isOther(a) - isOther(b) || figure(b) - figure(a) || (a.name < b.name ? -1 : 1),
  );
}
