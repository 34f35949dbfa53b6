/** Behaviours of metadata, which version 2 sends with each series. */
import assert from "node:assert/strict";
import { named, type Behaviour, type Exchange } from "./behaviour.ts";
import type { Metadata } from "./message.ts";

export const metadataExposition = `# HELP metadata_counter_total Requests that came
# TYPE metadata_counter_total counter
metadata_counter_total{method="GET"} 100
metadata_counter_total{method="POST"} 50
# HELP metadata_gauge Memory in use
# TYPE metadata_gauge gauge
metadata_gauge 1048576
# HELP metadata_histogram Time of a request
# TYPE metadata_histogram histogram
metadata_histogram_bucket{le="+Inf"} 100
metadata_histogram_sum 50
metadata_histogram_count 100
# TYPE metadata_without_help_total counter
metadata_without_help_total 42
`;

function has(requests: Exchange["two"], name: string, wanted: Partial<Metadata>): void {
  for (const { metadata } of named(requests, name)) assert.deepEqual({ ...metadata, ...wanted }, metadata);
}

function type(kind: string, names: readonly string[], cases: readonly string[]): Behaviour<Exchange> {
  return {
    section: "Protobuf Message",
    level: "SHOULD",
    name: `the type of a ${kind} goes with its series`,
    cases,
    judge({ two }) {
      for (const name of names) has(two, name, { type: kind.toUpperCase() });
    },
  };
}

const parts = ["_bucket", "_sum", "_count"].map((part) => `metadata_histogram${part}`);

export const metadata: readonly Behaviour<Exchange>[] = [
  type(
    "counter",
    ["metadata_counter_total"],
    ["metadata: metadata_type_counter", "combined: samples_with_metadata"],
  ),
  type("gauge", ["metadata_gauge"], ["metadata: metadata_type_gauge"]),
  type("histogram", parts, ["metadata: metadata_type_histogram"]),
  {
    section: "Metadata",
    level: "SHOULD",
    name: "the help of a family goes with each of its series",
    cases: [
      "metadata: metadata_help_text",
      "metadata: metadata_consistent_across_series",
      "batching: metadata_batching",
      "combined: mixed_labels_and_metadata",
    ],
    judge({ two }) {
      has(two, "metadata_counter_total", { help: "Requests that came" });
      has(two, "metadata_gauge", { help: "Memory in use" });
      for (const part of parts) has(two, part, { help: "Time of a request" });
    },
  },
  {
    section: "Symbols",
    level: "MUST",
    name: "a family without help refers to the empty text",
    cases: ["metadata: metadata_empty_help_allowed"],
    judge({ two }) {
      has(two, "metadata_without_help_total", { help: "", type: "COUNTER" });
    },
  },
];
