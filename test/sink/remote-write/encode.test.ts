/** Both versions on the wire, judged by decoders that share nothing with the encoders. */
import assert from "node:assert/strict";
import test from "node:test";
import fc from "../../support/property.ts";
import { serialize } from "prometheus-remote-write";
import { uncompress } from "snappyjs";
import { scrapedMetric, type MetricType } from "../../../src/metric/metric.ts";
import type { Series } from "../../../src/metric/series.ts";
import { compileRelabel } from "../../../src/sink/relabel/apply.ts";
import { remoteWriteSchema } from "../../../src/sink/remote-write/schema.ts";
import { createRemoteWriteSink } from "../../../src/sink/remote-write/sink.ts";
import { version1, version2 } from "../../../src/sink/remote-write/classify.ts";
import type { Batch, Sink } from "../../../src/sink/sink.ts";
import { batches, energy, faults, frequency, latency, noon, power, series, snapshot } from "./batches.ts";
import { deadClient } from "./clients.ts";
import { bitsOf, decodeV1, decodeV2, staleBits } from "./messages.ts";
import { expectedPoints, pointsOf } from "./points.ts";
import { encodeAlone, type OnlyBody } from "../../support/encoded.ts";

const identity = { job: "mac-powermetrics", instance: "mac.local", externalLabels: { team: "platform" } };

function sink(settings: object = {}, externalLabels: Record<string, string> = identity.externalLabels): Sink {
  const parsed = remoteWriteSchema.parse({ url: "http://receiver.test/api/v1/write", ...settings });
  return createRemoteWriteSink(parsed, {
    client: deadClient,
    identity: { ...identity, externalLabels },
    version: "1.2.3",
    relabel: compileRelabel(parsed.write_relabel_configs),
  });
}

function encoded(batch: Batch, protocol: string, through = sink()): OnlyBody {
  const body = encodeAlone(through, batch, protocol);
  assert.ok(body);
  return body;
}

test("every sample and end mark of any batch arrives bit for bit in both versions", () => {
  const through = sink();
  fc.assert(
    fc.property(batches, (batch) => {
      const expected = expectedPoints(batch);
      if (Object.keys(expected).length === 0) {
        assert.equal(encodeAlone(through, batch, version1), undefined);
        return;
      }
      const points = Object.values(expected).flat();
      const marks = points.filter(([, bits]) => bits === staleBits).length;
      for (const [protocol, decode] of [[version1, decodeV1] as const, [version2, decodeV2] as const]) {
        const body = encoded(batch, protocol, through);
        assert.deepEqual(pointsOf(decode(body.bytes)), expected);
        assert.equal(body.samples, points.length - marks);
        assert.equal(body.marks, marks);
        assert.deepEqual(body.dropped, {});
      }
    }),
  );
});

test("a fresh sink encodes the same batch into the same bytes, whatever another one encoded before", () => {
  const used = sink();
  fc.assert(
    fc.property(batches, batches, (first, second) => {
      for (const protocol of [version1, version2]) {
        encodeAlone(used, first, protocol);
        assert.deepEqual(encodeAlone(used, second, protocol), encodeAlone(sink(), second, protocol));
      }
    }),
  );
});

test("labels are sorted by bytes, complete, without empty ones, in both versions", () => {
  fc.assert(
    fc.property(batches, (batch) => {
      const through = sink({}, { Zebra: "z", zone: "", "": "nothing", team: "platform", été: "3" });
      for (const [protocol, decode] of [[version1, decodeV1] as const, [version2, decodeV2] as const]) {
        const body = encodeAlone(through, batch, protocol);
        for (const { labels } of body === undefined ? [] : decode(body.bytes)) {
          const names = labels.map(([name]) => name);
          assert.deepEqual(
            names,
            [...new Set(names)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
          );
          assert.ok(labels.every(([name, value]) => name !== "" && value !== ""));
          for (const name of ["__name__", "instance", "job", "team", "Zebra"])
            assert.ok(names.includes(name), name);
        }
      }
    }),
  );
});

test("version 1 is byte for byte what the prometheus-remote-write package writes", async () => {
  const cores = ["cpu0", "cpu1", "cpu10"].map((core) => series(frequency, { core }));
  const values = [1e9, 0, -0, 5e-324, Infinity, -Infinity, 90.1234, Number.MAX_VALUE, 1.5e9];
  const snapshots = [0, 1, 2].map((row) =>
    snapshot(
      row,
      cores.map((core, column) => [core, values[row * 3 + column] ?? 0] as const),
    ),
  );
  const timeseries = cores.map(({ name, labels }, column) => ({
    labels: [
      ["__name__", name],
      ...labels,
      ["instance", "mac.local"],
      ["job", "mac-powermetrics"],
      ["team", "platform"],
    ].map(([label, value]) => ({ name: label, value })),
    samples: [0, 1, 2].map((row) => ({ value: values[row * 3 + column], timestamp: noon + row * 1000 })),
  }));
  // The package's declarations describe its higher level only; its codec takes the message itself and returns bytes.
  const message = { timeseries } as unknown as Parameters<typeof serialize>[0];
  const theirs = new Uint8Array(await serialize(message));
  assert.deepEqual(uncompress(encoded({ snapshots }, version1).bytes), theirs);
});

test("version 2 gives every series its type and help, and a sum's samples the start of counting", () => {
  const snapshots = [
    snapshot(
      5,
      [
        [series(power), 1],
        [series(faults), 2],
        [series(energy), 3],
        [series(latency, {}, "test_latency_seconds_count"), 4],
      ],
      { starts: { boot: noon - 3_600_000, agent: noon } },
    ),
  ];
  const decoded = decodeV2(encoded({ snapshots }, version2).bytes);
  assert.deepEqual(
    decoded.map(({ metadata, samples }) => [
      metadata?.type,
      metadata?.help,
      metadata?.unit,
      samples[0]?.start,
    ]),
    [
      [2, "Power of the test", "", 0],
      [1, "Faults since boot", "", noon - 3_600_000],
      [1, "Energy since the agent began", "", noon],
      [3, "Latency of the test", "", noon],
    ],
  );
});

test("a start that nobody reported, or after the sample, is left out", () => {
  const start = (starts: object): number | undefined =>
    decodeV2(encoded({ snapshots: [snapshot(0, [[series(faults), 1]], { starts })] }, version2).bytes)[0]
      ?.samples[0]?.start;
  assert.equal(start({}), 0);
  assert.equal(start({ agent: noon }), 0);
  assert.equal(start({ boot: noon + 1 }), 0);
  assert.equal(start({ boot: NaN }), 0);
  assert.equal(start({ boot: noon - 0.4 }), noon);
});

test("an end mark never lies over a sample of the same series", () => {
  const one = series(power);
  const snapshots = [snapshot(0, [[one, 1]], { ended: [one] }), snapshot(1, [], { ended: [one] })];
  for (const [protocol, decode] of [[version1, decodeV1] as const, [version2, decodeV2] as const]) {
    const body = encoded({ snapshots }, protocol);
    assert.deepEqual(pointsOf(decode(body.bytes)), {
      test_power_milliwatts: [
        [noon, bitsOf(1)],
        [noon + 1000, staleBits],
      ],
    });
    assert.equal(body.marks, 1);
  }
});

test("a sample that is not after the one before it is dropped and counted", () => {
  const one = series(power);
  const snapshots = [5, 5, 3, 6].map((second) => snapshot(second, [[one, second]]));
  const body = encoded({ snapshots }, version1);
  assert.deepEqual(body.dropped, { clock_backwards: 2 });
  assert.equal(body.samples, 2);
  assert.deepEqual(
    decodeV1(body.bytes)[0]?.samples.map(({ timestamp }) => timestamp),
    [noon + 5000, noon + 6000],
  );
});

test("a snapshot without a usable time is dropped and counted", () => {
  const times = [-1, 0.5, NaN, Infinity];
  const snapshots = times.map((time) => snapshot(0, [[series(power), 1]], { time }));
  const body = encoded({ snapshots: [...snapshots, snapshot(0, [[series(power), 1]])] }, version1);
  assert.deepEqual(body.dropped, { invalid: 4 });
  assert.equal(body.samples, 1);
});

test("relabelling renames and drops samples and end marks alike, and counts what it drops", () => {
  const [kept, gone] = [series(power), series(faults)];
  const through = sink({
    write_relabel_configs: [
      { source_labels: ["__name__"], regex: ".*_total", action: "drop" },
      { source_labels: ["__name__"], regex: "test_(.*)", target_label: "__name__", replacement: "mac_$1" },
    ],
  });
  const snapshots = [
    snapshot(0, [
      [kept, 1],
      [gone, 2],
    ]),
    snapshot(1, [], { ended: [kept, gone] }),
  ];
  const body = encoded({ snapshots }, version2, through);
  assert.deepEqual(pointsOf(decodeV2(body.bytes)), {
    mac_power_milliwatts: [
      [noon, bitsOf(1)],
      [noon + 1000, staleBits],
    ],
  });
  assert.deepEqual(body.dropped, { relabel: 1 });
});

test("of two series that relabelling makes one, the first keeps the labels and the other is counted", () => {
  const through = sink({ write_relabel_configs: [{ regex: "core", action: "labeldrop" }] });
  const [first, second] = [series(frequency, { core: "cpu0" }), series(frequency, { core: "cpu1" })];
  const rows = [0, 1].map((second_) =>
    snapshot(second_, [
      [first, 1],
      [second, 2],
    ]),
  );
  const body = encoded(
    { snapshots: [...rows, snapshot(2, [[first, 3]], { ended: [second] })] },
    version1,
    through,
  );
  assert.deepEqual(pointsOf(decodeV1(body.bytes)), {
    test_frequency_hertz: [
      [noon, bitsOf(1)],
      [noon + 1000, bitsOf(1)],
      [noon + 2000, bitsOf(3)],
    ],
  });
  assert.deepEqual(body.dropped, { duplicate: 2 });
});

test("a batch of nothing, or of nothing that is left, has no body", () => {
  const through = sink({
    write_relabel_configs: [{ source_labels: ["job"], regex: "mac.*", action: "drop" }],
  });
  assert.equal(encodeAlone(through, { snapshots: [] }, version1), undefined);
  assert.equal(encodeAlone(through, { snapshots: [snapshot(0, [[series(power), 1]])] }, version2), undefined);
});

test("ever new series sets do not change what is encoded", () => {
  const through = sink();
  for (let round = 0; round < 40; round++) {
    const one = series(frequency, { core: `cpu${round % 20}` });
    const batch = { snapshots: [snapshot(round, [[one, round]])] };
    assert.deepEqual(encodeAlone(through, batch, version2), encodeAlone(sink(), batch, version2));
  }
});

test("many snapshots in one request cost little more than their values, sample for sample", () => {
  const all = Array.from({ length: 100 }, (_, at) => series(frequency, { core: `cpu${at}` }));
  const rows = (count: number): Batch => ({
    snapshots: Array.from({ length: count }, (_, row) =>
      snapshot(
        row,
        all.map((one, column) => [one, Number((Math.sin(row * 100 + column) * 100).toPrecision(6))] as const),
      ),
    ),
  });
  const cost = (count: number): number => {
    const body = encoded(rows(count), version1);
    return body.bytes.length / body.samples;
  };
  assert.ok(cost(15) < 0.6 * cost(1), `${cost(15)} against ${cost(1)} bytes`);
  assert.ok(cost(15) < 10, `${cost(15)} bytes for a value that is always new`);
});

test("what a scraped target declares is sent: its types, its unit, and the start of each series", () => {
  const types = ["unknown", "counter", "gauge", "histogram", "gaugehistogram", "summary", "info", "stateset"];
  const all = types.map((type): [Series, number] => {
    const metric = scrapedMetric({ name: `a_${type}`, type: type as MetricType, help: "H", unit: "seconds" });
    return [{ ...series(metric, { job: "node", instance: "here" }), startMs: noon - 5000 }, 1];
  });
  const [[counter] = assert.fail()] = all.slice(1);
  const renewed = { ...counter, startMs: noon + 500 };
  const batch = { snapshots: [snapshot(0, all), snapshot(1, [[renewed, 0]])] };
  const decoded = decodeV2(encoded(batch, version2).bytes);
  assert.deepEqual(
    decoded.map(({ metadata }) => metadata),
    types.map((_, type) => ({ type, help: "H", unit: "seconds" })),
  );
  const starts = decoded.map(({ samples }) => samples.map(({ start }) => start));
  assert.deepEqual(starts, [
    [noon - 5000],
    [noon - 5000, noon + 500],
    ...types.slice(2).map(() => [noon - 5000]),
  ]);
  assert.ok(decoded.every(({ labels }) => Object.fromEntries(labels)["job"] === "node"));
  assert.deepEqual(
    decodeV1(encoded(batch, version1).bytes).map(({ labels }) => labels),
    decoded.map(({ labels }) => labels),
  );
});

test("a series whose target declares another type goes on within a batch, to its end mark", () => {
  const load = (type: MetricType): Series =>
    series(scrapedMetric({ name: "load", type, help: "", unit: "" }), { job: "node", instance: "a:1" });
  const last = { ...snapshot(2, []), ended: [load("counter")] };
  const snapshots = [snapshot(0, [[load("gauge"), 1]]), snapshot(1, [[load("counter"), 2]]), last];
  const body = encoded({ snapshots }, version2);
  assert.deepEqual([body.samples, body.marks, body.dropped], [2, 1, {}]);
});
