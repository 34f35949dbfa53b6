/** What is in a request, read by decoders of their own and held against OpenTelemetry's serializers and exporter. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";
import { gunzipSync } from "node:zlib";
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-http";
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import fc from "../../support/property.ts";
import { resourceMetrics } from "../../support/resource-metrics.ts";
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import {
  batches,
  energy,
  faults,
  frequency,
  latency,
  noon,
  power,
  series,
  snapshot,
} from "../remote-write/batches.ts";
import { identity, metrics, sink } from "./encoding.ts";
import { decodeJson, decodeProtobuf, metricsOf, type MetricMessage } from "./messages.ts";
import { encodeAlone } from "../../support/encoded.ts";

const nanos = (ms: number): string => String(BigInt(ms) * 1_000_000n);

const buckets = (below: number, all: number): [ReturnType<typeof series>, number][] => [
  [series(latency, { le: "0.1" }, "test_latency_seconds_bucket"), below],
  [series(latency, { le: "+Inf" }, "test_latency_seconds_bucket"), all],
  [series(latency, {}, "test_latency_seconds_sum"), all / 2],
  [series(latency, {}, "test_latency_seconds_count"), all],
];

test("a request has one resource, one scope, and each metric once with the points of all its series", () => {
  const starts = { boot: noon - 5000, agent: noon - 1000 };
  const pairs = [
    [series(frequency, { core: "cpu0" }), 1e9],
    [series(frequency, { core: "cpu1" }), 2e9],
    [series(faults), 5_488_725_224],
    ...buckets(3, 5),
  ] as const;
  const batch = {
    snapshots: [snapshot(0, pairs, { starts }), snapshot(1, [[series(power), 7]], { starts })],
  };
  const body = encodeAlone(sink(), batch, "protobuf");
  assert.ok(body);
  assert.equal(body.samples, 8);
  const { resourceMetrics: resources } = decodeProtobuf(body.bytes);
  assert.equal(resources.length, 1);
  assert.deepEqual(resources[0]?.resource.attributes, {
    "service.name": "j",
    "service.instance.id": "i",
    "service.version": "1.2.3",
    "host.name": "mac.test",
    "host.id": "uuid",
    "host.arch": "arm64",
    "os.type": "darwin",
    "os.version": "15.1",
    "device.model.identifier": "Mac16,10",
  });
  assert.deepEqual(resources[0].scopeMetrics[0]?.scope, { name: "mac-powermetrics-agent", version: "1.2.3" });
  const time = { timeUnixNano: nanos(noon), flags: 0 };
  const gaugeAt = { ...time, startTimeUnixNano: "0" };
  assert.deepEqual(metrics(batch), [
    {
      name: "test_frequency_hertz",
      description: "Frequency of a core",
      unit: "",
      gauge: {
        dataPoints: [
          { ...gaugeAt, attributes: { core: "cpu0" }, asDouble: 1e9 },
          { ...gaugeAt, attributes: { core: "cpu1" }, asDouble: 2e9 },
        ],
      },
    },
    {
      name: "test_faults_total",
      description: "Faults since boot",
      unit: "",
      sum: {
        dataPoints: [
          { ...time, startTimeUnixNano: nanos(noon - 5000), attributes: {}, asDouble: 5_488_725_224 },
        ],
        aggregationTemporality: 2,
        isMonotonic: true,
      },
    },
    {
      name: "test_latency_seconds",
      description: "Latency of the test",
      unit: "",
      histogram: {
        dataPoints: [
          {
            ...time,
            startTimeUnixNano: nanos(noon - 1000),
            attributes: {},
            count: "5",
            sum: 2.5,
            bucketCounts: ["3", "2"],
            explicitBounds: [0.1],
          },
        ],
        aggregationTemporality: 2,
      },
    },
    {
      name: "test_power_milliwatts",
      description: "Power of the test",
      unit: "",
      gauge: { dataPoints: [{ ...gaugeAt, timeUnixNano: nanos(noon + 1000), attributes: {}, asDouble: 7 }] },
    },
  ]);
});

test("what is no finite number arrives as it is", () => {
  const values = [NaN, Infinity, -Infinity, -0, Number.MIN_VALUE, Number.MAX_VALUE];
  const batch = { snapshots: values.map((value, second) => snapshot(second, [[series(power), value]])) };
  const found = metrics(batch)[0]?.gauge?.dataPoints.map(({ asDouble }) => asDouble) ?? [];
  assert.ok(
    found.every((value, at) => Object.is(value, values[at])),
    String(found),
  );
});

test("a series that ended has a point with the flag and no value, a histogram with the shape it had", () => {
  const ended = [series(power), ...buckets(1, 2).map(([one]) => one)];
  const first = snapshot(0, [[series(power), 7], ...buckets(1, 2)]);
  const found = metrics({ snapshots: [first, snapshot(1, [], { ended })] });
  assert.deepEqual(found[0]?.gauge?.dataPoints.at(-1), {
    attributes: {},
    startTimeUnixNano: "0",
    timeUnixNano: nanos(noon + 1000),
    flags: 1,
  });
  const [value, mark] = found[1]?.histogram?.dataPoints ?? [];
  assert.deepEqual([value?.count, value?.flags, mark?.flags], ["2", 0, 1]);
  assert.deepEqual(
    [mark?.count, mark?.sum, mark?.bucketCounts, mark?.explicitBounds],
    ["0", 0, ["0", "0"], [0.1]],
  );
  assert.equal(encodeAlone(sink(), { snapshots: [snapshot(1, [], { ended })] }, "protobuf")?.marks, 2);
});

test("external labels are attributes of the points, and a series' own label wins", () => {
  const pairs = [
    [series(frequency, { core: "cpu0" }), 1],
    [series(power), 2],
  ] as const;
  const found = metrics({ snapshots: [snapshot(0, pairs)] }, {}, identity.externalLabels);
  assert.deepEqual(found[0]?.gauge?.dataPoints[0]?.attributes, { core: "cpu0", team: "platform" });
  assert.deepEqual(found[1]?.gauge?.dataPoints[0]?.attributes, { core: "loses", team: "platform" });
});

test("configured resource attributes join the agent's own or replace them", () => {
  const settings = { resource_attributes: { "host.name": "other", site: "office", "os.version": "" } };
  const body = encodeAlone(sink(settings), { snapshots: [snapshot(0, [[series(power), 1]])] }, "protobuf");
  const [found] = decodeProtobuf(body?.bytes ?? new Uint8Array()).resourceMetrics;
  const attributes = new Map(Object.entries(found?.resource.attributes ?? {}));
  assert.equal(attributes.get("host.name"), "other");
  assert.equal(attributes.get("site"), "office");
  assert.equal(attributes.has("os.version"), false);
});

test("what can't be told is counted: no usable time, a time twice, half a histogram", () => {
  const one = snapshot(0, [[series(power), 1]]);
  const half = snapshot(1, buckets(1, 2).slice(1, 3));
  const batch = { snapshots: [one, one, { ...one, time: NaN }, { ...one, time: 2 ** 53 - 1 }, half] };
  const body = encodeAlone(sink(), batch, "protobuf");
  assert.deepEqual(body?.dropped, { clock_backwards: 1, invalid: 4 });
  assert.equal(body.samples, 1);
  assert.equal(encodeAlone(sink(), { snapshots: [snapshot(0, [])] }, "protobuf"), undefined);
});

test("of a series that a set has twice the first sample is sent", () => {
  const twice = [1, 2].map((value) => [series(frequency, { core: "cpu0" }), value] as const);
  const batch = { snapshots: [snapshot(0, twice), snapshot(1, twice)] };
  const [found] = metrics(batch);
  assert.deepEqual(
    found?.gauge?.dataPoints.map(({ asDouble }) => asDouble),
    [1, 1],
  );
  assert.deepEqual(encodeAlone(sink(), batch, "protobuf")?.dropped, { clock_backwards: 2 });
});

test("any batch has the same points in both encodings, the same bytes each time, and accounts for every sample", () => {
  const binary = sink();
  fc.assert(
    fc.property(batches, (batch) => {
      const found = metrics(batch);
      const body = encodeAlone(binary, batch, "protobuf");
      const total = batch.snapshots.reduce((sum, { values }) => sum + values.length, 0);
      const dropped = Object.values(body?.dropped ?? {}).reduce((sum, count) => sum + count, 0);
      if (body === undefined) return;
      assert.equal(body.samples + dropped, total);
      assert.deepEqual(encodeAlone(binary, batch, "protobuf")?.bytes, body.bytes);
      const points = found.flatMap(({ gauge, sum }) => (gauge ?? sum)?.dataPoints ?? []);
      const expected = batch.snapshots.flatMap(({ set, values }) =>
        [...values].filter((_, at) => set.series[at]?.metric.type !== "histogram"),
      );
      const told = points.filter(({ flags }) => flags === 0).map(({ asDouble }) => asDouble);
      assert.deepEqual(sorted(told), sorted(expected));
    }),
    { numRuns: 60 },
  );
});

const sorted = (values: readonly (number | undefined)[]): string[] => values.map(String).toSorted();

/** Ours, without what the SDK's model has no word for: gauges have no start, and the scope no version. */
function asTheSdk(found: readonly MetricMessage[]): readonly MetricMessage[] {
  return found.map((metric) => {
    const dataPoints = metric.gauge?.dataPoints.map((point) => ({
      ...point,
      startTimeUnixNano: point.timeUnixNano,
    }));
    return dataPoints === undefined ? metric : { ...metric, gauge: { dataPoints } };
  });
}

const starts = { boot: noon - 86_400_000, agent: noon - 1 };
const plain: readonly Snapshot[] = [0, 1].map((second) =>
  snapshot(
    second,
    [
      [series(power), 90.5 + second],
      [series(frequency, { core: 'ü"\\\n🚀' }), 2 ** 40 + second],
      [series(faults), 5_488_725_224],
      [series(energy), 0.1],
      ...buckets(1, 2 ** 33 + second),
    ],
    { starts },
  ),
);

test("OpenTelemetry's serializers make the same of the same snapshots", () => {
  const sdk = resourceMetrics(plain, resourceFromAttributes({ "service.name": "j" }));
  const ours = asTheSdk(metrics({ snapshots: plain }));
  assert.deepEqual(
    ours,
    metricsOf(decodeProtobuf(ProtobufMetricsSerializer.serializeRequest(sdk) ?? new Uint8Array())),
  );
  assert.deepEqual(
    ours,
    metricsOf(decodeJson(JsonMetricsSerializer.serializeRequest(sdk) ?? new Uint8Array())),
  );
});

test("OpenTelemetry's exporter posts the same to the same endpoint", async () => {
  const bodies: Buffer[] = [];
  const paths: string[] = [];
  const server = createServer((incoming, answer) => {
    const chunks: Buffer[] = [];
    paths.push(incoming.url ?? "");
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      bodies.push(Buffer.concat(chunks));
      answer.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const exporter = new OTLPMetricExporter({ url: `http://127.0.0.1:${port}/v1/metrics` });
  const sdk = resourceMetrics(plain, resourceFromAttributes({ "service.name": "j" }));
  const code = await new Promise((resolve) => exporter.export(sdk, (result) => resolve(result.code)));
  await exporter.shutdown();
  server.closeAllConnections();
  server.close();
  assert.equal(code, 0);
  assert.deepEqual(paths, ["/v1/metrics"]);
  const [body] = bodies;
  assert.ok(body);
  assert.deepEqual(metricsOf(decodeJson(body)), asTheSdk(metrics({ snapshots: plain })));
});

test("gzip packs the same message", () => {
  const batch = { snapshots: plain };
  const packed = encodeAlone(sink({ compression: "gzip" }), batch, "protobuf");
  assert.ok(packed);
  assert.deepEqual(new Uint8Array(gunzipSync(packed.bytes)), encodeAlone(sink(), batch, "protobuf")?.bytes);
});
