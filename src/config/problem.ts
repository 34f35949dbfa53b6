/** A problem of a configuration: where, at which key, and why, in one line each, with a guess at what a misspelt name meant. */
import { printable } from "../runtime/printable.ts";
import { maskUrls } from "../runtime/redact.ts";

/** Where an effective value comes from; lines and columns count from 1. */
export type Origin =
  | { readonly kind: "flag"; readonly name: string }
  | { readonly kind: "environment"; readonly variable: string }
  | { readonly kind: "file"; readonly file: string; readonly line: number; readonly column: number }
  | { readonly kind: "default" };

/** Keys and list indexes from the root. */
export type Path = readonly (string | number)[];

export interface Problem {
  readonly origin: Origin;
  /** `remote_write[0].url`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

export const fromDefault: Origin = { kind: "default" };

/** For a file as a whole, such as one that can't be read: it has no line. */
export const wholeOf = (file: string): Origin => ({ kind: "file", file, line: 0, column: 0 });

export function problemAt(origin: Origin, message: string, path: Path = []): Problem {
  return { origin, path: formatPath(path), message };
}

/** `agent.yaml:3:5`, a variable's name, `flag --x`, or `default`. */
export function formatOrigin(origin: Origin): string {
  switch (origin.kind) {
    case "flag":
      return `flag ${origin.name}`;
    case "environment":
      return origin.variable;
    case "file":
      return origin.line === 0 ? origin.file : `${origin.file}:${origin.line}:${origin.column}`;
    case "default":
      return "default";
  }
}

/** `file:line:column: path: message`, without line breaks whatever the values were. */
export function formatProblem({ origin, path, message }: Problem): string {
  return printable([formatOrigin(origin), path, message].filter((part) => part !== "").join(": "));
}

/** The file's problems in reading order, the others behind them. */
export function inReadingOrder(problems: readonly Problem[]): Problem[] {
  return problems.toSorted((a, b) => rank(a) - rank(b) || column(a) - column(b));
}

const rank = ({ origin }: Problem): number => (origin.kind === "file" ? origin.line : Infinity);
const column = ({ origin }: Problem): number => (origin.kind === "file" ? origin.column : 0);

/** `["remote_write", 0, "url"]` → `remote_write[0].url`. */
export function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`))
    .join("");
}

/** A value inside a message: short, on one line, and never with a password. */
export function quote(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  const masked = maskUrls(text);
  return masked.length > 80 ? `${masked.slice(0, 77)}...` : masked;
}

/** The candidate that is at most a third of the name away, and at most three slips; undefined when none is near. */
function nearest(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > 64) return undefined;
  const limit = Math.max(1, Math.min(3, Math.floor(name.length / 3)));
  let best: string | undefined;
  let least = limit + 1;
  for (const candidate of candidates) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** `, did you mean 'interval'?`, or nothing. */
export function suggestion(name: string, candidates: Iterable<string>): string {
  const guess = nearest(name, candidates);
  return guess === undefined ? "" : `, did you mean '${guess}'?`;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one text into the other. */
function editDistance(from: string, to: string): number {
  let before: number[] = [];
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let i = 1; i <= from.length; i++) {
    const next = [i];
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1];
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (same ? 0 : 1),
        swapped ? (before[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? 0;
}
