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
  return { is, wanted: Object.entries(tables).reduce(withTable, is) };
}

function withTable(text: string, [file, rows]: readonly [string, readonly Row[]]): string {
  const [begin, end] = [`<!-- ${file}:begin -->\n`, `<!-- ${file}:end -->`];
  const [before, rest] = text.split(begin);
  const [, after] = rest?.split(end) ?? [];
  assert.ok(before !== undefined && after !== undefined, `README.md has a place for ${file}`);
  return `${before}${begin}\n${tableOf(rows)}\n${end}${after}`;
}

function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ section, level, name, cases, verdict }) => {
    const suite = cases.map((one) => `\`${one}\``).join(", ");
    return [section, level, escaped(name), escaped(verdict ?? "holds"), suite].join(" | ");
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
