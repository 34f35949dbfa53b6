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
# HELP metadata_summary Time of a call
# TYPE metadata_summary summary
metadata_summary{quantile="0.5"} 0.05
metadata_summary_sum 100
metadata_summary_count 1000
# TYPE metadata_without_help_total counter
metadata_without_help_total 42
# HELP metadata_without_type Something
metadata_without_type 1
# HELP metadata_lines One line\\nand another
# TYPE metadata_lines gauge
metadata_lines 1
# HELP metadata_twice The first
# HELP metadata_twice The second
# TYPE metadata_twice gauge
metadata_twice 1
# HELP metadata_special With "quotes", one \\\\ and \\others\\
# TYPE metadata_special gauge
metadata_special 1
`;

export const openMetricsMetadata = `# HELP metadata_memory_bytes Memory in use
# TYPE metadata_memory_bytes gauge
# UNIT metadata_memory_bytes bytes
metadata_memory_bytes 1048576
# TYPE metadata_build info
metadata_build_info{version="1"} 1
# TYPE metadata_state stateset
metadata_state{metadata_state="on"} 1
# TYPE metadata_sizes gaugehistogram
metadata_sizes_bucket{le="+Inf"} 3
metadata_sizes_gcount 3
metadata_sizes_gsum 5
`;

function has(requests: Exchange["two"], name: string, wanted: Partial<Metadata>): void {
  for (const { metadata } of named(requests, name)) assert.deepEqual({ ...metadata, ...wanted }, metadata);
}

function type(kind: string, names: readonly string[], cases: readonly string[]): Behaviour<Exchange> {
  return {
    section: "Protobuf Message",
    level: "SHOULD",
    name: `a type goes with its series: ${kind}`,
    cases,
    judge({ two }) {
      for (const name of names) has(two, name, { type: kind.toUpperCase() });
    },
  };
}

const parts = ["_bucket", "_sum", "_count"].map((part) => `metadata_histogram${part}`);
const summaryParts = ["", "_sum", "_count"].map((part) => `metadata_summary${part}`);

export const metadata: readonly Behaviour<Exchange>[] = [
  type(
    "counter",
    ["metadata_counter_total"],
    ["metadata: metadata_type_counter", "combined: samples_with_metadata"],
  ),
  type("gauge", ["metadata_gauge"], ["metadata: metadata_type_gauge"]),
  type("histogram", parts, ["metadata: metadata_type_histogram"]),
  type("summary", summaryParts, ["metadata: metadata_type_summary"]),
  type("info", ["metadata_build_info"], []),
  type("stateset", ["metadata_state"], []),
  type("gaugehistogram", ["metadata_sizes_bucket", "metadata_sizes_gcount", "metadata_sizes_gsum"], []),
  {
    section: "Protobuf Message",
    level: "SHOULD",
    name: "a type that nobody exposed is unspecified",
    cases: [],
    judge({ two }) {
      has(two, "metadata_without_type", { type: "UNSPECIFIED", help: "Something" });
    },
  },
  {
    section: "Metadata",
    level: "MAY",
    name: "a unit that OpenMetrics declares goes with its series; text 0.0.4 has none",
    cases: ["metadata: metadata_unit"],
    judge({ two }) {
      has(two, "metadata_memory_bytes", { unit: "bytes" });
      has(two, "metadata_gauge", { unit: "" });
    },
  },
  {
    section: "Metadata",
    level: "SHOULD",
    name: "a help has its lines, of two helps for one family one counts",
    cases: ["metadata: metadata_help_with_newlines"],
    judge({ two }) {
      has(two, "metadata_lines", { help: "One line\nand another" });
      has(two, "metadata_twice", { help: "The second" });
    },
  },
  {
    section: "Metadata",
    level: "SHOULD",
    name: "a help keeps quotes, and backslashes that escape nothing",
    cases: ["metadata: metadata_help_with_special_chars"],
    judge({ two }) {
      has(two, "metadata_special", { help: 'With "quotes", one \\ and \\others\\' });
    },
  },
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
