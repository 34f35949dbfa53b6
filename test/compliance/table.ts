/** Writes the tables of README.md, which say of each behaviour what it holds and whether it does: `node test/compliance/table.ts`. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { Behaviour } from "./behaviour.ts";
import { answerBehaviours, wireBehaviours } from "./behaviours.ts";

type Row = Pick<Behaviour<unknown>, "section" | "level" | "name" | "cases" | "verdict">;

export const tables: Readonly<Record<string, readonly Row[]>> = {
  "wire.test.ts": wireBehaviours,
  "answers.test.ts": answerBehaviours,
};

const readme = new URL("README.md", import.meta.url);

/** README.md as it is, and as it should be. */
export function readReadme(): { readonly is: string; readonly wanted: string } {
  const is = readFileSync(readme, "utf8");
  const parts = [
    ["verdicts", verdictsOf(Object.values(tables).flat())] as const,
    ...Object.entries(tables).map(([file, rows]) => [file, tableOf(rows)] as const),
  ];
  return { is, wanted: parts.reduce(withPart, is) };
}

function withPart(text: string, [name, part]: readonly [string, string]): string {
  const [begin, end] = [`<!-- ${name}:begin -->\n`, `<!-- ${name}:end -->`];
  const [before, rest] = text.split(begin);
  const [, after] = rest?.split(end) ?? [];
  assert.ok(before !== undefined && after !== undefined, `README.md has a place for ${name}`);
  return `${before}${begin}\n${part}\n${end}${after}`;
}

/** Of what does not simply hold. */
function verdictsOf(rows: readonly Row[]): string {
  return rows
    .filter(({ verdict }) => verdict !== undefined)
    .map(({ section, level, name, verdict = "" }) => `- ${section} (${level}), “${name}”: ${verdict}.\n`)
    .map(escaped)
    .join("");
}

function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ section, level, name, cases, verdict }) => {
    const [short = ""] = (verdict ?? "holds").split(":");
    const suite = cases.map((one) => `\`${one}\``).join(", ");
    return [section, level, escaped(name), short, suite].join(" | ");
  });
  return ["Clause | Level | Test | Verdict | Cases of the suite", "--- | --- | --- | --- | ---", ...lines]
    .map((line) => `| ${line} |\n`)
    .join("");
}

/** Underscores and asterisks would be taken for emphasis. */
function escaped(text: string): string {
  return text.replaceAll("__", "\\_\\_").replaceAll("*", "\\*").replaceAll("|", "\\|");
}

if (import.meta.main) writeFileSync(readme, readReadme().wanted);
