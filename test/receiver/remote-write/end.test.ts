/** A source that stops is gone from an instant query at once, and the others are not. */
import assert from "node:assert/strict";
import test from "node:test";
import { emptySet } from "../../../src/metric/series.ts";
import { snapshot } from "../../journal/fixtures.ts";
import { skipWithout } from "../../support/receivers.ts";
import { deliverer } from "./deliverer.ts";
import { prometheus, victoria } from "./prometheus.ts";
import { valuesOf } from "./stored.ts";

for (const [name, start] of [
  ["prometheus", prometheus],
  ["victoria-metrics", victoria],
] as const)
  test(
    `in ${name} a source that stops takes its series with it, and no others`,
    { skip: skipWithout(name) },
    async (t) => {
      const database = await start(t);
      const it = await deliverer(t, database.url, { batch_send_deadline: "50ms" });
      const time = Date.now() - 5000;
      const parts = (which: string) => ({ source: which, parts: [which] });
      it.publish(snapshot(time, parts("stops")));
      it.publish(snapshot(time, parts("stays")));
      await it.drained();
      const at = async (when: number): Promise<readonly string[]> => {
        await database.ask("/internal/force_flush");
        const found = await valuesOf(database, 'power_milliwatts{job="mac-powermetrics"}', when);
        return [...found.keys()].map((series) => /part="(\w+)"/.exec(series)?.[1] ?? "").toSorted();
      };
      assert.deepEqual(await at(time + 1), ["stays", "stops"]);
      const stopped = { ...snapshot(time + 1000, parts("stops")), set: emptySet, values: new Float64Array() };
      it.publish(stopped);
      await it.drained();
      assert.deepEqual(await at(time + 1001), ["stays"]);
      assert.deepEqual(it.state().dropped, {});
    },
  );
