/** What sinks remember: of series that come and go bytes of their own, since a piece of Node's pool holds all of it, and of batches the last. */
import assert from "node:assert/strict";
import test from "node:test";
import { gauge } from "../../src/metric/metric.ts";
import { labelPairs, seriesSet } from "../../src/metric/series.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { receiversOf, type SinkBlocks } from "../../src/sink/index.ts";
import { otlpSchema } from "../../src/sink/otlp/schema.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { collectGarbage, collectNewGarbage } from "../soak/measure.ts";
import { sinkContext } from "../support/sink-context.ts";
import { deadClient } from "./remote-write/clients.ts";

const url = "http://127.0.0.1/";
const none: SinkBlocks = { remote_write: [], otlp: [], pushgateway: [] };
const remoteWrite = (message: "prometheus.WriteRequest" | "io.prometheus.write.v2.Request"): SinkBlocks => ({
  ...none,
  remote_write: [remoteWriteSchema.parse({ url, protobuf_message: message })],
});
const sinks: Readonly<Record<string, SinkBlocks>> = {
  "remote write 1": remoteWrite("prometheus.WriteRequest"),
  "remote write 2": remoteWrite("io.prometheus.write.v2.Request"),
  OTLP: { ...none, otlp: [otlpSchema.parse({ endpoint: "http://127.0.0.1" })] },
};
const power = gauge("power_watts", "Power drawn", ["task"]);
const programs = 300;

for (const [name, blocks] of Object.entries(sinks))
  test(`${name}: ${programs} programs that came and went leave less than 2 KB each`, async () => {
    const [receiver] = receiversOf(blocks);
    assert.ok(receiver);
    const sink = await receiver.open(sinkContext(() => deadClient));
    const grow = (from: number, to: number): number => {
      for (let at = from; at < to; at++) {
        sink.encode({ snapshots: [snapshotOf(at)] }, sink.protocols[0]);
        usePool();
      }
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    const before = grow(0, 2);
    const after = grow(2, 2 + programs);
    assert.ok(after - before < programs * 2048, `${after - before} bytes`);
    await sink[Symbol.asyncDispose]();
  });

for (const [name, blocks] of Object.entries(sinks))
  test(`${name}: what a batch was made from goes with the next collection of new objects`, async () => {
    const [receiver] = receiversOf(blocks);
    assert.ok(receiver);
    const sink = await receiver.open(sinkContext(() => deadClient));
    const encode = (count: number): void => {
      for (let at = 0; at < count; at++) sink.encode({ snapshots: [wide] }, sink.protocols[0]);
    };
    encode(10);
    // Moves the latest batch to the old objects.
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    encode(300);
    collectNewGarbage();
    const grown = process.memoryUsage().heapUsed - before;
    assert.ok(grown < 2e6, `${grown} bytes`);
    await sink[Symbol.asyncDispose]();
  });

const wide = snapshotOf(...Array.from({ length: 200 }, (_, at) => at));

function snapshotOf(...programs: readonly number[]): Snapshot {
  const set = seriesSet(
    programs.map((at) => ({
      metric: power,
      name: power.name,
      labels: labelPairs({ task: `program ${at}` }),
    })),
  );
  const time = Date.UTC(2026, 0, 1) + (programs[0] ?? 0) * 1000;
  return { source: "powermetrics", time, starts: {}, set, values: Float64Array.from(programs), ended: [] };
}

/** As everything else in the process does meanwhile. */
function usePool(): void {
  for (let used = 0; used < 2 * Buffer.poolSize; used += 1024) Buffer.allocUnsafe(1024);
}
