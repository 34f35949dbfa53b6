/** Behaviours of samples: values and order. */
import assert from "node:assert/strict";
import { allSeries, named, samplesOf, type Behaviour, type Exchange } from "./behaviour.ts";
import { bitsOf, doubleOf, staleBits } from "./message.ts";

/** As exposed, as it is to arrive, and the suite's cases. */
const values: readonly (readonly [name: string, text: string, value: number, cases: readonly string[]])[] = [
  ["a fraction", "123.45", 123.45, ["samples: float_value_encoding"]],
  ["an integer", "42", 42, ["samples: integer_value_encoding"]],
  ["zero", "0", 0, ["samples: zero_value_encoding"]],
  ["a negative number", "-15.5", -15.5, ["samples: negative_value_encoding"]],
  ["+Inf", "+Inf", Infinity, ["samples: positive_infinity_encoding"]],
  ["-Inf", "-Inf", -Infinity, ["samples: negative_infinity_encoding"]],
  ["the largest double", "1.7976931348623157e+308", Number.MAX_VALUE, ["samples: large_float_values"]],
  ["the smallest normal double", "2.2250738585072014e-308", 2 ** -1022, ["samples: small_float_values"]],
  ["the smallest double", "5e-324", Number.MIN_VALUE, []],
  ["an exponent", "1.23e-4", 0.000123, ["samples: scientific_notation"]],
  ["fifteen digits", "0.123456789012345", 0.123456789012345, ["samples: precision_preservation"]],
];

export const samplesExposition = `# TYPE samples_value gauge
${values.map(([name, text]) => `samples_value{of="${name}"} ${text}\n`).join("")}# TYPE samples_nan gauge
samples_nan NaN
`;

const valueBehaviours = values.map(([name, , value, cases]): Behaviour<Exchange> => ({
  section: "Protobuf Message",
  level: "MUST",
  name: `a value keeps its bits: ${name}`,
  cases: [...cases, ...(name === "an integer" ? ["rw1_compat: rw1_samples_encoding"] : [])],
  judge({ two, one }) {
    for (const requests of [two, one]) {
      const samples = samplesOf(named(requests, "samples_value", { of: name }));
      assert.ok(samples.length > 0);
      for (const sample of samples) assert.equal(sample.value, bitsOf(value));
    }
  },
}));

/** By a series' labels, in the order of arrival. */
function timesBySeries(requests: Exchange["two"]): ReadonlyMap<string, readonly number[]> {
  const all = new Map<string, number[]>();
  for (const { labels, samples } of allSeries(requests)) {
    const key = JSON.stringify(labels);
    const times = all.get(key) ?? [];
    all.set(key, times);
    times.push(...samples.map(({ timestamp }) => timestamp));
  }
  return all;
}

export const samples: readonly Behaviour<Exchange>[] = [
  ...valueBehaviours,
  {
    section: "Protobuf Message",
    level: "MUST",
    name: "a NaN arrives as a NaN that ends no series",
    cases: ["samples: nan_encoding", "edge_cases: special_float_combinations"],
    judge({ two, one }) {
      for (const requests of [two, one]) {
        const samples = samplesOf(named(requests, "samples_nan"));
        assert.ok(samples.length > 0);
        assert.ok(samples.every(({ value }) => Number.isNaN(doubleOf(value)) && value !== staleBits));
      }
    },
  },
  {
    section: "Protobuf Message",
    level: "MUST",
    name: "every series has samples, and none that has them has histograms",
    cases: ["histograms: histogram_no_mixed_with_samples"],
    judge({ two }) {
      for (const { samples, histograms } of allSeries(two)) {
        assert.ok(samples.length > 0);
        assert.equal(histograms, 0);
      }
    },
  },
  {
    section: "Samples and Histogram Samples",
    level: "MUST",
    name: "a series' samples come in the order of their times, within a request and across requests",
    cases: [
      "samples: TestSampleOrdering",
      "samples: multiple_samples_same_series",
      "timestamps: timestamp_ordering_within_series",
    ],
    judge({ two, one }) {
      for (const requests of [two, one]) {
        const all = [...timesBySeries(requests).values()];
        assert.ok(all.some((times) => times.length > 1));
        for (const times of all)
          assert.deepEqual(
            times,
            [...new Set(times)].toSorted((a, b) => a - b),
          );
      }
    },
  },
];
