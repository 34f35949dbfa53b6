/** `record` and `replay` of a folder: what is written, hidden, waited for and read again. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { openRecorder } from "../../src/source/recording.ts";
import type { SourceName } from "../../src/parse/sample.ts";
import { program, run, shortIntervals, startCommand, temporaryFolder, until } from "./agent.ts";

interface JsonSnapshot {
  readonly source: string;
  readonly samples: readonly unknown[];
}

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
  ioreg: { enabled: false }
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

test("record goes on until each source gave a report, and says which one it waits for", async (t) => {
  const folder = join(temporaryFolder(t), "recording");
  const config = join(temporaryFolder(t), "agent.yaml");
  writeFileSync(
    config,
    `sources:
  powermetrics: { interval: 2s }
  vm_stat: { enabled: false }
  sysctl: { enabled: false }
  pmset: { enabled: false }
  ioreg: { enabled: false }
`,
  );
  const recorded = await run(["record", folder, "--duration", "1ms", "--simulate", "--config", config]);
  assert.equal(recorded.code, 0, recorded.stderr);
  assert.match(
    recorded.stderr,
    /^the time is over; waiting for the first report of .*powermetrics \(interval 2 s\)$/m,
  );
  assert.ok(isRecorded(folder, "powermetrics.plist"));
  assert.match(readFileSync(join(folder, "powermetrics-help.txt"), "utf8"), /cpu_power/);
});

test("record names the sources that gave nothing, and fails", async (t) => {
  const folder = join(temporaryFolder(t), "recording");
  const config = join(temporaryFolder(t), "agent.yaml");
  writeFileSync(
    config,
    `sources:
  powermetrics: { enabled: false }
  vm_stat: { command: [/bin/sh, -c, "echo 'Mach Virtual Memory Statistics: (page size of 4096 bytes)'"] }
  sysctl: { command: [/bin/sh, -c, "exit 3"] }
  pmset: { enabled: false }
  ioreg: { enabled: false }
`,
  );
  const recorded = await run(["record", folder, "--duration", "1ms", "--config", config]);
  assert.equal(recorded.code, 1, recorded.stderr);
  assert.match(recorded.stderr, /^recorded nothing of sysctl$/m);
  assert.match(recorded.stderr, /^recorded 1 reports/m);
});

test("record hides what identifies the Mac, unless it is told not to", async (t) => {
  const config = join(temporaryFolder(t), "agent.yaml");
  const battery = join(temporaryFolder(t), "battery.plist");
  writeFileSync(
    battery,
    "<plist><array><dict><key>BatteryInstalled</key><true/><key>Serial</key><string>D86PLANTED012</string></dict></array></plist>",
  );
  const says = `(id=4711471147)\\t100%%; charged; 0:00 remaining present: true`;
  writeFileSync(
    config,
    `sources:
  powermetrics: { enabled: false }
  vm_stat: { enabled: false }
  sysctl: { command: [/bin/sh, -c, "printf 'kern.hostname: zoes-laptop.local\\nfrom 10.20.30.40 by /Users/zoe\\n'"] }
  pmset: { command: [/bin/sh, -c, "printf ' -InternalBattery-0 ${says}\\n'"] }
  ioreg: { gpu: false, command: [/bin/sh, -c, "cat ${battery}"] }
remote_write: [{ name: central-office, url: "https://metrics.intern.example/push" }]
`,
  );
  const secrets = ["D86PLANTED012", "4711471147", "zoes-laptop", "10.20.30.40", "/Users/zoe"];
  const recorded: string[][] = [];
  for (const flags of [[], ["--no-redact"]]) {
    const folder = join(temporaryFolder(t), "recording");
    const { code, stderr } = await run(["record", folder, "--duration", "1ms", "--config", config, ...flags]);
    assert.equal(code, 0, stderr);
    const text = ["ioreg.plist", "sysctl.txt", "pmset.txt"]
      .map((name) => readFileSync(join(folder, name), "utf8"))
      .join("");
    recorded.push(secrets.filter((secret) => text.includes(secret)));
    const replayed = await run(["replay", folder, "--format", "json"]);
    assert.equal(replayed.code, 0, replayed.stderr);
    assert.match(replayed.stdout, /pmset_battery_percent|battery/);
  }
  assert.deepEqual(recorded, [[], secrets]);
});

test("replay reads a recorded folder, and refuses a file of it that is not there", async (t) => {
  const folder = join(temporaryFolder(t), "recording");
  const opened = openRecorder(folder, 1_000_000);
  assert.ok(opened.ok);
  const write = (source: SourceName, text: string): void => {
    opened.recorder.write(source, { bytes: Buffer.from(text), receivedAt: Date.UTC(2026, 0, 1) });
  };
  write("vm_stat", "Mach Virtual Memory Statistics: (page size of 4096 bytes)\nPages free: 5.\n");
  write(
    "powermetrics",
    "<plist><dict><key>elapsed_ns</key><integer>1000000000</integer><key>timestamp</key><date>2026-01-01T00:00:00Z</date><key>thermal_pressure</key><string>Nominal</string></dict></plist>",
  );
  opened.recorder[Symbol.dispose]();
  const { code, stdout } = await run(["replay", folder, "--format", "json"]);
  assert.equal(code, 0);
  const sources = (JSON.parse(stdout) as readonly JsonSnapshot[]).map(({ source }) => source);
  assert.deepEqual(sources.toSorted(), ["powermetrics", "vm_stat"]);
  const without = join(temporaryFolder(t), "recording");
  const other = openRecorder(without, 1_000_000);
  assert.ok(other.ok);
  other.recorder.write("sysctl", { bytes: Buffer.from("hw.memsize: 4096\n"), receivedAt: 0 });
  other.recorder[Symbol.dispose]();
  const missing = await run(["replay", "--powermetrics", join(without, "powermetrics.plist")]);
  assert.deepEqual([missing.code, missing.stdout], [1, ""]);
  assert.match(missing.stderr, /^cannot replay \S+powermetrics\.plist: no such file/m);
  assert.equal((await run(["replay", folder, "--vm-stat", join(folder, "vm_stat.txt")])).code, 2);
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
