/** Snapshots for a Collector: series that come and go, counters of boot and agent, a histogram, and values that are hard to keep. */
import type { Snapshot } from "../../../src/meter/snapshot.ts";
import type { Series } from "../../../src/metric/series.ts";
import {
  energy,
  faults,
  frequency,
  latency,
  power,
  series,
  snapshot,
} from "../../sink/remote-write/batches.ts";

const hard = [NaN, Infinity, -Infinity, -0, 5e-324, 1.7976931348623157e308, 0.1, 2 ** 53 + 2];

export interface Story {
  /** The next so many snapshots, a second apart. */
  next(count: number): readonly Snapshot[];
  /** Nothing of the source is current any more. */
  end(): Snapshot;
}

/** Five minutes ago is recent for any journal and in nobody's future. */
export function createStory(from = Math.floor(Date.now() / 1000) * 1000 - 300_000): Story {
  let second = 0;

  function take(pairs: readonly (readonly [Series, number])[]): Snapshot {
    const starts = { boot: from - 86_400_000, agent: from - 500 };
    return snapshot(0, pairs, { time: from + second++ * 1000, starts });
  }

  return {
    next: (count) =>
      Array.from({ length: count }, () => {
        const value = hard[second % hard.length] ?? 0;
        return take([
          [series(power), value],
          ...(second % 3 === 0 ? [[series(frequency, { core: "cpu0" }), second] as const] : []),
          [series(faults), 5_488_725_224 + second * 17],
          [series(energy), second * 0.1],
          [series(latency, { le: "0.1" }, `${latency.name}_bucket`), second],
          [series(latency, { le: "+Inf" }, `${latency.name}_bucket`), 2 * second],
          [series(latency, {}, `${latency.name}_sum`), second * 0.7],
          [series(latency, {}, `${latency.name}_count`), 2 * second],
        ]);
      }),
    end: () => take([]),
  };
}
