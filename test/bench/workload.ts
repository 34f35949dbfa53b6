/** What every benchmark works on: the simulator's documents, the real captures, and the snapshots they become. */
import { existsSync, readFileSync } from "node:fs";
import { neededSamplers } from "../../src/collector/index.ts";
import type { CollectorSettings } from "../../src/collector/collector.ts";
import { createOwnMeter } from "../../src/meter/own-meter.ts";
import { createSourcePipelines, type SourcePipelines } from "../../src/meter/source-pipeline.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import type { Metric } from "../../src/metric/metric.ts";
import { seriesKey } from "../../src/metric/series.ts";
import { familyHead, formatValue } from "../../src/metric/text.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { createFramer } from "../../src/source/frame.ts";
import { chips } from "../../src/simulator/chips.ts";
import { powermetricsDocument } from "../../src/simulator/powermetrics.ts";
import { samplersOf } from "../../src/simulator/arguments.ts";

/** The simulator's load follows the time of day: values of one time make runs comparable. */
export const noonMs = Date.UTC(2026, 0, 1, 12);

/** The simulated chip of a machine as most users have it. */
export const usualChip = "m4pro";

/** The simulated chip that comes closest to the 200 series that the aims are stated for. */
export const largeChip = "m3ultra";

const captures = new URL("../../../shared/captures/powermetrics/", import.meta.url);
export const noCaptures = existsSync(captures)
  ? undefined
  : "no captures beside the project (../shared/captures)";

export const settings: CollectorSettings = {
  tasks: { enabled: false, top: 10 },
  frequencyResidency: false,
  interrupts: false,
  simulated: true,
};

export interface Named {
  readonly name: string;
  readonly bytes: Buffer;
}

/** The first document of a capture. */
export function capture(file: string): Buffer {
  const frames: Buffer[] = [];
  const framer = createFramer({ onFrame: (frame) => void frames.push(Buffer.from(frame)) });
  framer.push(readFileSync(new URL(file, captures)));
  framer.end();
  const [first] = frames;
  if (first === undefined) throw new Error(`unexpected capture: got no document in ${file}, want one`);
  return first;
}

interface Wanted {
  readonly chip: string;
  readonly samplers?: readonly string[];
  readonly tasks?: number;
}

/** The simulator's document of the window that ends at `endMs`. */
export function simulated({ chip: name, samplers, tasks = 25 }: Wanted, endMs: number, number = 1): Buffer {
  const chip = chips[name];
  if (chip === undefined) throw new Error(`unexpected chip: got ${name}, want one that the simulator knows`);
  const host = { chip, os: chip.os, seed: 1 };
  const wanted: readonly string[] = samplers ?? neededSamplers(settings);
  const present = samplersOf(chip, host.os).all.filter((one) => wanted.includes(one));
  const text = powermetricsDocument({
    host,
    samplers: new Set(present),
    coalitions: false,
    tasks,
    faults: [],
    window: { startMs: endMs - 1000, endMs, elapsedNs: 1e9 },
    number,
    isDelta: true,
  });
  return Buffer.from(text);
}

/** The whole way from frame to snapshot, without the agent around it. */
export function pipelinesTo(publish: (snapshot: Snapshot) => void): SourcePipelines {
  return createSourcePipelines({ settings, own: createOwnMeter(0), log: silentLogger, publish });
}

/** One snapshot a second of a large machine, the last one at `endMs`; values move as the simulator moves them. */
export function snapshots(count: number, endMs: number, everyMs = 1000): Snapshot[] {
  const made: Snapshot[] = [];
  const pipelines = pipelinesTo((snapshot) => void made.push(snapshot));
  const first = Math.floor(endMs / 1000) * 1000 - (count - 1) * everyMs;
  for (let at = 0; at < count; at++) {
    const time = first + at * everyMs;
    pipelines.powermetrics.frame({ bytes: simulated({ chip: largeChip }, time, at + 1), receivedAt: time });
  }
  return made;
}

/** The same rows again at later times: bulk data without simulating each of a million windows. */
export function* repeated(
  rows: readonly Snapshot[],
  count: number,
  firstMs: number,
  everyMs: number,
): Generator<Snapshot> {
  for (let at = 0; at < count; at++) {
    const row = rows[at % rows.length];
    if (row !== undefined) yield { ...row, time: firstMs + at * everyMs, ended: [] };
  }
}

/** What a scraper sees of the same machine, one text a second; instance and job are the scraper's to add. */
export function expositions(count: number): readonly string[] {
  return snapshots(count, Date.now()).map(({ set, values }) => {
    const families = new Map<Metric, string[]>();
    set.series.forEach((series, at) => {
      const lines = families.get(series.metric) ?? [];
      families.set(series.metric, lines);
      lines.push(`${seriesKey(series)} ${formatValue(values[at] ?? NaN)}\n`);
    });
    return [...families].map(([metric, lines]) => familyHead(metric) + lines.join("")).join("");
  });
}
