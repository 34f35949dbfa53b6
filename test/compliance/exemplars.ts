/** Behaviours of exemplars, which the agent reads past. */
import assert from "node:assert/strict";
import { allSeries, named, samplesOf, type Behaviour, type Exchange } from "./behaviour.ts";
import { doubleOf } from "./message.ts";

export const exemplarsExposition = `# TYPE exemplars_seconds histogram
exemplars_seconds_bucket{le="0.1"} 10 # {trace_id="one"} 0.05 1234567890.0
exemplars_seconds_bucket{le="0.5"} 50 # {trace_id="two"} 0.3 1234567891.5
exemplars_seconds_bucket{le="+Inf"} 100
exemplars_seconds_sum 50.5
exemplars_seconds_count 100
# TYPE exemplars_requests counter
exemplars_requests_total 1000 # {trace_id="abc",span_id="def"} 999 1234567890.5
# TYPE exemplars_bare counter
exemplars_bare 50 # {user_id="user",request_id="request"} 49 1234567890.0
`;

const exposed: readonly (readonly [name: string, labels: Readonly<Record<string, string>>, value: number])[] =
  [
    ["exemplars_seconds_bucket", { le: "0.1" }, 10],
    ["exemplars_seconds_bucket", { le: "0.5" }, 50],
    ["exemplars_seconds_count", {}, 100],
    ["exemplars_requests_total", {}, 1000],
    ["exemplars_bare", {}, 50],
  ];

export const exemplars: readonly Behaviour<Exchange>[] = [
  {
    section: "Exemplars",
    level: "SHOULD",
    name: "samples with exemplars arrive as any others",
    cases: [
      "exemplars: exemplar_with_trace_id",
      "exemplars: exemplar_with_span_id",
      "exemplars: exemplar_custom_labels",
      "exemplars: exemplar_on_histogram",
      "exemplars: multiple_exemplars_per_series",
      "combined: samples_with_exemplars",
      "combined: histogram_with_metadata_and_exemplars",
    ],
    verdict:
      "left out: they link samples to traces, which exporters of hardware do not have, and the journal keeps values by series",
    judge({ two }) {
      for (const [name, labels, value] of exposed) {
        const samples = samplesOf(named(two, name, labels));
        assert.ok(samples.length > 0);
        assert.ok(samples.every((sample) => doubleOf(sample.value) === value));
      }
    },
  },
  {
    section: "Exemplars",
    level: "MUST",
    name: "there is no exemplar whose value, time or labels could be wrong",
    cases: [
      "exemplars: exemplar_value_valid",
      "exemplars: exemplar_timestamp_valid",
      "exemplars: exemplar_labels_valid_refs",
      "exemplars: exemplar_labels_even_length",
    ],
    judge({ two }) {
      assert.ok(allSeries(two).every(({ exemplars }) => exemplars === 0));
    },
  },
];
