/** Lines of text with meaning instead of colours, bars in block characters, and how a terminal shows both in sixteen colours or none. */

type Style = "plain" | "strong" | "dim" | "accent" | "ok" | "starting" | "warning" | "failing";

export interface Span {
  readonly text: string;
  readonly style: Style;
}

export type Line = readonly Span[];

/** Whatever a host, a cluster or a receiver is called, it can't move the cursor or turn the text. */
export function span(text: string, style: Style = "plain"): Span {
  return { text: text.replaceAll(/\p{Cc}|\p{Bidi_Control}|\p{Zl}|\p{Zp}/gu, "\ufffd"), style };
}

export const widthOf = (line: Line): number =>
  line.reduce((sum, { text }) => sum + Array.from(text).length, 0);

/** Filled with blanks, or cut, to the width. */
export function fit(line: Line, width: number): Line {
  const spans: Span[] = [];
  let room = width;
  for (const { text, style } of line) {
    const characters = Array.from(text).slice(0, room);
    room -= characters.length;
    spans.push({ text: characters.join(""), style });
  }
  const at = spans.findLastIndex(({ text }) => text !== "");
  const last = spans[at];
  if (last !== undefined && widthOf(line) > width) spans[at] = { ...last, text: cutText(last.text) };
  return [...spans, span(" ".repeat(room))];
}

/** The last one where none does. */
export function firstThatFits(lines: readonly Line[], columns: number): Line {
  return lines.find((line) => widthOf(line) <= columns) ?? lines.at(-1) ?? [];
}

/** Says that there is more. */
const cutText = (text: string): string => `${Array.from(text).slice(0, -1).join("")}…`;

export const title = (text: string): Line => [span(text, "accent")];

export const titled = (text: string, lines: readonly Line[]): readonly Line[] =>
  lines.length === 0 ? [] : [title(text), ...lines];

/** Select graphic rendition (ECMA-48, 8.3.117); without colours only weight is left. */
const codes: Readonly<Record<Style, { readonly colour: string; readonly mono: string }>> = {
  plain: { colour: "", mono: "" },
  strong: { colour: "1", mono: "1" },
  dim: { colour: "90", mono: "" },
  accent: { colour: "36", mono: "" },
  ok: { colour: "32", mono: "" },
  starting: { colour: "90", mono: "" },
  warning: { colour: "33", mono: "1" },
  failing: { colour: "31", mono: "1" },
};

export type Palette = "colour" | "mono" | "none";

export function lineText(line: Line, palette: Palette): string {
  return line
    .map(({ text, style }) => spanText(text, palette === "none" ? "" : codes[style][palette]))
    .join("");
}

const spanText = (text: string, code: string): string =>
  code === "" || text === "" ? text : `\u001b[${code}m${text}\u001b[0m`;

const eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"] as const;
const heights = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** `ratio` of `width` characters, to an eighth of one; the rest is blank. */
export function bar(ratio: number, width: number): string {
  const steps = Math.round(Math.min(1, Math.max(0, ratio)) * width * 8);
  const filled = "█".repeat(Math.floor(steps / 8)) + (eighths[steps % 8] ?? "");
  return filled.padEnd(width);
}

/** Relative to the highest; what is not known is blank. */
export function sparkline(values: readonly (number | undefined)[]): string {
  const highest = values.reduce<number>((most, value) => Math.max(most, value ?? most), Number.MIN_VALUE);
  return values
    .map((value) => (value === undefined ? " " : heights[Math.min(7, Math.floor((value / highest) * 8))]))
    .join("");
}
