/** Behaviours of requests as a whole: what goes together, and how much. */
import assert from "node:assert/strict";
import { labelsOf, named, samplesOf, upTimes, type Behaviour, type Exchange } from "./behaviour.ts";

export const many = 12_000;
/** The limit of the agent. */
const mostSamples = 2000;

export const loadExposition = `# TYPE load_series gauge
${Array.from({ length: many }, (_, index) => `load_series{label="${index}"} ${index}\n`).join("")}`;

export const load: readonly Behaviour<Exchange>[] = [
  {
    section: "Partial Write",
    level: "SHOULD",
    name: "the series of a scrape go in one request, of whatever type",
    cases: [
      "batching: multiple_series_per_request",
      "combined: multiple_metric_types",
      "combined: real_world_scenario",
      "edge_cases: mixed_sample_and_histogram_families",
      "edge_cases: many_timeseries",
    ],
    judge({ two }) {
      const first = two.find(({ message }) =>
        message.series.some((series) => labelsOf(series)["__name__"] === "metadata_gauge"),
      );
      const own = first?.message.series.filter((series) => labelsOf(series)["job"] === "text") ?? [];
      const types = new Set(own.map(({ metadata }) => metadata?.type));
      assert.deepEqual([...types].toSorted(), ["COUNTER", "GAUGE", "HISTOGRAM", "SUMMARY", "UNSPECIFIED"]);
      assert.ok(own.length > 30);
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "twelve thousand series of one target arrive, in requests of at most two thousand samples",
    cases: ["batching: batch_size_reasonable", "edge_cases: TestRobustnessUnderLoad"],
    judge({ two, one }) {
      for (const requests of [two, one]) {
        for (const { samples } of requests) assert.ok(samples <= mostSamples);
        const values = new Map(
          named(requests, "load_series").flatMap((series) =>
            samplesOf([series]).map(({ value }) => [labelsOf(series)["label"], value] as const),
          ),
        );
        assert.equal(values.size, many);
        assert.equal(new Set(values.values()).size, many);
      }
    },
  },
  {
    section: "beyond the specification",
    level: "–",
    name: "a target that exposes nothing is up, with no samples",
    cases: ["edge_cases: empty_scrape"],
    judge({ two }) {
      assert.ok(upTimes(two, "empty").length > 0);
      const scraped = samplesOf(named(two, "scrape_samples_scraped", { job: "empty" }));
      assert.ok(scraped.every(({ value }) => value === 0n));
    },
  },
];
