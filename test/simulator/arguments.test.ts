/** The simulated powermetrics takes and refuses the arguments that the real one does. */
import assert from "node:assert/strict";
import test from "node:test";
import { chips } from "../../src/simulator/chips.ts";
import { parseArguments } from "../../src/simulator/arguments.ts";
import { run } from "./run-tool.ts";

const spellings = [
  ["-f", "plist", "-i", "1000", "-n", "2", "-s", "cpu_power,thermal"],
  ["-fplist", "-i1000", "-n2", "-scpu_power,thermal"],
  ["--format", "plist", "--sample-rate", "1000", "--sample-count", "2", "--samplers", "cpu_power,thermal"],
  ["--format=plist", "--sample-interval=1000", "--sample-count=2", "--samplers=cpu_power,thermal"],
];

for (const argv of spellings) {
  test(`${argv.join(" ")} means what its other spellings mean`, () => {
    const parsed = parseArguments([
      ...argv,
      "-a",
      "0",
      "-b",
      "0",
      "--show-process-energy",
      "--handle-invalid-values",
    ]);
    assert.deepEqual(parsed, {
      arguments: {
        help: false,
        format: "plist",
        intervalMs: 1000,
        count: 2,
        samplers: ["cpu_power", "thermal"],
        all: false,
        coalitions: false,
        initialUsage: false,
        usageSummary: false,
      },
    });
  });
}

test("without arguments the tool samples every five seconds for ever", () => {
  const parsed = parseArguments([]);
  assert.ok("arguments" in parsed);
  assert.equal(parsed.arguments.intervalMs, 5000);
  assert.equal(parsed.arguments.count, undefined);
});

const refused = [
  { argv: ["-s", "cpu_power,nonsense"], message: "powermetrics: unrecognized sampler: nonsense\n" },
  { argv: ["--chip", "m4", "-s", "smc"], message: "powermetrics: unrecognized sampler: smc\n" },
  { argv: ["--chip", "m4", "-s", "bandwidth"], message: "powermetrics: unrecognized sampler: bandwidth\n" },
  {
    argv: ["--chip", "intel", "-s", "ane_power"],
    message: "powermetrics: unrecognized sampler: ane_power\n",
  },
  { argv: ["--frobnicate"], message: "powermetrics: unrecognized option: --frobnicate\n" },
  { argv: ["stray"], message: "powermetrics: unrecognized option: stray\n" },
  { argv: ["-i"], message: "powermetrics: option requires an argument: -i\n" },
  { argv: ["-i", "soon"], message: "powermetrics: invalid value for -i: soon\n" },
  { argv: ["-n", "1"], message: "powermetrics: the simulator prints --format plist only, got text\n" },
  { argv: ["--seed", "x"], message: "powermetrics: --seed must be an integer, got x\n" },
  { argv: ["--tasks", "-1"], message: "powermetrics: --tasks must be a count, got -1\n" },
  { argv: ["--os", "tahoe"], message: "powermetrics: --os must be a version such as 26.4, got tahoe\n" },
  {
    argv: ["--start", "never"],
    message: "powermetrics: --start must be an ISO date or seconds since 1970, got never\n",
  },
  { argv: ["--chip"], message: "powermetrics: --chip must have a value\n" },
];

for (const { argv, message } of refused) {
  test(`${argv.join(" ")} is refused with status 64 and one line`, async () => {
    assert.deepEqual(await run("powermetrics", argv), { code: 64, stdout: "", stderr: message });
  });
}

test("an unknown chip or fault is answered with the list of known ones", async () => {
  const chip = await run("vm_stat", ["--chip", "m0"]);
  assert.match(chip.stderr, /^vm_stat: --chip must be one of m1, m1pro, .*, intel-vm, got m0\n$/);
  const fault = await run("vm_stat", ["--fault", "meteor"]);
  assert.match(fault.stderr, /^vm_stat: --fault must be one of not-root, .*, got meteor\n$/);
});

test("an unknown sampler is found before the missing privilege, and help needs none", async () => {
  const sampler = await run("powermetrics", ["-s", "nonsense", "--fault", "not-root"]);
  assert.equal(sampler.code, 64);
  const help = await run("powermetrics", ["--help", "--fault", "not-root", "--fault", "unknown-sampler"]);
  assert.equal(help.code, 0);
  assert.deepEqual(await run("powermetrics", ["-f", "plist", "--fault", "not-root"]), {
    code: 1,
    stdout: "",
    stderr: "powermetrics must be invoked as the superuser\n",
  });
});

test("fault unknown-sampler refuses a sampler that the help lists", async () => {
  const { code, stderr } = await run("powermetrics", [
    "-f",
    "plist",
    "-s",
    "cpu_power,thermal",
    "--fault",
    "unknown-sampler",
  ]);
  assert.deepEqual([code, stderr], [64, "powermetrics: unrecognized sampler: thermal\n"]);
});

function samplersIn(help: string): readonly string[] {
  const block = /following samplers are supported by --samplers:\n\n((?: {4}.*\n)+)/.exec(help)?.[1] ?? "";
  return block.split("\n").flatMap((line) => /^ {4}(\S+) {2,}\S/.exec(line)?.[1] ?? []);
}

for (const name of Object.keys(chips)) {
  test(`every sampler in the help of ${name} is accepted, alone and together`, async () => {
    const { stdout } = await run("powermetrics", ["--help", "--chip", name]);
    const samplers = samplersIn(stdout);
    assert.ok(samplers.includes("cpu_power") && samplers.length >= 10);
    assert.equal(samplers.includes("smc"), name.startsWith("intel"));
    for (const sampler of [...samplers, samplers.join(","), "all", "default"]) {
      const { code } = await run("powermetrics", [
        "-f",
        "plist",
        "--chip",
        name,
        "-s",
        sampler,
        "-n1",
        "--no-pace",
        "--tasks",
        "1",
      ]);
      assert.equal(code, 0, sampler);
    }
  });
}

test("samplers and option names follow the macOS version", async () => {
  const at11 = (await run("powermetrics", ["-h", "--chip", "m1", "--os", "11.2"])).stdout;
  assert.ok(samplersIn(at11).includes("bandwidth") && !samplersIn(at11).includes("ane_power"));
  assert.ok(at11.includes("--sample-interval <N>"));
  const at15 = (await run("powermetrics", ["-h", "--chip", "m1", "--os", "15.5"])).stdout;
  assert.ok(samplersIn(at15).includes("ane_power") && !samplersIn(at15).includes("bandwidth"));
  assert.ok(at15.includes("--sample-rate <N>"));
});

test("the preset comes from the environment, and flags win over it", async () => {
  const preset = "--chip m1 --seed=3";
  const { stdout } = await run("sysctl", ["-n", "hw.model"], { preset });
  assert.equal(stdout, "MacBookPro17,1\n");
  const won = await run("sysctl", ["--chip=intel", "-n", "hw.model"], { preset });
  assert.equal(won.stdout, "MacBookPro16,1\n");
  const wrong = await run("sysctl", ["hw.model"], { preset: "--chip m1 hw.memsize" });
  assert.deepEqual([wrong.code, wrong.stderr], [64, "sysctl: unexpected simulator flag: hw.memsize\n"]);
});

test("a fault with a tool's name strikes that tool alone", async () => {
  const preset = "--fault vm_stat:fail";
  assert.equal((await run("vm_stat", [], { preset })).code, 1);
  assert.equal((await run("pmset", ["-g", "batt"], { preset })).code, 0);
});
