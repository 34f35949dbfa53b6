/** What a receiver tells of itself is found in its own words, and what it does not tell is absent. */
import assert from "node:assert/strict";
import test from "node:test";
import { vitalsIn } from "./vitals.ts";

test("VictoriaMetrics counts rows of remote write, each tenant's", () => {
  const exposition = `vm_app_version{version="victoria-metrics-1.145", short_version="v1.145.0"} 1
vm_rows_inserted_total{type="influx"} 7
vm_rows_inserted_total{type="promremotewrite"} 100
vm_rows_inserted_total{accountID="1",type="promremotewrite"} 20
process_cpu_seconds_total 1.5
process_cpu_seconds_system_total 0.5
process_resident_memory_bytes 25538560
`;
  assert.deepEqual(vitalsIn(exposition), {
    program: "VictoriaMetrics v1.145.0",
    stored: 120,
    cpuSeconds: 1.5,
    rssBytes: 25_538_560,
  });
});

test("Prometheus counts samples appended, and does not mention them before the first", () => {
  const build = 'prometheus_build_info{branch="HEAD",goversion="go1.27.1",version="3.5.3"} 1\n';
  assert.deepEqual(vitalsIn(build), { program: "Prometheus 3.5.3", stored: 0 });
  const appended = `${build}prometheus_tsdb_head_samples_appended_total{type="float"} 1.2e+06
prometheus_tsdb_head_samples_appended_total{type="histogram"} 5
process_resident_memory_bytes 6.8190208e+07
`;
  assert.deepEqual(vitalsIn(appended), {
    program: "Prometheus 3.5.3",
    stored: 1_200_000,
    rssBytes: 68_190_208,
  });
});

test("a page of something else tells nothing", () => {
  assert.deepEqual(vitalsIn("<html>not found</html>"), {});
});
