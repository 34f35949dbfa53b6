/** The shape of a benchmark and of what it finds: tables with medians, spreads and ratios, and aims beside what was measured. */

export interface Plan {
  readonly rounds: number;
  /** Length of one round of a running process, seconds. */
  readonly seconds: number;
  /** Before the first round, seconds. V8 goes on compiling hot functions for minutes at a document a second. */
  readonly warmupSeconds: number;
  /** Part of the full amount of data in benchmarks of bulk work, and of scrapes and starts; 1 is what the aims are stated for. */
  readonly scale: number;
  /** Says what goes on. */
  readonly tell: (text: string) => void;
}

export interface Bench {
  readonly name: string;
  readonly question: string;
  /** Where its aims are stated for processes that have run for so long, or in so much time; the command's flags outrank it. */
  readonly plan?: Partial<Pick<Plan, "rounds" | "seconds" | "warmupSeconds">>;
  run(plan: Plan): Promise<readonly Table[]>;
}

export interface Table {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** How it was measured, what was skipped and why. */
  readonly notes?: readonly string[];
}

/** One figure of one subject, one value a round. */
export interface Figure {
  readonly subject: string;
  readonly rounds: readonly number[];
}

export interface Aim {
  readonly text: string;
  /** Absent when it could not be measured here. */
  readonly measured: number | undefined;
  readonly limit: number;
  readonly better: "below" | "above";
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? NaN) + upper) / 2;
}

/** The median of the rounds, and how far they lie apart in percent of it. */
export function withSpread(values: readonly number[]): string {
  if (values.length === 0) return "none";
  const middle = median(values);
  const spread = middle === 0 ? 0 : ((Math.max(...values) - Math.min(...values)) / middle) * 100;
  return `${amount(middle)} ±${Math.round(spread / 2)} %`;
}

/** The median of the quotients round by round: what slowed a whole round down cancels out. */
export function ratioOf(
  ours: readonly number[] | undefined,
  theirs: readonly number[] | undefined,
): number | undefined {
  if (ours === undefined || theirs === undefined) return undefined;
  const quotients = ours.flatMap((value, round) => {
    const other = theirs[round];
    return other === undefined || other === 0 ? [] : [value / other];
  });
  return quotients.length === 0 ? undefined : median(quotients);
}

/** Each subject's median and spread, and ours divided by it. The first figure is ours. */
export function comparison(
  title: string,
  unit: string,
  figures: readonly Figure[],
  notes: readonly string[] = [],
): Table {
  const [ours] = figures;
  return {
    title,
    columns: ["", unit, "ours ÷ this"],
    rows: figures.map(({ subject, rounds }) => [
      subject,
      withSpread(rounds),
      amount(ratioOf(ours?.rounds, rounds)),
    ]),
    notes,
  };
}

export function aimTable(aims: readonly Aim[]): Table {
  return {
    title: "Aims",
    columns: ["aim", "limit", "measured", ""],
    rows: aims.map(({ text, measured, limit, better }) => [
      text,
      `${better === "below" ? "≤" : "≥"} ${amount(limit)}`,
      amount(measured),
      verdict(measured, limit, better),
    ]),
  };
}

function verdict(measured: number | undefined, limit: number, better: Aim["better"]): string {
  if (measured === undefined) return "not measured";
  return (better === "below" ? measured <= limit : measured >= limit) ? "met" : "**missed**";
}

/** Three digits that count; more would be noise. */
export function amount(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (value === 0 || Math.abs(value) >= 1e6)
    return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return value.toLocaleString("en-US", { maximumSignificantDigits: Math.abs(value) >= 1000 ? 4 : 3 });
}

export function markdown({ title, columns, rows, notes = [] }: Table): string {
  const widths = columns.map((column, at) =>
    Math.max(column.length, ...rows.map((row) => (row[at] ?? "").length), 3),
  );
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, at) => (at === 0 ? (cells[at] ?? "").padEnd(width) : (cells[at] ?? "").padStart(width))).join(" | ")} |`;
  const rule = `| ${widths.map((width, at) => (at === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  const table = rows.length === 0 ? [] : [line(columns), rule, ...rows.map(line), ""];
  return [
    `### ${title}`,
    "",
    ...table,
    ...notes.map((note) => `- ${note}`),
    ...(notes.length > 0 ? [""] : []),
  ].join("\n");
}
