/** Changes that a Collector takes add up to the totals, over restarts of the agent. */
import assert from "node:assert/strict";
import test from "node:test";
import { energy, faults, latency, series, snapshot } from "../../sink/remote-write/batches.ts";
import { startCapture } from "./captured.ts";
import { skip, startCollector } from "./collector.ts";
import { startPushing } from "./pushing.ts";

test(
  "with temporality delta the sums in a Collector are the increases of the totals, over three processes",
  { skip },
  async (t) => {
    const capture = await startCapture(t);
    const collector = await startCollector(t, capture.url);
    const it = await startPushing(t, { endpoint: `http://${collector.address}`, temporality: "delta" });
    const boot = Date.now() - 86_400_000;
    let time = Date.now();
    let sinceBoot = 5_488_725_224;
    const grown = { faults: 0, energy: 0, latency: 0 };

    for (const process of [0, 1, 2]) {
      // What waits goes at the end of the process, or had gone before it.
      if (process === 2) await it.drained();
      if (process > 0) await it.restart(process === 1 ? 60_000 : 0);
      const agent: number = Math.max(Date.now(), time + 1);
      time = agent;
      for (const value of [4, 8, 15, 16, 23, 42]) {
        sinceBoot += value;
        it.publish(
          snapshot(
            0,
            [
              [series(faults), sinceBoot],
              // Comes and goes.
              ...(value === 15 ? [] : [[series(energy), value * 8] as const]),
              [series(latency, { le: "+Inf" }, `${latency.name}_bucket`), value],
              [series(latency, {}, `${latency.name}_sum`), value / 2],
              [series(latency, {}, `${latency.name}_count`), value],
            ],
            { time: ++time, starts: { boot, agent } },
          ),
        );
        if (value === 16) await it.drained();
      }
      grown.energy += 42 * 8;
      grown.latency += 42;
    }
    await it.drained();
    // All but the first total, which others may have counted.
    grown.faults = sinceBoot - 5_488_725_224 - 4;

    const sumOf = (name: string): number =>
      capture.points.filter((point) => point.name === name).reduce((sum, { value = 0 }) => sum + value, 0);
    assert.deepEqual(
      { faults: sumOf(faults.name), energy: sumOf(energy.name), latency: sumOf(latency.name) },
      grown,
    );
  },
);
