import assert from "node:assert/strict";
import test from "node:test";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { createOwnMeter } from "../../src/meter/own-meter.ts";
import { resourceMetrics } from "../support/resource-metrics.ts";
import { endedOf, valuesOf } from "../support/snapshots.ts";

const at = Date.UTC(2026, 0, 1);

test("counters, gauges and histograms become one snapshot of source agent", async () => {
  const own = createOwnMeter(at);
  own.count("sourceRestarts", 1, { source: "powermetrics", reason: "stalled" });
  own.count("sourceRestarts", 2, { source: "powermetrics", reason: "stalled" });
  own.watch("sourceUp", () => [[1, { source: "vm_stat" }]]);
  own.record("sinkDuration", 0.03, { sink: "a" });
  own.record("sinkDuration", 99, { sink: "a" });
  const snapshot = await own.snapshot(at + 5);
  assert.equal(snapshot.source, "agent");
  assert.equal(snapshot.time, at + 5);
  assert.deepEqual(snapshot.starts, { agent: at });
  const values = valuesOf(snapshot);
  assert.equal(values['mac_agent_source_restarts_total{reason="stalled",source="powermetrics"}'], 3);
  assert.equal(values['mac_agent_source_up{source="vm_stat"}'], 1);
  assert.equal(values['mac_agent_sink_request_duration_seconds_bucket{le="0.025",sink="a"}'], 0);
  assert.equal(values['mac_agent_sink_request_duration_seconds_bucket{le="0.05",sink="a"}'], 1);
  assert.equal(values['mac_agent_sink_request_duration_seconds_bucket{le="+Inf",sink="a"}'], 2);
  assert.equal(values['mac_agent_sink_request_duration_seconds_count{sink="a"}'], 2);
  assert.equal(values['mac_agent_sink_request_duration_seconds_sum{sink="a"}'], 99.03);
});

test("a label set that is watched no more has ended, although the SDK keeps it", async () => {
  const own = createOwnMeter(at);
  let sinks = ["a", "b"];
  own.watch("sinkBacklog", () => sinks.map((sink) => [1, { sink }] as const));
  await own.snapshot(at);
  sinks = ["a"];
  const snapshot = await own.snapshot(at + 1000);
  assert.deepEqual(valuesOf(snapshot), { 'mac_agent_sink_backlog_snapshots{sink="a"}': 1 });
  assert.deepEqual(endedOf(snapshot), ['mac_agent_sink_backlog_snapshots{sink="b"}']);
});

test("a flattened histogram is put together again for OpenTelemetry", async () => {
  const own = createOwnMeter(at);
  for (const seconds of [0.001, 0.2, 0.2, 99]) own.record("sinkDuration", seconds, { sink: "a" });
  own.record("sinkDuration", 7, { sink: "b" });
  const { scopeMetrics } = resourceMetrics([await own.snapshot(at)], resourceFromAttributes({}));
  const points = scopeMetrics[0]?.metrics[0]?.dataPoints ?? [];
  assert.equal(points.length, 2);
  assert.deepEqual(points[0]?.attributes, { sink: "a" });
  assert.deepEqual(points[0].value, {
    buckets: {
      boundaries: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      counts: [1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 1],
    },
    sum: 99.401,
    count: 4,
  });
  assert.deepEqual(points[1]?.attributes, { sink: "b" });
});
