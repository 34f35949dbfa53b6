import assert from "node:assert/strict";
import test from "node:test";
import fc from "../support/property.ts";
import { exposition } from "../../src/endpoint/exposition.ts";
import { agentCounter, bootCounter, gauge, histogram } from "../../src/metric/metric.ts";
import { scrapedMetric, type Metric } from "../../src/metric/metric.ts";
import { labelPairs, seriesSet } from "../../src/metric/series.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { createExpositionReader } from "../../src/scrape/exposition.ts";
import { readOpenMetrics, readPrometheus } from "./exposition-reader.ts";

type Row = readonly [metric: Metric, labels: Record<string, string>, value: number, name?: string];

function snapshot(source: string, rows: readonly Row[]): Snapshot {
  const series = rows.map(([metric, labels, , name]) => ({
    metric,
    name: name ?? metric.name,
    labels: labelPairs(labels),
  }));
  const values = Float64Array.from(rows, ([, , value]) => value);
  return { source, time: 1_767_225_600_000, starts: { boot: 1 }, set: seriesSet(series), values, ended: [] };
}

const frequency = gauge("powermetrics_cpu_frequency_hertz", "Clock of a core", ["core"]);
const faults = bootCounter("vmstat_faults_total", "Address translation faults");
const energy = agentCounter("powermetrics_cpu_energy_joules_total", 'Energy of "cpu" \\ sum\nof windows');
const duration = histogram("mac_agent_sink_request_duration_seconds", "Duration of requests", ["sink"]);

const handMade: readonly Snapshot[] = [
  snapshot("powermetrics", [
    [frequency, { core: "cpu0" }, 1_080_000_000],
    [frequency, { core: "cpu7" }, 0],
    [energy, {}, 0.031],
  ]),
  snapshot("vm_stat", [[faults, {}, 5_488_725_224]]),
  snapshot("agent", [
    [duration, { sink: 'a"b\\c\nd', le: "0.5" }, 1, `${duration.name}_bucket`],
    [duration, { sink: 'a"b\\c\nd', le: "+Inf" }, 2, `${duration.name}_bucket`],
    [duration, { sink: 'a"b\\c\nd' }, 1.25, `${duration.name}_sum`],
    [duration, { sink: 'a"b\\c\nd' }, 2, `${duration.name}_count`],
  ]),
];

test("the text format 0.0.4 of a hand-made scrape, byte by byte", () => {
  assert.equal(
    exposition(handMade, "prometheus"),
    String.raw`# HELP powermetrics_cpu_frequency_hertz Clock of a core
# TYPE powermetrics_cpu_frequency_hertz gauge
powermetrics_cpu_frequency_hertz{core="cpu0"} 1080000000
powermetrics_cpu_frequency_hertz{core="cpu7"} 0
# HELP powermetrics_cpu_energy_joules_total Energy of "cpu" \\ sum\nof windows
# TYPE powermetrics_cpu_energy_joules_total counter
powermetrics_cpu_energy_joules_total 0.031
# HELP vmstat_faults_total Address translation faults
# TYPE vmstat_faults_total counter
vmstat_faults_total 5488725224
# HELP mac_agent_sink_request_duration_seconds Duration of requests
# TYPE mac_agent_sink_request_duration_seconds histogram
mac_agent_sink_request_duration_seconds_bucket{le="0.5",sink="a\"b\\c\nd"} 1
mac_agent_sink_request_duration_seconds_bucket{le="+Inf",sink="a\"b\\c\nd"} 2
mac_agent_sink_request_duration_seconds_sum{sink="a\"b\\c\nd"} 1.25
mac_agent_sink_request_duration_seconds_count{sink="a\"b\\c\nd"} 2
`,
  );
});

test("OpenMetrics 1.0 of the same scrape, byte by byte", () => {
  assert.equal(
    exposition(handMade, "openmetrics"),
    String.raw`# TYPE powermetrics_cpu_frequency_hertz gauge
# HELP powermetrics_cpu_frequency_hertz Clock of a core
powermetrics_cpu_frequency_hertz{core="cpu0"} 1080000000
powermetrics_cpu_frequency_hertz{core="cpu7"} 0
# TYPE powermetrics_cpu_energy_joules counter
# HELP powermetrics_cpu_energy_joules Energy of \"cpu\" \\ sum\nof windows
powermetrics_cpu_energy_joules_total 0.031
# TYPE vmstat_faults counter
# HELP vmstat_faults Address translation faults
vmstat_faults_total 5488725224
# TYPE mac_agent_sink_request_duration_seconds histogram
# HELP mac_agent_sink_request_duration_seconds Duration of requests
mac_agent_sink_request_duration_seconds_bucket{le="0.5",sink="a\"b\\c\nd"} 1
mac_agent_sink_request_duration_seconds_bucket{le="+Inf",sink="a\"b\\c\nd"} 2
mac_agent_sink_request_duration_seconds_sum{sink="a\"b\\c\nd"} 1.25
mac_agent_sink_request_duration_seconds_count{sink="a\"b\\c\nd"} 2
# EOF
`,
  );
});

test("an independent reader finds the same families and values in both formats", () => {
  const prometheus = readPrometheus(exposition(handMade, "prometheus"));
  const open = readOpenMetrics(exposition(handMade, "openmetrics"));
  assert.deepEqual(
    open.map(({ samples }) => samples),
    prometheus.map(({ samples }) => samples),
  );
  assert.deepEqual(
    open.map(({ name, type }) => [name, type]),
    prometheus.map(({ name, type }) => [type === "counter" ? name.replace(/_total$/, "") : name, type]),
  );
});

test("no snapshots give an empty text, and in OpenMetrics the end alone", () => {
  assert.equal(exposition([], "prometheus"), "");
  assert.equal(exposition([], "openmetrics"), "# EOF\n");
});

test("a source that has ended shows nothing", () => {
  assert.equal(exposition([snapshot("gone", [])], "prometheus"), "");
});

test("any value and any label text come back as they were", () => {
  const one = gauge("any_value", "Any value", ["label"]);
  fc.assert(
    fc.property(fc.double(), fc.string({ unit: "binary" }), (value, label) => {
      for (const [format, read] of [
        ["prometheus", readPrometheus],
        ["openmetrics", readOpenMetrics],
      ] as const) {
        const text = exposition([snapshot("s", [[one, { label }, value]])], format);
        const [family] = read(text);
        const [[line, back] = ["", 0]] = family?.samples ?? [];
        assert.ok(Object.is(back, value) || (back === 0 && value === 0), `${back} for ${value}`);
        const written = /^any_value(?:\{label="(.*)"\})?$/s.exec(line)?.[1] ?? "";
        const unescaped = written.replace(/\\(.)/g, (_, character: string) =>
          character === "n" ? "\n" : character,
        );
        assert.equal(unescaped, label);
      }
    }),
  );
});

test("scraped names that are not classic are quoted, and read back as they were", () => {
  for (const format of ["prometheus", "openmetrics"] as const) {
    const rows = [
      [scrapedMetric({ name: 'heat.of "cpu"\\', type: "gauge", help: "Heat", unit: "" }), { "a.b": "c" }, 1],
      [scrapedMetric({ name: "my.reads_total", type: "counter", help: "Reads", unit: "" }), {}, 2],
    ] as const;
    const text = exposition([snapshot("scrape node/a:1", rows)], format);
    const reader = createExpositionReader({ maxSeries: 10 });
    const read = reader.read(Buffer.from(text), format === "prometheus" ? "text" : format);
    assert.ok(read.ok, text);
    assert.deepEqual(
      read.value.series.map(({ name, labels, family: { type, help } }) => [name, labels, type, help]),
      [
        ['heat.of "cpu"\\', [["a.b", "c"]], "gauge", "Heat"],
        ["my.reads_total", [], "counter", "Reads"],
      ],
    );
  }
});

test("parts of a scraped gaugehistogram stand alone, which OpenMetrics allows for no such type", () => {
  const part = scrapedMetric({ name: "queue_gsum", type: "gaugehistogram", help: "", unit: "" });
  const text = exposition([snapshot("scrape node/a:1", [[part, {}, 1]])], "openmetrics");
  assert.match(text, /^# TYPE queue_gsum unknown\n/);
});
