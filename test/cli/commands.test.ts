/** The verbs that end by themselves: output, messages and exit codes as scripts see them. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parse } from "yaml";
import { readOpenMetrics, readPrometheus } from "../endpoint/exposition-reader.ts";
import { namesIn, run, temporaryFolder, type Ended } from "./agent.ts";
import { fixedMetrics, temperature } from "./contract.ts";

const expected = fixedMetrics.filter((name) => name !== temperature);

interface JsonSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

interface JsonSnapshot {
  readonly source: string;
  readonly time: string;
  readonly samples: readonly JsonSample[];
}

test("once prints one sample of each source in every format", async () => {
  const formats = ["prometheus", "openmetrics", "json", "table", "summary"] as const;
  const outputs: Ended[] = [];
  for (const format of formats) outputs.push(await run(["once", "--simulate", "--format", format]));
  for (const [index, { code, stderr }] of outputs.entries()) {
    assert.equal(code, 0, `${formats[index]}: ${stderr}`);
    assert.doesNotMatch(stderr, /cannot|unexpected/);
  }
  const [prometheus = "", openmetrics = "", json = "", table = "", summary = ""] = outputs.map(
    ({ stdout }) => stdout,
  );
  for (const name of expected) assert.ok(namesIn(prometheus).has(name), name);
  assert.ok(readPrometheus(prometheus).length >= expected.length);
  assert.ok(readOpenMetrics(openmetrics).length >= expected.length);
  const snapshots = JSON.parse(json) as readonly JsonSnapshot[];
  assert.deepEqual(snapshots.map(({ source }) => source).toSorted(), [
    "ioreg",
    "pmset",
    "powermetrics",
    "sysctl",
    "vm_stat",
  ]);
  const inJson = new Set(snapshots.flatMap(({ samples }) => samples.map(({ name }) => name)));
  for (const name of expected) assert.ok(inJson.has(name), name);
  for (const name of expected) assert.match(table, new RegExp(`^ +${name}[{ ]`, "m"));
  assert.match(summary, /^CPU power +\d.*W +\d.* % active$/m);
});

test("metrics --format json lists the catalogue with the fixed metrics in it", async () => {
  const { code, stdout } = await run(["metrics", "--format", "json"]);
  assert.equal(code, 0);
  const rows = JSON.parse(stdout) as readonly {
    name: string;
    type: string;
    help: string;
    labels: string[];
  }[];
  const types = new Map(rows.map(({ name, type }) => [name, type]));
  for (const name of fixedMetrics) {
    assert.equal(types.get(name), name.endsWith("_total") ? "counter" : "gauge", name);
  }
  assert.equal(types.size, rows.length, "no name twice");
  assert.ok(rows.every(({ help }) => help.length > 10));
});

test("check names each of five mistakes with line and column, and gives 78", async (t) => {
  const file = join(temporaryFolder(t), "agent.yaml");
  const lines = [
    "sources:",
    "  powermetrics: { interval: 10 }",
    "  vm_stats: { enabled: true }",
    "journal:",
    "  max_size: lots",
    "web:",
    "  listen_addresses: [nowhere]",
    "log: { level: loud }",
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const { code, stdout, stderr } = await run(["check", "--config", file]);
  assert.equal(code, 78);
  assert.equal(stdout, "");
  const places = stderr
    .trimEnd()
    .split("\n")
    .map((line) => /^(.*):(\d+):(\d+): /.exec(line)?.slice(1));
  assert.deepEqual(
    places.map((place) => place?.join(":")),
    [
      [2, 29],
      [3, 3],
      [5, 13],
      [7, 22],
      [8, 15],
    ].map(([line, column]) => `${file}:${line}:${column}`),
    stderr,
  );
});

test("run refuses a bad configuration with 78 before anything starts", async (t) => {
  const file = join(temporaryFolder(t), "agent.yaml");
  writeFileSync(file, "sources: { powermetrics: { intervall: 1s } }\n");
  const { code, stderr } = await run(["run", "--simulate", "--config", file]);
  assert.equal(code, 78);
  assert.match(stderr, /:1:\d+: .*intervall.*interval/);
});

test("a wrong call gives 2, says what to do, and prints nothing on standard output", async () => {
  const calls = [["run", "--bogus"], ["frobnicate"], ["once", "--format", "xml"], ["replay"], ["record"]];
  const ends = await Promise.all(calls.map((argv) => run(argv)));
  for (const [index, { code, stdout, stderr }] of ends.entries()) {
    assert.equal(code, 2, calls[index]?.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, /--help|give a FOLDER/);
  }
});

test("--help and --version answer on standard output with 0", async () => {
  const [help, version] = await Promise.all([run(["--help"]), run(["--version"])]);
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  for (const verb of ["run", "once", "replay", "record", "simulate", "check", "config", "metrics"]) {
    assert.match(help.stdout, new RegExp(`^ +${verb}\\b`, "m"));
  }
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
});

test("config prints an example, a schema and what is in force, each readable by its own kind of parser", async () => {
  const [example, schema, printed] = await Promise.all(
    ["example", "schema", "print"].map((what) => run(["config", what])),
  );
  assert.deepEqual([example?.code, schema?.code, printed?.code], [0, 0, 0]);
  assert.ok("sources" in (parse(example?.stdout ?? "") as object));
  assert.ok("properties" in (JSON.parse(schema?.stdout ?? "") as object));
  assert.ok("journal" in (parse(printed?.stdout ?? "") as object));
});

test("replay reports what it cannot use: no file, no document, a torn end", async (t) => {
  const folder = temporaryFolder(t);
  const missing = await run(["replay", "--powermetrics", join(folder, "none.plist")]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^cannot replay \S+none\.plist: no such file/m);

  const pages = join(folder, "vm_stat.txt");
  writeFileSync(pages, "");
  const oneOfTwo = await run(["replay", "--powermetrics", join(folder, "none.plist"), "--vm-stat", pages]);
  assert.equal(oneOfTwo.code, 1);
  assert.match(oneOfTwo.stderr, /^cannot replay \S+none\.plist: no such file/m);

  const empty = join(folder, "empty.plist");
  writeFileSync(empty, "");
  const nothing = await run(["replay", "--powermetrics", empty]);
  assert.equal(nothing.code, 1);
  assert.match(nothing.stderr, /got no complete report, want at least one/);

  const stream = await run([
    "simulate",
    "powermetrics",
    "-f",
    "plist",
    "-i",
    "20",
    "-n",
    "3",
    "-s",
    "cpu_power",
    "--no-pace",
  ]);
  const whole = stream.stdout.lastIndexOf("<?xml");
  const torn = join(folder, "torn.plist");
  writeFileSync(torn, `second\0lines of noise\n${stream.stdout.slice(0, whole + 2000)}`);
  const usable = await run(["replay", "--powermetrics", torn, "--format", "jsonl"]);
  assert.equal(usable.code, 0, usable.stderr);
  assert.equal(usable.stdout.trimEnd().split("\n").length, 2);
  assert.match(usable.stderr, /left out/);
});
