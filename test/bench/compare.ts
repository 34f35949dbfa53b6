/** Compares two runs: the ratios in one report beside those in another. */
import { amount, type Table } from "./report.ts";

/** How far two runs may differ before one of them is not to be trusted. */
const tolerance = 0.25;

interface Cell {
  /** Of every heading that has cells in this column, down to the row. */
  readonly place: string;
  readonly value: number;
}

/** Ratios of a report as `markdown` writes it: columns with a ÷, and tables that are divided by something as a whole. */
export function ratiosIn(report: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const at = { section: "", title: "", columns: [] as readonly string[] };
  for (const line of report.split("\n")) {
    if (line.startsWith("## ")) at.section = line.slice(3).split(":")[0] ?? "";
    else if (line.startsWith("### ")) Object.assign(at, { title: line.slice(4), columns: [] });
    else if (line.startsWith("| ")) {
      const cells = line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim());
      if (at.columns.length === 0) at.columns = cells;
      else for (const { place, value } of ratiosOf(cells, at)) found.set(place, value);
    }
  }
  return found;
}

function ratiosOf(
  [row = "", ...cells]: readonly string[],
  {
    section,
    title,
    columns,
  }: { readonly section: string; readonly title: string; readonly columns: readonly string[] },
): readonly Cell[] {
  return cells.flatMap((cell, at) => {
    const column = columns[at + 1] ?? "";
    const value = Number(cell.replaceAll(",", ""));
    const isRatio = column.includes("÷") || title.includes("divided by");
    if (!isRatio || cell === "" || !Number.isFinite(value)) return [];
    return [{ place: `${section}: ${title}: ${row}${column.includes("÷") ? "" : `, ${column}`}`, value }];
  });
}

export interface Agreement {
  readonly agrees: boolean;
  readonly table: Table;
}

/** What both runs have, and by how much the farther ones differ: the larger divided by the smaller. */
export function agreementOf(now: string, before: string): Agreement {
  const old = ratiosIn(before);
  const pairs = [...ratiosIn(now)].flatMap(([place, value]) => {
    const other = old.get(place);
    return other === undefined
      ? []
      : [{ place, value, other, apart: Math.max(value, other) / Math.min(value, other) - 1 }];
  });
  const apart = pairs.filter((pair) => pair.apart > tolerance).sort((a, b) => b.apart - a.apart);
  const within = (limit: number): number => pairs.filter((pair) => pair.apart <= limit).length;
  return {
    agrees: pairs.length > 0 && apart.length === 0,
    table: {
      title: `${pairs.length} ratios in common with the run before`,
      columns: ["differ by more than 25 %", "this run", "the run before"],
      rows: apart.map(({ place, value, other }) => [place, amount(value), amount(other)]),
      notes: [
        `within 2 %: ${within(0.02)}, within 10 %: ${within(0.1)}, within 25 %: ${within(tolerance)} of ${pairs.length}`,
      ],
    },
  };
}
