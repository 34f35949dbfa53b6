/** Behaviours of histograms, which the agent sends as classic series. */
import assert from "node:assert/strict";
import { allSeries, labelsOf, named, samplesOf, type Behaviour, type Exchange } from "./behaviour.ts";
import { doubleOf } from "./message.ts";

export const histogramsExposition = `# TYPE histograms_seconds histogram
histograms_seconds_bucket{le="0.1"} 50
histograms_seconds_bucket{le="0.5"} 150
histograms_seconds_bucket{le="+Inf"} 1000000000
histograms_seconds_sum -250.5
histograms_seconds_count 1000000000
# TYPE histograms_empty histogram
histograms_empty_bucket{le="+Inf"} 0
histograms_empty_sum 0
histograms_empty_count 0
`;

const family: readonly (readonly [name: string, labels: Readonly<Record<string, string>>, value: number])[] =
  [
    ["histograms_seconds_bucket", { le: "0.1" }, 50],
    ["histograms_seconds_bucket", { le: "0.5" }, 150],
    ["histograms_seconds_bucket", { le: "+Inf" }, 1e9],
    ["histograms_seconds_sum", {}, -250.5],
    ["histograms_seconds_count", {}, 1e9],
  ];

function has(requests: Exchange["two"], [name, labels, value]: (typeof family)[number]): void {
  const samples = samplesOf(named(requests, name, labels));
  assert.ok(samples.length > 0);
  for (const sample of samples) assert.equal(doubleOf(sample.value), value);
}

export const histograms: readonly Behaviour<Exchange>[] = [
  {
    section: "Protobuf Message",
    level: "MUST",
    name: "a classic histogram arrives as the series of its buckets, sum and count, with their values",
    cases: [
      "histograms: native_histogram_structure",
      "histograms: histogram_count_present",
      "histograms: histogram_sum_present",
      "histograms: histogram_large_counts",
      "combined: complete_metric_family",
      "rw1_compat: rw1_no_native_histograms",
    ],
    judge({ two, one }) {
      for (const requests of [two, one]) for (const part of family) has(requests, part);
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "a histogram's series have one time, and go in one request",
    cases: ["histograms: histogram_timestamp"],
    judge({ two }) {
      const [first, ...others] = family.map(([name, labels]) =>
        samplesOf(named(two, name, labels)).map(({ timestamp }) => timestamp),
      );
      for (const other of others) assert.deepEqual(other, first);
      const holding = two.filter(({ message }) =>
        message.series.some(({ labels }) => labels.some(([, value]) => value === "histograms_seconds_count")),
      );
      for (const request of holding) for (const [name, labels] of family) named([request], name, labels);
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "buckets come in the order in which they were exposed",
    cases: ["histograms: histogram_buckets_ordered"],
    judge({ two }) {
      const bounds = named(two, "histograms_seconds_bucket").map((series) => labelsOf(series)["le"]);
      assert.deepEqual(bounds.slice(0, 3), ["0.1", "0.5", "+Inf"]);
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "a histogram without observations arrives as zeros",
    cases: ["histograms: histogram_empty_buckets"],
    judge({ two }) {
      has(two, ["histograms_empty_bucket", { le: "+Inf" }, 0]);
      has(two, ["histograms_empty_sum", {}, 0]);
      has(two, ["histograms_empty_count", {}, 0]);
    },
  },
  {
    section: "Protobuf Message",
    level: "MAY",
    name: "no native histogram is sent",
    cases: [
      "histograms: histogram_positive_buckets",
      "histograms: histogram_negative_buckets",
      "histograms: histogram_zero_bucket",
      "histograms: histogram_schema",
    ],
    verdict: "left out: neither text 0.0.4 nor OpenMetrics 1.0 has them, and the agent asks for nothing else",
    judge({ two }) {
      assert.ok(allSeries(two).every(({ histograms }) => histograms === 0));
    },
  },
];
