/** The verbs that end by themselves: output, messages and exit codes as scripts see them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { parse } from "yaml";
import { readOpenMetrics, readPrometheus } from "../endpoint/exposition-reader.ts";
import {
  namesIn,
  program,
  run,
  shortIntervals,
  startCommand,
  temporaryFolder,
  until,
  type Ended,
} from "./agent.ts";
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
  const formats = ["prometheus", "openmetrics", "json", "table"] as const;
  const outputs: Ended[] = [];
  for (const format of formats) outputs.push(await run(["once", "--simulate", "--format", format]));
  for (const [index, { code, stderr }] of outputs.entries()) {
    assert.equal(code, 0, `${formats[index]}: ${stderr}`);
    assert.doesNotMatch(stderr, /cannot|unexpected/);
  }
  const [prometheus = "", openmetrics = "", json = "", table = ""] = outputs.map(({ stdout }) => stdout);
  for (const name of expected) assert.ok(namesIn(prometheus).has(name), name);
  assert.ok(readPrometheus(prometheus).length >= expected.length);
  assert.ok(readOpenMetrics(openmetrics).length >= expected.length);
  const snapshots = JSON.parse(json) as readonly JsonSnapshot[];
  assert.deepEqual(snapshots.map(({ source }) => source).toSorted(), [
    "pmset",
    "powermetrics",
    "sysctl",
    "vm_stat",
  ]);
  const inJson = new Set(snapshots.flatMap(({ samples }) => samples.map(({ name }) => name)));
  for (const name of expected) assert.ok(inJson.has(name), name);
  for (const name of expected) assert.match(table, new RegExp(`^ +${name}[{ ]`, "m"));
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
    assert.match(stderr, /--help|give --powermetrics/);
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

function isRecorded(folder: string, file: string): boolean {
  return existsSync(join(folder, file)) && statSync(join(folder, file)).size > 0;
}

test("record keeps what the tools print: replayed, it gives the values that it gives live", async (t) => {
  const folder = temporaryFolder(t);
  const recording = join(folder, "recording");
  const quick = join(folder, "quick.yaml");
  writeFileSync(quick, shortIntervals);
  const simulator = { MAC_POWERMETRICS_SIMULATE: "--chip m3max --seed 7" };
  const recorder = startCommand(t, ["record", recording, "--simulate", "--config", quick], simulator);
  await until(
    () =>
      isRecorded(recording, "powermetrics.plist") && isRecorded(recording, "vm_stat.txt") ? true : undefined,
    () => `nothing was recorded into ${recording}`,
  );
  const recorded = await recorder.stop();
  assert.equal(recorded.code, 0, recorded.stderr);
  assert.match(recorded.stderr, /^recorded \d+ reports, \d+ bytes, into /m);
  const again = await run(["record", recording, "--duration", "1s", "--simulate"], simulator);
  assert.equal(again.code, 1, "a recording is not written over");

  const stream = join(recording, "powermetrics.plist");
  const pages = join(folder, "pages.txt");
  const [, report = ""] = readFileSync(join(recording, "vm_stat.txt"), "utf8").split("Mach Virtual");
  writeFileSync(pages, `Mach Virtual${report}`);
  const replayed = await run(["replay", "--powermetrics", stream, "--vm-stat", pages, "--format", "jsonl"]);
  assert.equal(replayed.code, 0, replayed.stderr);

  // The same bytes once more, by way of child processes.
  const config = join(folder, "agent.yaml");
  const tool = join(folder, "tool.sh");
  writeFileSync(
    tool,
    `case "$*" in *--help*) cat <<END\n${await help()}END\n;; *-f*) cat '${stream}';; *) cat '${pages}';; esac\n`,
  );
  writeFileSync(
    config,
    `sources:
  powermetrics: { command: [/bin/sh, ${tool}] }
  vm_stat: { command: [/bin/sh, ${tool}] }
  sysctl: { enabled: false }
  pmset: { enabled: false }
`,
  );
  const live = await run(["once", "--format", "json", "--config", config]);
  assert.equal(live.code, 0, live.stderr);
  const before = replayed.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as JsonSnapshot);
  const now = JSON.parse(live.stdout) as readonly JsonSnapshot[];
  for (const source of ["powermetrics", "vm_stat"]) {
    const [first, same] = [before, now].map((all) => all.find((it) => it.source === source)?.samples);
    assert.ok((first?.length ?? 0) > 20);
    assert.deepEqual(same, first);
  }
});

async function help(): Promise<string> {
  return (await run(["simulate", "powermetrics", "--help"])).stdout;
}

test("a command that is no agent ends with its terminal", async (t) => {
  const folder = join(temporaryFolder(t), "recording");
  const child = spawn(process.execPath, [...program, "record", folder, "--simulate"], { stdio: "ignore" });
  const exited = once(child, "exit");
  t.after(() => child.kill("SIGKILL"));
  const index = join(folder, "record.jsonl");
  await until(
    () => (existsSync(index) && readFileSync(index, "utf8").includes("\n") ? true : undefined),
    () => "nothing was recorded",
  );
  child.kill("SIGHUP");
  assert.deepEqual(await exited, [0, null]);
});

test("replay reports what it cannot use: no file, no document, a torn end", async (t) => {
  const folder = temporaryFolder(t);
  const missing = await run(["replay", "--powermetrics", join(folder, "none.plist")]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^cannot replay \S+none\.plist: no such file/m);

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
