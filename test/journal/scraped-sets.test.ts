/** Series of scraped targets in the journal: what a target declares travels with the set. */
import assert from "node:assert/strict";
import test from "node:test";
import { scrapedMetric } from "../../src/metric/metric.ts";
import { labelPairs, seriesSet, type Series } from "../../src/metric/series.ts";
import { scrapedSource } from "../../src/meter/snapshot.ts";
import { bench, drain, metricOf } from "./fixtures.ts";

const start = Date.UTC(2026, 0, 1);
const heat = scrapedMetric({ name: "heat_celsius", type: "gauge", help: "Heat", unit: "celsius" });
const reads = scrapedMetric({ name: "reads_total", type: "counter", help: "Reads\nof all", unit: "" });
const lag = scrapedMetric({ name: "lag_seconds", type: "summary", help: "", unit: "seconds" });
const power = scrapedMetric({ name: "power_milliwatts", type: "unknown", help: "Ours has it too", unit: "" });
/** Of the agent, as `up` is: a target may have the name for something else. */
const warmth = scrapedMetric({ name: "heat_celsius", type: "counter", help: "Warmth", unit: "" });

const all: readonly Series[] = [
  { metric: heat, name: "heat_celsius", labels: labelPairs({ sensor: "a" }) },
  { metric: heat, name: "heat_celsius", labels: labelPairs({ sensor: "ü" }) },
  { metric: reads, name: "reads_total", labels: labelPairs({ disk: "0" }), startMs: start - 1500.5 },
  { metric: reads, name: "reads_total", labels: labelPairs({ disk: "1" }) },
  { metric: lag, name: "lag_seconds", labels: labelPairs({ quantile: "0.5" }) },
  { metric: lag, name: "lag_seconds_sum", labels: [] },
  { metric: power, name: "power_milliwatts", labels: [] },
  { metric: warmth, name: "heat_celsius", labels: labelPairs({ sensor: "agent" }) },
  { metric: heat, name: "heat_celsius", labels: labelPairs({ sensor: "z" }) },
];

test("types, help, units and starts of scraped series come back after a restart", (context) => {
  const { open } = bench(context);
  const before = open();
  const values = Float64Array.from(all, (_, at) => at);
  const source = scrapedSource("node/127.0.0.1:9100");
  before.append({
    source,
    time: start,
    starts: { agent: start - 9000 },
    set: seriesSet(all),
    values,
    ended: [],
  });
  before[Symbol.dispose]();
  const [read] = drain(open({ metricOf }).cursor("a", { from: "oldest" }));
  assert.deepEqual(read?.set.series, all);
  assert.deepEqual([read.source, read.starts], [source, { agent: start - 9000 }]);
});

test("a set has another key once its target says something else of a metric, or a series starts anew", () => {
  const [first, ...others] = all;
  assert.ok(first);
  const other = { ...heat, help: "Warmth" };
  const changed = all.map((one) => (one.metric === heat ? { ...one, metric: other } : one));
  assert.notEqual(seriesSet(changed).key, seriesSet(all).key);
  assert.notEqual(seriesSet([{ ...first, startMs: 1 }, ...others]).key, seriesSet(all).key);
});
