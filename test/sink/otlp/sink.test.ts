/** The sink as delivery sees it: where and how it sends, what it remembers between batches. */
import assert from "node:assert/strict";
import test from "node:test";
import { gunzipSync } from "node:zlib";
import type { HttpClient, HttpFailure, HttpReply } from "../../../src/runtime/http/client.ts";
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import { otlpSchema } from "../../../src/sink/otlp/schema.ts";
import { createOtlpSink } from "../../../src/sink/otlp/sink.ts";
import type { Body, Sink } from "../../../src/sink/sink.ts";
import { energy, faults, latency, noon, power, series, snapshot } from "../remote-write/batches.ts";
import { deadClient, receivedAt, response, toldClient } from "../remote-write/clients.ts";
import { decodeJson, decodeProtobuf, metricsOf } from "./messages.ts";
import { encodeAlone, type OnlyBody } from "../../support/encoded.ts";

const never = new AbortController().signal;

function sink(client: HttpClient, settings: object = {}): Sink {
  const address = "metrics_endpoint" in settings ? {} : { endpoint: "https://u:secret@collector.test:4318" };
  const parsed = otlpSchema.parse({ ...address, ...settings });
  const identity = { job: "j", instance: "i", externalLabels: {} };
  return createOtlpSink(parsed, { client, identity, host: {}, version: "1.2.3", startedAt: noon });
}

function body(through: Sink, snapshots: readonly Snapshot[]): OnlyBody {
  const encoded = encodeAlone(through, { snapshots }, through.protocols[0]);
  assert.ok(encoded);
  return encoded;
}

const one = [snapshot(0, [[series(power), 7]])];

test("a request says what it is, and has the bytes it was given", async () => {
  const client = toldClient(response(200));
  const binary = sink(client, { timeout: "3s" });
  const encoded = body(binary, one);
  await binary.send(encoded, "protobuf", never);
  const json = sink(client, { encoding: "json", compression: "none" });
  await json.send(body(json, one), "json", never);
  const [first, second] = client.requests;
  assert.deepEqual(first?.headers, {
    "content-type": "application/x-protobuf",
    "content-encoding": "gzip",
    "user-agent": "mac-powermetrics-agent/1.2.3",
  });
  assert.deepEqual([first.method, first.timeoutMs, first.body], ["POST", 3000, encoded.bytes]);
  assert.equal(first.signal, never);
  assert.deepEqual(second?.headers, {
    "content-type": "application/json",
    "user-agent": "mac-powermetrics-agent/1.2.3",
  });
});

test("a failure at the port of OTLP over gRPC names the port of OTLP over HTTP", async () => {
  const failure = (code: HttpFailure["code"]): HttpReply => ({
    kind: "failure",
    code,
    reason: "cannot",
    durationMs: 1,
  });
  const reason = async (endpoint: string, code: HttpFailure["code"]): Promise<string | undefined> =>
    (await sink(toldClient(failure(code)), { metrics_endpoint: endpoint }).probe("protobuf", never)).outcome
      .reason;
  for (const code of ["protocol", "reset"] as const) {
    assert.equal(
      await reason("http://c.test:4317", code),
      "cannot; 4317 is the port of OTLP over gRPC, over HTTP it is 4318",
    );
    assert.equal(await reason("http://c.test:4318", code), "cannot");
  }
  assert.equal(await reason("http://c.test:4317", "dns"), "cannot");
});

test("a base endpoint gets the path of metrics, a full one is used as it is", async () => {
  const path = async (settings: object): Promise<string | undefined> => {
    const client = toldClient(response(200));
    await sink(client, settings).probe("protobuf", never);
    return client.requests[0]?.url.href;
  };
  assert.equal(await path({ endpoint: "http://c.test:4318" }), "http://c.test:4318/v1/metrics");
  assert.equal(await path({ endpoint: "http://c.test/" }), "http://c.test/v1/metrics");
  assert.equal(await path({ endpoint: "http://c.test/otlp/?a=b" }), "http://c.test/otlp/v1/metrics?a=b");
  assert.equal(await path({ metrics_endpoint: "http://c.test" }), "http://c.test/");
  assert.equal(
    await path({ metrics_endpoint: "http://c.test/my/v1/metrics/" }),
    "http://c.test/my/v1/metrics/",
  );
});

test("one endpoint is needed, and a full one under the wrong name is told", () => {
  const message = (settings: object): string =>
    otlpSchema
      .safeParse(settings)
      .error?.issues.map(({ message: text }) => text)
      .join() ?? "";
  const both = { endpoint: "http://c.test", metrics_endpoint: "http://c.test" };
  for (const settings of [{}, both]) assert.match(message(settings), /^must be given as exactly one of/);
  assert.match(message({ endpoint: "http://c.test/v1/metrics" }), /use metrics_endpoint/);
  assert.match(message({ endpoint: "grpc://c.test" }), /http or https URL/);
  assert.equal(message({ metrics_endpoint: "http://c.test/v1/metrics" }), "");
});

test("a probe is an empty message in either encoding, and its answer counts like any other", async () => {
  const client = toldClient(response(200, { date: new Date(receivedAt - 4000).toUTCString() }));
  const binary = sink(client);
  const { outcome, skewMs } = await binary.probe("protobuf", never);
  assert.deepEqual(outcome, { status: "delivered", code: "200", rejected: 0 });
  assert.equal(skewMs, -4000);
  await sink(client, { encoding: "json" }).probe("json", never);
  const [first, second] = client.requests.map((request) => gunzipSync(request.body ?? new Uint8Array()));
  assert.deepEqual(decodeProtobuf(first ?? new Uint8Array()), { resourceMetrics: [] });
  assert.deepEqual(decodeJson(second ?? new Uint8Array()), { resourceMetrics: [] });
  assert.equal((await sink(toldClient(response(401))).probe("protobuf", never)).outcome.status, "refused");
});

test("renewing and ending reach the connection", async () => {
  const client = toldClient(response(200));
  const through = sink(client, { queue_config: { max_samples_per_send: 7 } });
  through.renew();
  await through[Symbol.asyncDispose]();
  assert.deepEqual([client.renewed, client.ended, through.maxSamples], [1, 1, 7]);
});

/** One second's totals. */
function totals(second: number, value: number, start = noon - 60_000): Snapshot {
  return snapshot(second, [[series(faults), value]], { starts: { boot: start } });
}

interface Change {
  readonly from: number;
  readonly to: number;
  readonly value: number | undefined;
}

/** Seconds since noon. */
function changes({ bytes }: Pick<Body, "bytes">): readonly Change[] {
  const second = (nanos: string): number => Number(BigInt(nanos) / 1_000_000n) / 1000 - noon / 1000;
  return metricsOf(decodeProtobuf(bytes)).flatMap(({ sum }) => {
    assert.equal(sum?.aggregationTemporality, 1);
    return sum.dataPoints.map(({ startTimeUnixNano, timeUnixNano, asDouble }) => ({
      from: second(startTimeUnixNano),
      to: second(timeUnixNano),
      value: asDouble,
    }));
  });
}

function deltaSink(reply: HttpReply | (() => HttpReply) = response(200)): Sink {
  const told = toldClient(response(200));
  const client: HttpClient = {
    ...told,
    send: () => Promise.resolve(typeof reply === "function" ? reply() : reply),
  };
  return sink(client, { temporality: "delta", compression: "none" });
}

test("delta: each point tells what came since the one before, across batches", async () => {
  const through = deltaSink();
  const first = body(through, [totals(0, 100), totals(1, 107), totals(2, 107)]);
  assert.deepEqual(changes(first), [
    { from: 0, to: 1, value: 7 },
    { from: 1, to: 2, value: 0 },
  ]);
  assert.deepEqual([first.samples, first.dropped], [2, { baseline: 1 }]);
  await through.send(first, "protobuf", never);
  const second = body(through, [totals(3, 110)]);
  assert.deepEqual(changes(second), [{ from: 2, to: 3, value: 3 }]);
  assert.deepEqual(second.dropped, {});
});

test("delta: a batch encoded again has the same bytes until it is delivered, and one that was refused is made up for", async () => {
  let reply: HttpReply = response(200);
  const through = deltaSink(() => reply);
  await through.send(body(through, [totals(0, 1), totals(1, 2)]), "protobuf", never);
  reply = response(400);
  const poison = body(through, [totals(2, 5)]);
  assert.equal((await through.send(poison, "protobuf", never)).outcome.status, "rejected");
  assert.deepEqual(body(through, [totals(2, 5)]).bytes, poison.bytes);
  assert.deepEqual(changes(body(through, [totals(3, 9)])), [{ from: 1, to: 3, value: 7 }]);
});

test("delta: of a batch in two halves each moves on what it told, and no more", async () => {
  const through = deltaSink();
  const both = (at: number, a: number, b: number): Snapshot =>
    snapshot(at, [
      [series(faults, { of: "a" }), a],
      [series(faults, { of: "b" }), b],
    ]);
  await through.send(body(through, [both(0, 1, 1), both(1, 2, 2)]), "protobuf", never);
  const [whole] = through.encode({ snapshots: [both(2, 5, 6)] }, "protobuf").bodies;
  const halves = whole && through.halves?.(whole);
  assert.ok(halves !== undefined);
  const [first, second] = halves;
  assert.deepEqual(
    [changes(first), changes(second)],
    [[{ from: 1, to: 2, value: 3 }], [{ from: 1, to: 2, value: 4 }]],
  );
  await through.send(first, "protobuf", never);
  assert.deepEqual(changes(body(through, [both(3, 7, 9)])), [
    { from: 2, to: 3, value: 2 },
    { from: 1, to: 3, value: 7 },
  ]);
});

test("delta: a counter that began anew tells all it has, and one that ended goes on from where it was", async () => {
  const through = deltaSink();
  const batch = [totals(0, 100), totals(1, 110), totals(3, 4, noon + 2000), totals(5, 2, noon - 60_000)];
  assert.deepEqual(changes(body(through, batch)), [
    { from: 0, to: 1, value: 10 },
    { from: 2, to: 3, value: 4 },
    { from: 3, to: 5, value: 2 },
  ]);
  const ended = snapshot(6, [], { ended: [series(faults)] });
  const last = body(through, [...batch, ended]);
  assert.equal(changes(last).at(-1)?.value, undefined);
  await through.send(last, "protobuf", never);
  assert.deepEqual(changes(body(through, [totals(7, 9), totals(8, 10)])), [
    { from: 5, to: 7, value: 7 },
    { from: 7, to: 8, value: 1 },
  ]);
});

/** One second's sum of the agent's own, or of the kernel's where it names a boot. */
function sums(second: number, value: number, starts: Snapshot["starts"], labels = {}): Snapshot {
  const metric = starts.agent === undefined ? faults : energy;
  return snapshot(second, [[series(metric, labels), value]], { starts });
}

test("delta: the first value of a counter is sent whole where no receiver can have heard of it", async () => {
  const agent = { agent: noon + 500 };
  const through = deltaSink();
  assert.deepEqual(changes(body(through, [sums(1, 40, agent), sums(2, 41.5, agent)])), [
    { from: 0.5, to: 1, value: 40 },
    { from: 1, to: 2, value: 1.5 },
  ]);
  // Its window began with the whole second in which the process did; one of an earlier process was sent by that one.
  assert.equal(body(deltaSink(), [sums(1, 40, { agent: noon - 900 })]).samples, 1);
  const nothing = { bodies: [], dropped: { baseline: 1 } };
  for (const starts of [{}, { agent: noon - 60_000 }, { boot: noon + 500 }])
    assert.deepEqual(deltaSink().encode({ snapshots: [sums(1, 40, starts)] }, "protobuf"), nothing);
  // A reboot, after which there is a disk that was not there before.
  await through.send(body(through, [sums(3, 41.5, agent)]), "protobuf", never);
  const disk = sums(60, 9, { boot: noon + 50_000 }, { core: "disk1" });
  assert.deepEqual(changes(body(through, [disk])), [{ from: 50, to: 60, value: 9 }]);
});

test("delta: what was taken is remembered by the next process: every series, with and without a reboot", async () => {
  const taken = [sums(0, 100, { boot: noon - 60_000 }), sums(1, 7, { agent: noon })];
  const before = deltaSink();
  await before.send(body(before, taken), "protobuf", never);
  // Sent, and the process died before the answer.
  const lost = sums(2, 107, { boot: noon - 60_000 });
  const bytes = body(before, [lost]).bytes;

  const after = deltaSink();
  after.memory?.restore(before.memory?.save() ?? "");
  assert.deepEqual(body(after, [lost]).bytes, bytes);
  // Counted as much as the process before, in a shorter time.
  const again = [sums(3, 110, { boot: noon - 60_001 }), sums(3, 8, { agent: noon + 900 })];
  assert.deepEqual(changes(body(after, again)), [
    { from: 0, to: 3, value: 10 },
    { from: 1, to: 3, value: 8 },
  ]);
  after.memory?.restore("garbage");
  assert.deepEqual(after.encode({ snapshots: [lost] }, "protobuf").dropped, { baseline: 1 });
});

test("delta: what is remembered is bounded, and a series that was forgotten is not sent a second time", async () => {
  const through = deltaSink();
  const own = { agent: noon };
  const many = Array.from({ length: 10_001 }, (_, at) => [series(energy, { core: `cpu${at}` }), 1] as const);
  await through.send(body(through, [snapshot(1, many, { starts: own })]), "protobuf", never);
  const first = sums(2, 5, own, { core: "cpu0" });
  assert.deepEqual(through.encode({ snapshots: [first] }, "protobuf").dropped, { baseline: 1 });
  const last = sums(2, 5, own, { core: "cpu10000" });
  assert.deepEqual(changes(body(through, [last])), [{ from: 1, to: 2, value: 4 }]);
});

test("delta: what is no number or out of order is counted, and gauges are as ever", () => {
  const through = deltaSink();
  const mixed = body(through, [
    totals(0, 1),
    totals(1, NaN),
    totals(2, 5),
    snapshot(3, [[series(power), 7]]),
  ]);
  assert.deepEqual([mixed.samples, mixed.dropped], [2, { baseline: 1, invalid: 1 }]);
  const [sum, gauge] = metricsOf(decodeProtobuf(mixed.bytes));
  assert.equal(sum?.sum?.dataPoints[0]?.asDouble, 4);
  assert.equal(gauge?.gauge?.dataPoints[0]?.asDouble, 7);
});

test("lowmemory: histograms alone tell changes", () => {
  const at = (second: number, below: number, all: number): Snapshot =>
    snapshot(second, [
      [series(energy), all],
      [series(latency, { le: "0.1" }, "test_latency_seconds_bucket"), below],
      [series(latency, { le: "+Inf" }, "test_latency_seconds_bucket"), all],
      [series(latency, {}, "test_latency_seconds_sum"), all / 2],
      [series(latency, {}, "test_latency_seconds_count"), all],
    ]);
  const through = sink(deadClient, { temporality: "lowmemory", compression: "none" });
  const encoded = body(through, [at(0, 1, 2), at(1, 1, 5), at(2, 0, 1)]);
  assert.deepEqual([encoded.samples, encoded.dropped], [11, { baseline: 4 }]);
  const [counter, histogram] = metricsOf(decodeProtobuf(encoded.bytes));
  assert.equal(counter?.sum?.aggregationTemporality, 2);
  assert.equal(histogram?.histogram?.aggregationTemporality, 1);
  assert.deepEqual(
    histogram.histogram.dataPoints.map(({ count, sum, bucketCounts }) => [count, sum, bucketCounts]),
    [
      ["3", 1.5, ["0", "3"]],
      ["1", 0.5, ["0", "1"]],
    ],
  );
});
