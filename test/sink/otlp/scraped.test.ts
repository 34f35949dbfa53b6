/** What was scraped, in OTLP: a resource of its own, and the kinds of points that only targets have. */
import assert from "node:assert/strict";
import test from "node:test";
import { scrapedMetric, type MetricType } from "../../../src/metric/metric.ts";
import type { Series } from "../../../src/metric/series.ts";
import { encodeAlone } from "../../support/encoded.ts";
import { noon, power, series, snapshot } from "../remote-write/batches.ts";
import { metrics, sink } from "./encoding.ts";
import { decodeProtobuf } from "./messages.ts";

const target = { job: "node", instance: "here:9100" };

/** A series of a target. */
function scraped(type: MetricType, name: string, labels: Readonly<Record<string, string>> = {}): Series {
  const family = name.replace(/_(?:bucket|sum|count)$/, "");
  const metric = scrapedMetric({ name: family, type, help: "", unit: "" });
  return series(metric, { ...target, ...labels }, name);
}

test("what was scraped stands under a resource of its target", () => {
  const batch = {
    snapshots: [snapshot(0, [[series(power), 1]]), snapshot(1, [[scraped("gauge", "load"), 2]])],
  };
  const settings = { resource_attributes: { "service.name": "mine", site: "lab" } };
  const binary = encodeAlone(sink(settings), batch, "protobuf");
  const { resourceMetrics } = decodeProtobuf(binary?.bytes ?? new Uint8Array());
  const resources = resourceMetrics.map(({ resource: { attributes } }) => attributes);
  const seen = (key: string): readonly unknown[] => resources.map((attributes) => attributes[key]);
  assert.deepEqual(seen("service.name"), ["mine", "node"]);
  assert.deepEqual(seen("service.instance.id"), ["i", "here:9100"]);
  assert.deepEqual(seen("service.version"), ["1.2.3", undefined]);
  assert.deepEqual(seen("site"), ["lab", "lab"]);
  const [load] = resourceMetrics[1]?.scopeMetrics[0]?.metrics ?? [];
  assert.deepEqual(load?.gauge?.dataPoints[0]?.attributes, {});
});

test("a scraped histogram is one whatever the order of its parts, and a summary a summary", () => {
  const rows: readonly (readonly [Series, number])[] = [
    [scraped("histogram", "lag_bucket", { le: "+Inf" }), 9],
    [scraped("histogram", "lag_count"), 9],
    [scraped("histogram", "lag_bucket", { le: "0.5" }), 4],
    [scraped("histogram", "lag_sum"), 3.5],
    [scraped("histogram", "lag_bucket", { le: "0.1" }), 1],
    [{ ...scraped("summary", "gc", { quantile: "0.9" }), startMs: noon - 1000 }, 0.25],
    [scraped("summary", "gc_sum"), 12],
    [scraped("summary", "gc_count"), 40],
  ];
  const [lag, gc] = metrics({ snapshots: [snapshot(0, rows)] });
  const [histogram] = lag?.histogram?.dataPoints ?? [];
  assert.deepEqual(
    [histogram?.bucketCounts, histogram?.explicitBounds, histogram?.sum, histogram?.count],
    [["1", "3", "5"], [0.1, 0.5], 3.5, "9"],
  );
  const [summary] = gc?.summary?.dataPoints ?? [];
  assert.deepEqual(
    [summary?.quantileValues, summary?.sum, summary?.count, summary?.startTimeUnixNano],
    [[{ quantile: 0.9, value: 0.25 }], 12, "40", `${noon - 1000}000000`],
  );
});

test("a scraped histogram without all of its parts goes as numbers, and nothing of it is lost", () => {
  const rows: readonly (readonly [Series, number])[] = [
    [scraped("histogram", "lag_bucket", { le: "0.1" }), 1],
    [scraped("histogram", "lag_sum"), 3.5],
    [scraped("unknown", "odd"), 7],
    [scraped("stateset", "mode", { mode: "a" }), 1],
  ];
  const found = metrics({ snapshots: [snapshot(0, rows)] });
  const values = found.map(({ name, gauge }) => [name, gauge?.dataPoints[0]?.asDouble]);
  assert.deepEqual(Object.fromEntries(values), { lag_bucket: 1, lag_sum: 3.5, odd: 7, mode: 1 });
});

test("a start of a series after its sample is left out", () => {
  const [reads] = metrics({
    snapshots: [snapshot(0, [[{ ...scraped("counter", "reads_total"), startMs: noon + 60_000 }, 5]])],
  });
  assert.equal(reads?.sum?.dataPoints[0]?.startTimeUnixNano ?? "0", "0");
});

test("a count beyond 64 bits is cut: a receiver would refuse the whole request for it", () => {
  const [lag] = metrics({
    snapshots: [
      snapshot(0, [
        [scraped("histogram", "lag_bucket", { le: "+Inf" }), 1e30],
        [scraped("histogram", "lag_sum"), 1],
        [scraped("histogram", "lag_count"), 1e30],
      ]),
    ],
  });
  const [point] = lag?.histogram?.dataPoints ?? [];
  assert.deepEqual([point?.count, point?.bucketCounts], ["9007199254740991", ["9007199254740991"]]);
});
