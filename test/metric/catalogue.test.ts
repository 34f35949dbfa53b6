import assert from "node:assert/strict";
import test from "node:test";
import { buildCatalogue, namingProblems } from "../../src/metric/catalogue.ts";
import { gauge, type Metric } from "../../src/metric/metric.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import { translateName, translationStrategies } from "../support/otlp-translation.ts";

/** The fixed metrics: their names and types are a public contract. */
const fixedGauges = [
  "powermetrics_cpu_power_milliwatts",
  "powermetrics_gpu_power_milliwatts",
  "powermetrics_cpu_frequency_hertz",
  "powermetrics_cpu_temperature_celsius",
  "powermetrics_cpu_active_residency_percent",
  "powermetrics_cpu_idle_residency_percent",
  "powermetrics_gpu_active_residency_percent",
  "powermetrics_gpu_idle_residency_percent",
  "vmstat_page_size_bytes",
  "vmstat_pages_free_count",
  "vmstat_pages_active_count",
  "vmstat_pages_inactive_count",
  "vmstat_pages_speculative_count",
  "vmstat_pages_throttled_count",
  "vmstat_pages_purgeable_count",
  "vmstat_pages_wired_count",
  "vmstat_pages_file_backed_count",
  "vmstat_pages_anonymous_count",
  "vmstat_pages_compressor_count",
];
const fixedCounters = [
  "vmstat_pages_cow_faults_total",
  "vmstat_pages_zero_filled_total",
  "vmstat_pages_reactivated_total",
  "vmstat_pages_purged_total",
  "vmstat_pages_decompressed_total",
  "vmstat_pages_compressed_total",
  "vmstat_page_ins_total",
  "vmstat_page_outs_total",
  "vmstat_faults_total",
  "vmstat_swap_ins_total",
  "vmstat_swap_outs_total",
];
const fixedLabels: Record<string, readonly string[]> = {
  powermetrics_cpu_frequency_hertz: ["core"],
  powermetrics_cpu_temperature_celsius: ["sensor_id"],
  powermetrics_cpu_active_residency_percent: ["core"],
  powermetrics_cpu_idle_residency_percent: ["core"],
};

test("the thirty fixed metrics keep their names, types and labels", () => {
  assert.equal(fixedGauges.length + fixedCounters.length, 30);
  for (const name of [...fixedGauges, ...fixedCounters]) {
    const metric = catalogue.get(name);
    assert.ok(metric, name);
    assert.equal(metric.type, fixedGauges.includes(name) ? "gauge" : "counter", name);
    assert.deepEqual(metric.labels, fixedLabels[name] ?? [], name);
  }
});

test("every name survives all four OTLP translation strategies of Prometheus", () => {
  assert.equal(translationStrategies.length, 4);
  for (const metric of catalogue.values()) {
    for (const strategy of translationStrategies) {
      assert.equal(translateName(metric, strategy), metric.name, strategy);
    }
  }
});

test("the oracle does change names that break the rules", () => {
  const counter: Metric = {
    name: "a_total_of_things_total",
    type: "counter",
    help: "",
    labels: [],
    since: "boot",
  };
  assert.notEqual(translateName(counter, "UnderscoreEscapingWithSuffixes"), counter.name);
  assert.notEqual(translateName(gauge("a.b", "x"), "UnderscoreEscapingWithoutSuffixes"), "a.b");
  assert.notEqual(translateName(gauge("a__b", "x"), "UnderscoreEscapingWithSuffixes"), "a__b");
});

const broken: readonly (readonly [Metric, RegExp])[] = [
  [gauge("Upper_case", "Help"), /snake case/],
  [gauge("two__underscores", "Help"), /__/],
  [gauge("a_gauge_total", "Help"), /must not end in _total/],
  [{ ...gauge("a_counter", "Help"), type: "counter" }, /must end in _total/],
  [{ ...gauge("a_total_count_total", "Help"), type: "counter" }, /at its end only/],
  [gauge("ends_with_stop", "Help."), /full stop/],
  [gauge("no_help", ""), /help/],
  [gauge("has_job", "Help", ["job"]), /label job/],
  [gauge("has_le", "Help", ["le"]), /label le/],
];

for (const [metric, problem] of broken) {
  test(`a metric is refused when it breaks the rule ${problem.source}`, () => {
    assert.match(namingProblems(metric).join(), problem);
    assert.throws(() => buildCatalogue([metric]), problem);
  });
}

test("a name that is declared twice is refused", () => {
  assert.throws(() => buildCatalogue([gauge("same", "Help"), gauge("same", "Help")]), /declared once/);
});
