import assert from "node:assert/strict";
import test from "node:test";
import { MeterProvider, MetricReader, type CollectionResult } from "@opentelemetry/sdk-metrics";
import { labelPairs, seriesKey } from "../../src/metric/series.ts";
import { bindCollectors, createBootTime, createSourceMeter } from "../../src/meter/meter.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import { latestSnapshots, stalenessLimit } from "../../src/meter/snapshot.ts";
import { createSampleMeter } from "../../src/meter/sample-meter.ts";
import type { PowermetricsSample } from "../../src/parse/sample.ts";
import { allSettings, defaultSettings, powermetricsSample } from "../support/samples.ts";
import { endedOf, valuesOf } from "../support/snapshots.ts";

const at = Date.UTC(2026, 0, 1);

class StockReader extends MetricReader {
  protected override onShutdown = (): Promise<void> => Promise.resolve();
  protected override onForceFlush = (): Promise<void> => Promise.resolve();
}

function sdkValues({ resourceMetrics: { scopeMetrics } }: CollectionResult): Record<string, unknown> {
  const metrics = scopeMetrics.flatMap((scope) => scope.metrics);
  return Object.fromEntries(
    metrics.flatMap(({ descriptor: { name }, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => {
        const labels = labelPairs(attributes as Record<string, string>);
        return [seriesKey({ name, labels }), value];
      }),
    ),
  );
}

const recording: readonly PowermetricsSample[] = [
  powermetricsSample(),
  powermetricsSample({ elapsedNs: 2e9, thermalPressure: "heavy" }),
  powermetricsSample({
    interrupts: [{ core: "cpu0", type: "TIMER", count: 3 }],
    tasks: [{ name: 'a "quoted" \\ name\n', cpuNs: 1e9, gpuNs: 5 }],
    smc: { fanRpm: 2000, cpuDieCelsius: 60.5, gpuDieCelsius: 50 },
  }),
];

test("collectors on our meter and on the stock SDK give the same names, labels and values", async () => {
  const reader = new StockReader();
  const offer = bindCollectors(
    new MeterProvider({ readers: [reader] }).getMeter("oracle"),
    "powermetrics",
    allSettings,
  );
  const own = createSourceMeter("powermetrics", allSettings, catalogue, createBootTime());
  for (const [index, sample] of recording.entries()) {
    offer(sample, { accrues: true });
    const expected = sdkValues(await reader.collect());
    const { snapshot } = own.measure(sample, at + index, 1);
    assert.ok(snapshot.set.series.length > 40);
    assert.deepEqual(valuesOf(snapshot), expected);
  }
});

test("sums start where the first window did, kernel counters at boot", () => {
  const boot = createBootTime();
  const meter = createSourceMeter("powermetrics", defaultSettings, catalogue, boot);
  assert.deepEqual(meter.measure(powermetricsSample(), at, 1000).snapshot.starts, { agent: at - 1000 });
  boot.report(at - 5000);
  const { snapshot } = meter.measure(powermetricsSample(), at + 1000, 1000);
  assert.deepEqual(snapshot.starts, { agent: at - 1000, boot: at - 5000 });
});

test("counters of the kernel have no start before the boot time is known", () => {
  const meter = createSourceMeter("vm_stat", defaultSettings, catalogue, createBootTime());
  const findings = { unknown: [], implausible: [] };
  const { snapshot } = meter.measure({ pageSizeBytes: 4096, faults: 7, findings }, at, 0);
  assert.equal(snapshot.starts.boot, undefined);
});

test("a boot time that moves by seconds is the same boot, one that moves by hours is another", () => {
  const boot = createBootTime();
  boot.report(undefined);
  assert.equal(boot.ms, undefined);
  boot.report(at);
  boot.report(at + 2000);
  assert.equal(boot.ms, at);
  boot.report(at + 3_600_000);
  assert.equal(boot.ms, at + 3_600_000);
});

test("while the series stay the same every snapshot shares one set", () => {
  const meter = createSourceMeter("powermetrics", defaultSettings, catalogue, createBootTime());
  const first = meter.measure(powermetricsSample(), at, 1000).snapshot;
  const { battery: _, ...withoutBattery } = powermetricsSample();
  const unlike = meter.measure(withoutBattery, at + 1000, 1000).snapshot;
  const again = meter.measure(powermetricsSample(), at + 2000, 1000).snapshot;
  assert.notEqual(unlike.set, first.set);
  assert.equal(again.set, first.set);
  assert.equal(first.values.length, first.set.series.length);
});

test("a series that is not observed is gone from the next snapshot and reported as ended once", () => {
  const meter = createSourceMeter("powermetrics", defaultSettings, catalogue, createBootTime());
  meter.measure(powermetricsSample(), at, 1000);
  const { gpu: _, ...withoutGpu } = powermetricsSample();
  const { snapshot } = meter.measure(withoutGpu, at + 1000, 1000);
  assert.deepEqual(endedOf(snapshot), [
    "powermetrics_gpu_active_residency_percent",
    "powermetrics_gpu_idle_residency_percent",
    "powermetrics_gpu_frequency_hertz",
  ]);
  assert.equal("powermetrics_gpu_frequency_hertz" in valuesOf(snapshot), false);
  assert.deepEqual(endedOf(meter.measure(withoutGpu, at + 2000, 1000).snapshot), []);
});

test("a source that ends says so once, with every series, and after its last sample", () => {
  const meter = createSourceMeter("powermetrics", defaultSettings, catalogue, createBootTime());
  assert.equal(meter.end(at), undefined);
  const { snapshot } = meter.measure(powermetricsSample(), at, 1000);
  const end = meter.end(at - 5000);
  assert.equal(end?.time, at + 1);
  assert.equal(end.set.series.length, 0);
  assert.equal(end.ended.length, snapshot.set.series.length);
  assert.equal(meter.end(at + 5000), undefined);
});

test("an undeclared instrument and a synchronous one are bugs", () => {
  const meter = createSampleMeter(catalogue);
  assert.throws(() => meter.createObservableGauge("nobody_declared_this"), /declared/);
  assert.throws(() => meter.createCounter("vmstat_faults_total"), /observable/);
});

test("an instrument's own callbacks are called until they are removed", () => {
  const meter = createSampleMeter(catalogue);
  const gauge = meter.createObservableGauge("vmstat_pages_free_count");
  const callback = (result: { observe(value: number): void }): void => result.observe(7);
  gauge.addCallback(callback);
  assert.deepEqual([...meter.collect().values], [7]);
  gauge.removeCallback(callback);
  assert.equal(meter.collect().values.length, 0);
});

test("series beyond the limit of an instrument are dropped and counted, in each collection", () => {
  const meter = createSampleMeter(catalogue);
  const gauge = meter.createObservableGauge("powermetrics_cpu_frequency_hertz");
  meter.addBatchObservableCallback(
    (result) => {
      for (let core = 0; core < 2005; core++) result.observe(gauge, core, { core: `cpu${core}` });
    },
    [gauge],
  );
  assert.equal(meter.collect().overflowed, 5);
  const { values, overflowed } = meter.collect();
  assert.equal(overflowed, 5);
  assert.equal(values.length, 2000);
});

test("a snapshot is current until its source's limit, and a newer one takes its place", () => {
  const latest = latestSnapshots(() => stalenessLimit(10_000));
  const meter = createSourceMeter("powermetrics", defaultSettings, catalogue, createBootTime());
  const first = meter.measure(powermetricsSample(), at, 1000).snapshot;
  const second = meter.measure(powermetricsSample(), at + 10_000, 1000).snapshot;
  latest.put(first);
  latest.put(second);
  assert.deepEqual(latest.current(at + 40_000), [second]);
  assert.deepEqual(latest.current(at + 40_001), []);
});
