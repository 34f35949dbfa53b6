/** Batches for tests: made by hand, and random ones as a meter could produce them. */
import fc from "../../support/property.ts";
import { agentCounter, bootCounter, gauge, histogram, type Metric } from "../../../src/metric/metric.ts";
import {
  endedSeries,
  labelPairs,
  seriesSet,
  type Series,
  type SeriesSet,
} from "../../../src/metric/series.ts";
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import type { Batch } from "../../../src/sink/sink.ts";

export const power = gauge("test_power_milliwatts", "Power of the test");
export const frequency = gauge("test_frequency_hertz", "Frequency of a core", ["core"]);
export const faults = bootCounter("test_faults_total", "Faults since boot");
export const energy = agentCounter("test_energy_joules_total", "Energy since the agent began");
export const latency = histogram("test_latency_seconds", "Latency of the test");

export const noon = Date.UTC(2026, 0, 1, 12);

export function series(
  metric: Metric,
  labels: Readonly<Record<string, string>> = {},
  name = metric.name,
): Series {
  return { metric, name, labels: labelPairs(labels) };
}

/** A snapshot one second after another: `second` counts from noon. */
export function snapshot(
  second: number,
  pairs: readonly (readonly [Series, number])[],
  rest: Partial<Snapshot> = {},
): Snapshot {
  return {
    source: "test",
    time: noon + second * 1000,
    starts: {},
    set: seriesSet(pairs.map(([one]) => one)),
    values: Float64Array.from(pairs, ([, value]) => value),
    ended: [],
    ...rest,
  };
}

const pool: readonly Series[] = [
  series(power),
  series(frequency, { core: "cpu0" }),
  series(frequency, { core: "cpu1", Zone: 'ü"\\\n🚀' }),
  series(faults),
  series(energy),
  series(latency, { le: "0.1" }, "test_latency_seconds_bucket"),
  series(latency, {}, "test_latency_seconds_sum"),
  series(latency, {}, "test_latency_seconds_count"),
];

interface Step {
  readonly afterMs: number;
  readonly present: readonly Series[];
  readonly values: readonly number[];
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    afterMs: fc.integer({ min: 1, max: 100_000_000 }),
    present: fc.subarray([...pool]),
    values: fc.array(fc.double(), { minLength: pool.length, maxLength: pool.length }),
  }),
  { minLength: 1, maxLength: 12 },
);

/** One source whose series come and go; every value, NaN included. */
export const batches: fc.Arbitrary<Batch> = steps.map((all) => {
  let time = noon;
  let before: SeriesSet = seriesSet([]);
  const snapshots = all.map(({ afterMs, present, values }): Snapshot => {
    time += afterMs;
    const set = seriesSet(present);
    const ended = endedSeries(before, set);
    before = set;
    const row = Float64Array.from(values.slice(0, present.length));
    return { source: "test", time, starts: { boot: noon - 5000, agent: noon }, set, values: row, ended };
  });
  return { snapshots };
});
