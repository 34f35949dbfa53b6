/** Whatever vm_stat, sysctl and pmset print, the parsers give a sample or an error, and never an untrue number. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parsePmset } from "../../src/parse/pmset.ts";
import type { ParseResult } from "../../src/parse/result.ts";
import { parseSysctl } from "../../src/parse/sysctl.ts";
import { parseVmStat } from "../../src/parse/vm-stat.ts";
import { run } from "../source/simulate/run-tool.ts";
import { assertResult } from "./assertions.ts";
import { fuzz } from "./fuzzing.ts";
import { mutated } from "./mutation.ts";

type Parse = (text: Uint8Array) => ParseResult<object>;

const subjects: Readonly<Record<string, { argv: readonly (readonly string[])[]; parse: Parse }>> = {
  vm_stat: { argv: [[]], parse: parseVmStat },
  sysctl: {
    argv: [
      ["hw.memsize", "vm.swapusage", "kern.boottime", "kern.waketime", "kern.memorystatus_vm_pressure_level"],
    ],
    parse: parseSysctl,
  },
  pmset: {
    argv: [
      ["-g", "batt"],
      ["-g", "therm"],
    ],
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
];

const printed = await Promise.all(
  Object.entries(subjects).map(async ([name, { argv, parse }]) => {
    const tool = name === "vm_stat" || name === "sysctl" ? name : "pmset";
    const ran = await Promise.all(argv.map((args) => run(tool, args)));
    return { name, parse, bases: ran.map(({ stdout }) => Buffer.from(stdout)) };
  }),
);

for (const { name, parse, bases } of printed) {
  fuzz(`${name} damaged anywhere is a sample of finite numbers or an error`, {
    inputs: mutated(bases, words),
    prepare: () => {
      assert.ok(
        bases.every((base) => parse(base).ok),
        "the simulated tool's output is one that is understood",
      );
      return (bytes) => assertResult(parse(bytes));
    },
  });

  fuzz(`any bytes as ${name} are a sample or an error`, {
    inputs: fc.oneof(
      fc.uint8Array({ maxLength: 500 }),
      fc
        .string({ unit: fc.constantFrom(...words, "a", "1", " ", "Pages free"), maxLength: 60 })
        .map((text) => Buffer.from(text)),
    ),
    prepare: () => (bytes) => assertResult(parse(bytes)),
  });
}
