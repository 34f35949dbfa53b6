/** Whatever vm_stat, sysctl and pmset print, the parsers give a sample or an error, and never an untrue number. */
import assert from "node:assert/strict";
import fc from "../support/property.ts";
import { parsePmset } from "../../src/parse/pmset.ts";
import type { ParseResult } from "../../src/parse/result.ts";
import { parseSysctl } from "../../src/parse/sysctl.ts";
import { parseVmStat } from "../../src/parse/vm-stat.ts";
import { run } from "../simulator/run-tool.ts";
import { assertResult } from "./assertions.ts";
import { fuzz } from "./fuzzing.ts";
import { mutated, spoiled } from "./mutation.ts";
import { models, type Readings, type ToolModel } from "./tools-model.ts";

type Sample = object & { readonly findings: unknown };
type Parse = (text: string | Uint8Array) => ParseResult<Sample>;
type Tool = keyof typeof models;

const subjects: Readonly<Record<Tool, { argv: readonly (readonly string[])[]; parse: Parse }>> = {
  vm_stat: { argv: [[]], parse: parseVmStat },
  sysctl: {
    argv: [
      ["hw.memsize", "vm.swapusage", "kern.boottime", "kern.waketime", "kern.memorystatus_vm_pressure_level"],
    ],
    parse: parseSysctl,
  },
  pmset: {
    argv: [["-g", "batt"], ["-g"], ["-g", "therm"]],
    parse: parsePmset,
  },
};

const words = [
  "\n",
  "\r\n",
  "\0",
  ":",
  ".",
  ",",
  "=",
  "{",
  "}",
  "-",
  "%",
  "9".repeat(400),
  "1e999",
  "NaN",
  "M",
  "é",
  "%)",
  "x",
];

const tools = ["vm_stat", "sysctl", "pmset"] as const;
const printed = await Promise.all(
  tools.map(async (name) => {
    const { argv, parse } = subjects[name];
    const ran = await Promise.all(argv.map((args) => run(name, args)));
    return { name, parse, model: models[name], bases: ran.map(({ stdout }) => Buffer.from(stdout)) };
  }),
);

function readingsOf({ findings: _findings, ...readings }: Sample): Readings {
  return readings;
}

function assertStands(bytes: Buffer, result: ParseResult<Sample>, { stands }: ToolModel): void {
  if (!result.ok) return;
  const text = bytes.toString("utf8");
  for (const [name, value] of Object.entries(readingsOf(result.value)))
    assert.ok(stands(text, name, value), `${name} ${String(value)} stands nowhere`);
}

for (const { name, parse, bases, model } of printed) {
  fuzz(`what ${name} prints comes out as it was, and nothing else`, {
    inputs: model.printed,
    prepare:
      () =>
      ({ text, readings }) => {
        const result = parse(text);
        assert.ok(result.ok, result.ok ? "" : result.error.message);
        assert.deepEqual(readingsOf(result.value), readings);
      },
  });

  fuzz(`${name} damaged anywhere is an error, or a sample whose values stand in the text`, {
    inputs: fc.oneof(mutated(bases, words), spoiled(bases)),
    costs: 0.05,
    prepare: () => {
      for (const base of bases) {
        const result = parse(base);
        assert.ok(result.ok, "the simulated tool's output is one that is understood");
        assertStands(base, result, model);
      }
      return (bytes) => {
        const result = parse(bytes);
        assertResult(result);
        assertStands(bytes, result, model);
      };
    },
  });

  fuzz(`any bytes as ${name} are a sample or an error`, {
    inputs: fc.oneof(
      fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
      fc
        .string({ unit: fc.constantFrom(...words, "a", "1", " ", "Pages free"), maxLength: 60 })
        .map((text) => Buffer.from(text)),
    ),
    prepare: () => (bytes) => assertResult(parse(bytes)),
  });
}
