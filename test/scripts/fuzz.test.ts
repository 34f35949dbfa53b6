/** Fuzzing does what its command line and environment say, or says in one line what is wrong with them. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test, { type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { optionsFrom, optionsOf } from "../fuzz/options.ts";
import { fixedSeed } from "../support/property.ts";
import { temporaryFolder } from "../support/folder.ts";

const run = fileURLToPath(import.meta.resolve("../fuzz/run.ts"));

function fuzz(...argv: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [run, ...argv], { encoding: "utf8" });
}

test("what is wrong with the command line is one line and exit code 2", () => {
  for (const [argv, said] of [
    [["--seed", "abc"], "--seed must be a whole number below 2^31, got abc"],
    [["--minutes", "0"], "--minutes must be a number above 0, got 0"],
    [["--path", "3:0", "--seed", "1"], "--path must come with the --seed and --test it was printed with"],
    [["--only", "zzz"], "--only must be part of one of answers, "],
    [["--test", "a", "--only", "e"], "--test must come with an --only that matches one of answers, "],
    [["--sed", "1"], "'--sed'"],
  ] as const) {
    const { status, stdout, stderr } = fuzz(...argv);
    assert.equal(status, 2, stderr);
    assert.equal(stdout, "");
    assert.match(stderr, /^cannot fuzz: [^\n]+\n$/);
    assert.ok(stderr.includes(said), stderr);
  }
});

test("npm run fuzz draws its seed, another one each time", () => {
  const seeds = Array.from({ length: 3 }, () => {
    const { stdout } = fuzz("--only", "relabel", "--test", "no property is called so", "--minutes", "0.001");
    return /seed (\d+)$/m.exec(stdout)?.[1] ?? assert.fail(stdout);
  });
  assert.equal(new Set(seeds).size, 3, seeds.join(" "));
});

test("--help says how it is used", () => {
  const { status, stdout } = fuzz("--help");
  assert.equal(status, 0);
  for (const option of ["--minutes", "--only", "--test", "--seed", "--path"])
    assert.ok(stdout.includes(option));
});

test("a variable that is no such number is refused, and none is a hundred runs of the fixed seed", () => {
  const wrong = { FUZZ_RUNS: "abc", FUZZ_SEED: "abc", FUZZ_MINUTES: "-1", FUZZ_PATH: "1:" };
  for (const [name, value] of [...Object.entries(wrong), ["FUZZ_RUNS", "0"], ["FUZZ_RUNS", ""]] as const)
    assert.throws(
      () => optionsFrom({ [name]: value }),
      new RegExp(`^Error: ${name} must be .*, got ${value}$`),
    );
  const { seed, ...others } = optionsFrom({});
  assert.equal(seed, fixedSeed);
  assert.deepEqual(others, { runs: 100, test: "" });
  assert.equal(optionsOf({ seed: "7", path: "3:0", test: "a" }, String).path, "3:0");
});

/** A file of properties, and what its tests printed. */
function fuzzed(context: TestContext, body: string, env: Readonly<Record<string, string>>): string {
  const file = join(temporaryFolder(context), "sums.test.mjs");
  const fuzzing = JSON.stringify(import.meta.resolve("../fuzz/fuzzing.ts"));
  const fastCheck = JSON.stringify(import.meta.resolve("fast-check"));
  writeFileSync(file, `import { fuzz } from ${fuzzing};\nimport fc from ${fastCheck};\n${body}`);
  return spawnSync(process.execPath, ["--test-reporter=tap", file], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"], ...env },
  }).stdout;
}

test("a failure prints the seed and the path by which its input alone is reached again", (context) => {
  const body = `
    const inputs = fc.integer({ min: 0, max: 1_000_000 });
    const small = (limit) => () => (n) => {
      console.log("input " + n);
      if (n > limit) throw new Error("too large");
    };
    fuzz("all are small", { inputs, prepare: small(990_000) });
    fuzz("all are small enough", { inputs, prepare: small(Infinity) });`;
  const first = fuzzed(context, body, { FUZZ_RUNS: "10000" });
  const [, seed = "", path = ""] =
    /npm run fuzz -- --only \S+ --test \\?"all are small\\?" --seed (\d+) --path ([\d:]+)/.exec(first) ?? [];
  assert.notEqual(path, "", first);
  const found = /Counterexample: \[(\d+)\]/.exec(first)?.[1];
  const env = { FUZZ_SEED: seed, FUZZ_PATH: path, FUZZ_TEST: "all are small" };
  const again = fuzzed(context, body.replace("all are small enough", "all are"), env);
  assert.equal(/input (\d+)/.exec(again)?.[1], found);
  assert.match(again, /^not ok 1 - all are small$/m);
  assert.match(again, /^ok 2 - all are # SKIP$/m);
});

test("a name that no property has fails, and so does a property that passes most of its inputs over", (context) => {
  const body = `
    fuzz("some", { inputs: fc.nat(), prepare: () => () => {} });
    fuzz("others", {
      inputs: fc.nat(99),
      compares: 0.8,
      prepare: (_, compared) => (n) => void (n < 40 && compared()),
    });`;
  assert.match(
    fuzzed(context, body, { FUZZ_TEST: "none" }),
    /FUZZ_TEST must be part of a test's name, got none/,
  );
  const all = fuzzed(context, body, {});
  assert.match(all, /^ok 1 - some$/m);
  assert.match(all, /^not ok 2 - others$/m);
  assert.match(all, /\d+ of 100 inputs were compared/);
});
