/** `replay` on what powermetrics wrote, value by value against Python's plistlib and the rules of the metric contract. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { findReceiver, skipWithout } from "../support/receivers.ts";
import { run, temporaryFolder, valueOf } from "./agent.ts";

const captures = fileURLToPath(new URL("../../../shared/captures/", import.meta.url));
const withoutCaptures = existsSync(captures) ? false : "no captures beside the project (../shared/captures)";
const oracle = fileURLToPath(new URL("oracle.py", import.meta.url));
const ioregOracle = fileURLToPath(new URL("ioreg_oracle.py", import.meta.url));
const withoutPython = skipWithout("python3");

/** What the fixed metrics and their close relatives are called: of these nothing may be there that the oracle has not. */
const judged =
  /^powermetrics_((cpu|gpu|ane|combined)_power_milliwatts|cpu_(frequency_hertz|(active|idle)_residency_percent)\{|gpu_(frequency_hertz|(active|idle)_residency_percent)|(cpu|gpu|ane)_energy_joules_total|sample_duration_seconds)/;

function expectedOf(file: string): ReadonlyMap<string, number> {
  const answer = execFileSync(findReceiver("python3") ?? "python3", [oracle, file], { encoding: "utf8" });
  return new Map(Object.entries(JSON.parse(answer) as Record<string, number>));
}

async function assertAgrees(file: string): Promise<void> {
  const { code, stdout, stderr } = await run(["replay", "--powermetrics", file]);
  assert.equal(code, 0, stderr);
  const expected = expectedOf(file);
  for (const [series, want] of expected) {
    const got = valueOf(stdout, series);
    assert.ok(got !== undefined, `${basename(file)}: no ${series}`);
    assert.ok(
      Math.abs(got - want) <= 1e-9 * Math.max(1, Math.abs(want)),
      `${series}: got ${got}, want ${want}`,
    );
  }
  const shown = stdout
    .split("\n")
    .filter((line) => judged.test(line))
    .map((line) => line.slice(0, line.lastIndexOf(" ")));
  assert.deepEqual(
    shown.filter((series) => !expected.has(series)),
    [],
    basename(file),
  );
}

test(
  "every capture comes out as Python's plistlib reads it",
  { skip: withoutCaptures || withoutPython },
  async () => {
    const folder = join(captures, "powermetrics");
    const files = readdirSync(folder).filter((name) => name.endsWith(".plist"));
    assert.ok(files.length >= 8);
    for (const name of files) await assertAgrees(join(folder, name));
  },
);

test(
  "every capture of ioreg comes out as Python's plistlib reads it",
  { skip: withoutCaptures || withoutPython },
  async () => {
    const folder = join(captures, "ioreg");
    const files = readdirSync(folder).filter((name) => /^(battery|accelerator)/.test(name));
    assert.ok(files.length >= 8);
    for (const name of files) await assertIoregAgrees(join(folder, name));
  },
);

test(
  "ioreg of simulated machines comes out as Python's plistlib reads it",
  { skip: withoutPython },
  async (t) => {
    const folder = temporaryFolder(t);
    for (const chip of ["m1", "m4", "m5pro", "intel"])
      for (const [subject, os] of [
        ["AppleSmartBattery", ""],
        ["AppleSmartBattery", "27.0"],
        ["IOAccelerator", ""],
      ] as const) {
        const version = os === "" ? [] : ["--os", os];
        const argv = ["simulate", "ioreg", "--chip", chip, ...version, "-a", "-r", "-c", subject];
        const { code, stdout, stderr } = await run(argv);
        assert.equal(code, 0, stderr);
        const file = join(folder, `${chip}.plist`);
        writeFileSync(file, stdout);
        await assertIoregAgrees(file);
      }
  },
);

async function assertIoregAgrees(file: string): Promise<void> {
  const answer = execFileSync(findReceiver("python3") ?? "python3", [ioregOracle, file], {
    encoding: "utf8",
  });
  const expected = Object.entries(JSON.parse(answer) as Record<string, number>);
  const { stdout, stderr } = await run(["replay", "--ioreg", file]);
  for (const [series, want] of expected) {
    const got = valueOf(stdout, series) ?? NaN;
    assert.ok(
      Math.abs(got - want) <= 1e-9 * Math.max(1, Math.abs(want)),
      `${series}: got ${got}, want ${want}`,
    );
  }
  const shown = stdout.split("\n").filter((line) => line.startsWith("ioreg_"));
  assert.equal(shown.length, expected.length, `${basename(file)}: ${stderr}${shown.join("\n")}`);
}

/** A time at which some cores are so busy that rounding takes the sum of their states beyond 1. */
const busy = ["--seed", "11", "--start", "2026-01-05T08:00:00Z"];

test(
  "streams of simulated machines come out as Python's plistlib reads them",
  { skip: withoutPython },
  async (t) => {
    const folder = temporaryFolder(t);
    for (const chip of ["m1", "m3max", "m4", "m5max", "intel"]) {
      const samplers = chip === "intel" ? "cpu_power" : "cpu_power,gpu_power,ane_power,thermal";
      const argv = ["simulate", "powermetrics", "-f", "plist", "-i", "500", "-n", "4", "-s", samplers];
      const { code, stdout, stderr } = await run([...argv, "--no-pace", "--chip", chip, ...busy]);
      assert.equal(code, 0, stderr);
      const file = join(folder, `${chip}.plist`);
      writeFileSync(file, stdout);
      await assertAgrees(file);
    }
  },
);

test("values that were read from captures by hand hold", { skip: withoutCaptures }, async () => {
  const powermetrics = join(captures, "powermetrics");
  const find = (prefix: string): string =>
    join(powermetrics, readdirSync(powermetrics).find((name) => name.startsWith(prefix)) ?? prefix);

  const m4 = await run(["replay", "--powermetrics", find("m4-"), "--format", "jsonl"]);
  const [first] = m4.stdout.split("\n").map((line) => line);
  const { samples } = JSON.parse(first ?? "") as {
    samples: { name: string; labels: { core?: string }; value: number }[];
  };
  const value = (name: string, core?: string): number | undefined =>
    samples.find((it) => it.name === name && it.labels.core === core)?.value;
  assert.equal(value("powermetrics_cpu_active_residency_percent", "cpu0")?.toFixed(2), "7.12");
  assert.equal(value("powermetrics_cpu_frequency_hertz", "cpu7"), 0);
  assert.equal(value("powermetrics_combined_power_milliwatts"), 31.6855);

  const m3max = await run(["replay", "--powermetrics", find("m3max")]);
  assert.equal(valueOf(m3max.stdout, 'powermetrics_cpu_active_residency_percent{core="cpu10"}'), 0);
  assert.equal(valueOf(m3max.stdout, 'powermetrics_cpu_down_residency_percent{core="cpu10"}'), 100);
  const cluster =
    valueOf(m3max.stdout, 'powermetrics_cluster_active_residency_percent{cluster="E-Cluster"}') ?? NaN;
  assert.ok(cluster > 0.5 && cluster < 2.5, `got ${cluster}`);

  const m4pro = await run(["replay", "--powermetrics", find("m4pro-macos15.5_24F74-gpu")]);
  assert.equal(valueOf(m4pro.stdout, "powermetrics_gpu_frequency_hertz"), 338_000_000);
  assert.doesNotMatch(m4pro.stdout, /powermetrics_cpu_power_milliwatts/);

  const m3ultra = await run([
    "replay",
    "--vm-stat",
    join(captures, "vm_stat", "m3ultra-macos26.3_25D2128-snapshot.txt"),
  ]);
  const pages = {
    vmstat_faults_total: 5488725224,
    vmstat_pages_cow_faults_total: 99749569,
    vmstat_pages_decompressed_total: 512,
    vmstat_pages_compressed_total: 3245,
    vmstat_pages_compressor_count: 2733,
    vmstat_compressor_occupied_pages: 610,
    vmstat_page_size_bytes: 16384,
  };
  for (const [series, want] of Object.entries(pages))
    assert.equal(valueOf(m3ultra.stdout, series), want, series);
});
