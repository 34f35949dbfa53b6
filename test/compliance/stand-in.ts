/** Stands in for the scrape of an exposition: snapshots made from its text, encoded and sent by the sink alone. */
import assert from "node:assert/strict";
import { bootCounter, gauge, histogram, type Metric } from "../../src/metric/metric.ts";
import { labelPairs, seriesSet, type Series } from "../../src/metric/series.ts";
import { createSnapshotSequence, type Snapshot } from "../../src/meter/snapshot.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../src/sink/remote-write/sink.ts";
import { readPrometheus } from "../endpoint/exposition-reader.ts";

/** One snapshot for each scrape, a second apart, and the end of all series. */
export function snapshotsOf(scrapes: readonly string[], time: number): readonly Snapshot[] {
  const sequence = createSnapshotSequence("scrape");
  const all = scrapes.map((text, index) => {
    const read = readPrometheus(text).flatMap(({ name, type, help, samples }) => {
      const metric = metricOf(name, type, help);
      return [...samples].map(([line, value]) => [seriesOf(metric, line), value] as const);
    });
    const values = Float64Array.from(read, ([, value]) => value);
    return sequence.next(time + index * 1000, {}, seriesSet(read.map(([series]) => series)), values);
  });
  return [...all, ...[sequence.end(time + all.length * 1000, {})].filter((end) => end !== undefined)];
}

function metricOf(name: string, type: string, help: string): Metric {
  if (type === "histogram") return histogram(name, help);
  if (type !== "counter") return gauge(name, help);
  assert.ok(name.endsWith("_total"));
  return bootCounter(`${name.slice(0, -"_total".length)}_total`, help);
}

function seriesOf(metric: Metric, line: string): Series {
  const [, name = "", pairs = ""] = /^([^{]+)(?:\{(.*)\})?$/s.exec(line) ?? [];
  const labels = [...pairs.matchAll(/([a-zA-Z0-9_]+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, label = "", value = ""]) => [label, JSON.parse(`"${value}"`) as string] as const,
  );
  return { metric, name, labels: labelPairs(Object.fromEntries(labels)) };
}

/** In two batches: the first scrape, and the others. */
export async function sendAll(url: string, protocol: string, snapshots: readonly Snapshot[]): Promise<void> {
  const client = createHttpClient({}, { clock: systemClock, env: {} });
  const settings = remoteWriteSchema.parse({ url, protobuf_message: protocol });
  const identity = { job: "compliance", instance: "target.test", externalLabels: {} };
  await using sink = createRemoteWriteSink(settings, { client, identity, version: "0.0.0" });
  for (const batch of [snapshots.slice(0, 1), snapshots.slice(1)])
    for (const body of sink.encode({ snapshots: batch }, protocol).bodies)
      await sink.send(body, protocol, new AbortController().signal);
}
