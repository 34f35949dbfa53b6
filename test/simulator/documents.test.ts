/** Every simulated machine prints documents of the right shape. */
import assert from "node:assert/strict";
import test from "node:test";
import { chips } from "../../src/simulator/chips.ts";
import { clustersOf, coresOf, dictionary, list, number, parseDocument } from "./dictionary.ts";
import { documents, run } from "./run-tool.ts";

const cheap = "battery,network,disk,interrupts,cpu_power,thermal,sfi,gpu_power";

for (const [name, chip] of Object.entries(chips)) {
  test(`${name} prints documents that a property list parser reads`, async () => {
    const [first = "", second = "", ...more] = await documents(
      "--chip",
      name,
      "-s",
      cheap,
      "-n",
      "2",
      "-i",
      "1000",
    );
    assert.equal(more.length, 0);
    for (const text of [first, second]) {
      const document = parseDocument(text);
      assert.equal(document["hw_model"], chip.model);
      assert.equal(document["is_delta"], true);
      assert.equal("battery" in document, chip.battery);
      assert.ok(number(document["elapsed_ns"]) > 1e9);
    }
    assert.notEqual(first, second);
  });
}

const combinations = [
  { samplers: "cpu_power", has: ["processor"], lacks: ["gpu", "thermal_pressure"] },
  { samplers: "gpu_power", has: ["gpu"], lacks: ["processor"] },
  {
    samplers: "cpu_power,gpu_power,thermal",
    has: ["processor", "gpu", "thermal_pressure"],
    lacks: ["battery"],
  },
  { samplers: "battery", has: ["battery"], lacks: ["processor", "gpu", "network", "disk"] },
  { samplers: "network,disk", has: ["network", "disk"], lacks: ["interrupts"] },
  { samplers: "tasks", has: ["tasks", "all_tasks"], lacks: ["coalitions", "processor"] },
  {
    samplers: "default",
    has: ["tasks", "battery", "network", "disk", "interrupts", "processor", "gpu"],
    lacks: ["sfi"],
  },
  { samplers: "all", has: ["sfi", "thermal_pressure", "gpu"], lacks: [] },
];

for (const { samplers, has, lacks } of combinations) {
  test(`samplers ${samplers} decide which dictionaries are there`, async () => {
    const [text = ""] = await documents("--chip", "m4pro", "-s", samplers, "-n", "1", "--tasks", "3");
    const document = parseDocument(text);
    for (const key of has) assert.ok(key in document, `${key} is missing`);
    for (const key of lacks) assert.ok(!(key in document), `${key} should not be there`);
  });
}

test("a document is laid out as powermetrics does: no indentation, power keys on lines of their own, one final newline", async () => {
  const [text = ""] = await documents("--chip", "m4", "-s", "cpu_power", "-n", "1");
  assert.match(
    text,
    /^<\?xml version="1.0" encoding="UTF-8"\?>\n<!DOCTYPE plist [^\n]*>\n<plist version="1.0">\n<dict>\n/,
  );
  assert.match(
    text,
    /\n<key>cpu_energy<\/key>\n<integer>\d+<\/integer>\n<key>cpu_power<\/key>\n<real>[\d.]+<\/real>\n/,
  );
  assert.match(text, /\n<key>freq_hz<\/key><real>\d\.\d+e\+09<\/real>\n/);
  assert.match(text, /\n<key>processor<\/key>\n<dict>\n/);
  assert.ok(text.endsWith("\n</dict>\n</plist>\n"));
  assert.ok(!/^\s/m.test(text));
});

test("the stuck clusters of M3 and M4 say idle and 0 Hz while their cores are busy", async () => {
  for (const chip of ["m3", "m4"]) {
    const [text = ""] = await documents("--chip", chip, "-s", "cpu_power", "-n", "1");
    const document = parseDocument(text);
    for (const cluster of clustersOf(document)) {
      assert.equal(cluster["freq_hz"], 0);
      assert.equal(cluster["idle_ratio"], 1);
    }
    assert.ok(coresOf(document).some((core) => number(core["idle_ratio"]) < 0.9));
  }
});

test("down_ratio is there only on chips that park, and a parked cluster is neither idle nor online", async () => {
  const [plain = ""] = await documents("--chip", "m4", "-s", "cpu_power", "-n", "1");
  assert.ok(!plain.includes("down_ratio"));
  const [text = ""] = await documents(
    "--chip",
    "m3max",
    "-s",
    "cpu_power",
    "-n",
    "1",
    "--start",
    "2026-01-05T02:00:00Z",
  );
  const clusters = clustersOf(parseDocument(text));
  assert.deepEqual(
    clusters.map((it) => it["name"]),
    ["E-Cluster", "P0-Cluster", "P1-Cluster"],
  );
  const last = clusters.at(-1) ?? {};
  assert.deepEqual(
    [last["down_ratio"], last["idle_ratio"], last["online_ratio"], last["freq_hz"]],
    [1, 0, 0, 0],
  );
  for (const core of list(last["cpus"])) assert.deepEqual([core["down_ratio"], core["idle_ratio"]], [1, 0]);
});

test("online_ratio is reported by the clusters that report it on the real chip", async () => {
  const online = async (chip: string): Promise<readonly boolean[]> => {
    const [text = ""] = await documents("--chip", chip, "-s", "cpu_power", "-n", "1");
    return clustersOf(parseDocument(text)).map((cluster) => "online_ratio" in cluster);
  };
  assert.deepEqual(await online("m1"), [false, false]);
  assert.deepEqual(await online("m4"), [true, false]);
  assert.deepEqual(await online("m4pro"), [true, true, false]);
  assert.deepEqual(await online("m1pro"), [true, true, true]);
});

test("the M5 family's clusters are renamed in 26.4", async () => {
  const names = async (chip: string, os: string): Promise<readonly unknown[]> => {
    const [text = ""] = await documents("--chip", chip, "--os", os, "-s", "cpu_power", "-n", "1");
    return clustersOf(parseDocument(text)).map((cluster) => cluster["name"]);
  };
  assert.deepEqual(await names("m5max", "26.3"), ["M0-Cluster", "M1-Cluster", "P-Cluster"]);
  assert.deepEqual(await names("m5max", "26.4"), ["P0-Cluster", "P1-Cluster", "S-Cluster"]);
  assert.deepEqual(await names("m5", "26.3.1"), ["E-Cluster", "P-Cluster"]);
  assert.deepEqual(await names("m5", "27.0"), ["E-Cluster", "S-Cluster"]);
});

test("an Ultra lists clusters by die, so its core ids are not in order but unique", async () => {
  const [text = ""] = await documents("--chip", "m2ultra", "-s", "cpu_power", "-n", "1");
  const ids = coresOf(parseDocument(text)).map((core) => number(core["cpu"]));
  assert.equal(new Set(ids).size, 24);
  assert.notDeepEqual(
    ids,
    [...ids].sort((a, b) => a - b),
  );
});

test("GPU frequencies of an M4 Pro repeat, are not sorted, and the GPU alone reports energy but no power", async () => {
  const [text = ""] = await documents("--chip", "m4pro", "-s", "gpu_power", "-n", "1");
  const gpu = dictionary(parseDocument(text)["gpu"]);
  const steps = list(gpu["dvfm_states"]).map((state) => number(state["freq"]));
  assert.ok(new Set(steps).size < steps.length);
  assert.notDeepEqual(
    steps,
    [...steps].sort((a, b) => a - b),
  );
  assert.ok(Number.isInteger(gpu["gpu_energy"]));
  assert.ok(!("gpu_power" in gpu));
  assert.ok(number(gpu["freq_hz"]) < 2000, "freq_hz of a GPU is in MHz");
  assert.equal(list(gpu["sw_state"]).length, steps.length);
});

test("macOS 13 counts instructions and requests GPU frequencies; 12 measures package and memory", async () => {
  const [at13 = ""] = await documents("--chip", "m1", "--os", "13.3", "-s", "cpu_power,gpu_power", "-n", "1");
  assert.match(at13, /inst_per_clk/);
  assert.match(at13, /requested_freq/);
  assert.ok(!at13.includes("sw_state"));
  const [at12 = ""] = await documents("--chip", "m1", "--os", "12.6", "-s", "cpu_power", "-n", "1");
  const processor = dictionary(parseDocument(at12)["processor"]);
  assert.ok(number(processor["package_energy"]) > number(processor["cpu_energy"]));
  assert.ok(!("combined_power" in processor));
});

test("Intel speaks its dialect: watts, an array of GPUs, packages, and SMC sensors", async () => {
  const [text = ""] = await documents(
    "--chip",
    "intel",
    "-s",
    "cpu_power,gpu_power,smc,interrupts",
    "-n",
    "1",
  );
  const document = parseDocument(text);
  const processor = dictionary(document["processor"]);
  const watts = number(processor["package_watts"]);
  assert.ok(watts > 1 && watts < 90);
  const [cpuPackage = {}] = list(processor["packages"]);
  assert.equal(list(cpuPackage["cores"]).flatMap((core) => list(core["cpus"])).length, 16);
  assert.equal(list(document["GPU"])[0]?.["name"], "IntelIG");
  const smc = dictionary(document["smc"]);
  assert.ok(number(smc["cpu_die"]) > 30 && number(smc["cpu_die"]) < 105);
  assert.ok("vectors" in (list(document["interrupts"])[0] ?? {}));
});

test("virtual machines lack what they lack: power and frequency on Intel, the processor and its registry entry on Apple Silicon", async () => {
  const [intel = ""] = await documents("--chip", "intel-vm", "-s", "cpu_power,gpu_power", "-n", "1");
  const document = parseDocument(intel);
  assert.ok("processor" in document && !("GPU" in document));
  assert.ok(!/freq_hz|package_watts/.test(intel));
  const flags = [
    "--chip",
    "applesilicon-vm",
    "-f",
    "plist",
    "-s",
    "cpu_power,gpu_power",
    "-n",
    "1",
    "--no-pace",
  ];
  const apple = await run("powermetrics", flags);
  assert.ok(!/processor|gpu/.test(apple.stdout));
  assert.match(apple.stderr, /^ERROR: cannot find the IO registry entry/);
});

test("coalitions group the tasks; the dead have a coalition without an id", async () => {
  const flags = ["--chip", "m1pro", "-s", "tasks", "--tasks", "12", "-n", "1", "-i", "1000"];
  const [text = ""] = await documents(...flags, "--show-process-coalition");
  const document = parseDocument(text);
  const coalitions = list(document["coalitions"]);
  assert.ok(!("tasks" in document));
  assert.equal(coalitions.flatMap((it) => list(it["tasks"])).length, 13);
  const dead = coalitions.filter((it) => !("id" in it));
  assert.deepEqual(
    dead.map((it) => it["name"]),
    ["DEAD_TASKS_COALITION"],
  );
  const rows = coalitions.flatMap((it) => list(it["tasks"]));
  const used = rows.reduce((sum, task) => sum + number(task["cputime_ns"]), 0);
  assert.equal(used, dictionary(document["all_tasks"])["cputime_ns"]);
});
