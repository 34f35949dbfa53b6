/** Measures what turning snapshots into requests costs, and how large the requests are. */
import { resourceFromAttributes } from "@opentelemetry/resources";
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { serialize } from "prometheus-remote-write";
import { compress } from "snappyjs";
import { resourceMetrics } from "../support/resource-metrics.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { createHttpClient } from "../../src/runtime/http/client.ts";
import { otlpSchema } from "../../src/sink/otlp/schema.ts";
import { createOtlpSink } from "../../src/sink/otlp/sink.ts";
import { version1, version2 } from "../../src/sink/remote-write/classify.ts";
import { remoteWriteSchema } from "../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../src/sink/remote-write/sink.ts";
import type { EncodedBatch, Sink } from "../../src/sink/sink.ts";
import { comparison, type Bench, type Table } from "./report.ts";
import { interleaved } from "./timing.ts";
import { noonMs, snapshots } from "./workload.ts";

const identity = { job: "mac-powermetrics", instance: "Mac-Studio.local", externalLabels: {} };

export const encode: Bench = {
  name: "encode",
  question: "what does encoding cost, and how large are requests?",
  async run({ rounds, tell }) {
    await using client = createHttpClient({}, { clock: systemClock, env: {} });
    const remoteWrite = createRemoteWriteSink(
      remoteWriteSchema.parse({ url: "http://127.0.0.1:9/api/v1/write" }),
      {
        client,
        identity,
        version: "0.0.0",
      },
    );
    const otlp = (more: object): Sink =>
      createOtlpSink(otlpSchema.parse({ endpoint: "http://127.0.0.1:9", ...more }), {
        client,
        identity,
        host: {},
        version: "0.0.0",
        startedAt: 0,
      });
    const rows = snapshots(60, noonMs);
    const [row] = rows;
    if (row === undefined) throw new Error("unexpected workload: got no snapshot");
    const series = row.set.series.length;
    const next = cycle(rows);
    const resource = resourceFromAttributes({
      "service.name": identity.job,
      "service.instance.id": identity.instance,
    });

    tell("  remote write");
    const writes = await interleaved(
      {
        "ours, version 1": () => remoteWrite.encode({ snapshots: [next()] }, version1),
        "ours, version 2": () => remoteWrite.encode({ snapshots: [next()] }, version2),
        "prometheus-remote-write and snappyjs, version 1": async () =>
          compress(new Uint8Array(await serialize(request([next()])))),
      },
      { rounds, ms: 300 },
    );
    tell("  OTLP");
    const plain = otlp({ compression: "none" });
    const gzipped = otlp({});
    const exports = await interleaved(
      {
        "ours, protobuf": () => plain.encode({ snapshots: [next()] }, "protobuf"),
        "ours, protobuf, gzip": () => gzipped.encode({ snapshots: [next()] }, "protobuf"),
        "otlp-transformer, protobuf": () =>
          ProtobufMetricsSerializer.serializeRequest(resourceMetrics([next()], resource)),
        "otlp-transformer, JSON": () =>
          JsonMetricsSerializer.serializeRequest(resourceMetrics([next()], resource)),
      },
      { rounds, ms: 300 },
    );
    return [
      comparison(`Remote write, one snapshot of ${series} series, compressed`, "CPU µs", writes),
      comparison(`OTLP, one snapshot of ${series} series`, "CPU µs", exports),
      await sizes(remoteWrite, otlp({}), series),
    ];
  },
};

function cycle(rows: readonly Snapshot[]): () => Snapshot {
  let at = 0;
  return () => {
    const row = rows[at++ % rows.length];
    if (row === undefined) throw new Error("unexpected workload: got no snapshot");
    return row;
  };
}

/** What the package's codec takes, which is not what its types say: one entry a series, labels sorted as receivers ask. */
function request(batch: readonly Snapshot[]): Parameters<typeof serialize>[0] {
  const [first] = batch;
  const fixed = { job: identity.job, instance: identity.instance };
  const timeseries = (first?.set.series ?? []).map((one, column) => ({
    labels: Object.entries({ __name__: one.name, ...fixed, ...Object.fromEntries(one.labels) })
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ name, value })),
    samples: batch.map(({ values, time }) => ({ value: values[column] ?? NaN, timestamp: time })),
  }));
  return { timeseries } as unknown as Parameters<typeof serialize>[0];
}

function sizeOf({ bodies }: EncodedBatch): number {
  return bodies.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** Bytes a sample in requests of so many snapshots; a draining request is as full as 2000 samples allow. */
async function sizes(remoteWrite: Sink, otlp: Sink, series: number): Promise<Table> {
  const counts = [1, 5, 15, Math.floor(2000 / series)];
  const drained = snapshots(Math.floor(2000 / series), noonMs, 10_000);
  const rows: string[][] = [];
  for (const [at, count] of counts.entries()) {
    const batch = at === counts.length - 1 ? drained : snapshots(count, noonMs);
    const samples = count * series;
    const bytes = (sink: Sink, protocol: string): string =>
      (sizeOf(sink.encode({ snapshots: batch }, protocol)) / samples).toFixed(1);
    const packaged = compress(new Uint8Array(await serialize(request(batch))));
    rows.push([
      at === counts.length - 1 ? `${count} (draining, 10 s apart)` : String(count),
      bytes(remoteWrite, version1),
      bytes(remoteWrite, version2),
      bytes(otlp, "protobuf"),
      (packaged.length / samples).toFixed(1),
    ]);
  }
  return {
    title: `Bytes a sample of simulated values, ${series} series`,
    columns: [
      "snapshots in a request",
      "ours v1",
      "ours v2",
      "ours OTLP, gzip",
      "prometheus-remote-write, grouped as ours",
    ],
    rows,
    notes: ["aims on the wire are relative to the peers' own traffic; see peers and drain"],
  };
}
