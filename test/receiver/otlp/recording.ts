/** Records hours of a simulated Mac that reboots half-way, as files for `replay`. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootTimeMs } from "../../../src/simulator/mac.ts";
import { simulate, type SimulatedTool } from "../../../src/simulator/simulate.ts";
import { systemClock } from "../../../src/runtime/clock.ts";

export interface Recording {
  readonly powermetrics: string;
  readonly vmStat: string;
  /** Reports in each of the files. */
  readonly reports: number;
}

const stepMs = 60_000;

/** Ends now, a minute from report to report. */
export async function recordReboot(folder: string, hours: number): Promise<Recording> {
  const now = Date.now();
  const half = (hours * 3_600_000) / stepMs / 2;
  const [before = 1, after = 2] = bootedLongAgoAndLately(now);
  const documents: string[] = [];
  const tables: string[] = [];
  for (const [index, seed] of [before, after].entries()) {
    const start = now - (2 - index) * half * stepMs;
    documents.push(await documentsOf(seed, start, half));
    for (let report = 1; report <= half; report++)
      tables.push(await print("vm_stat", ["--seed", String(seed), "--start", iso(start + report * stepMs)]));
  }
  const recording = {
    powermetrics: join(folder, "powermetrics"),
    vmStat: join(folder, "vm_stat"),
    reports: 2 * half,
  };
  writeFileSync(recording.powermetrics, documents.join("\0"));
  writeFileSync(recording.vmStat, tables.join(""));
  return recording;
}

/** Two Macs alike but for their uptime: what is told by the first and then by the second is a reboot. */
function bootedLongAgoAndLately(now: number): readonly (number | undefined)[] {
  const seeds = Array.from({ length: 20 }, (_, seed) => seed).toSorted(
    (a, b) => bootTimeMs(a, now) - bootTimeMs(b, now),
  );
  return [seeds[0], seeds.at(-1)];
}

function documentsOf(seed: number, start: number, count: number): Promise<string> {
  const own = ["-f", "plist", "-s", "cpu_power,gpu_power,thermal", "-i", String(stepMs), "-n", String(count)];
  return print("powermetrics", [...own, "--no-pace", "--seed", String(seed), "--start", iso(start)]);
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

async function print(tool: SimulatedTool, argv: readonly string[]): Promise<string> {
  let text = "";
  const write = (bytes: string): Promise<boolean> => {
    text += bytes;
    return Promise.resolve(true);
  };
  const stderr = { write: (bytes: string) => Promise.resolve(assert.fail(bytes)) };
  const world = { stdout: { write }, stderr, clock: systemClock, signal: new AbortController().signal };
  assert.equal(await simulate(tool, argv, world), 0);
  return text;
}
