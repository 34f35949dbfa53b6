/** The energy since local midnight, from the journal and what is published after. */
import assert from "node:assert/strict";
import test from "node:test";
import type { StoredSnapshot } from "../../src/journal/types.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { seriesSet } from "../../src/metric/series.ts";
import { createEnergyToday } from "../../src/status/energy-today.ts";
import { fakeClock } from "../support/fake-clock.ts";

const at = (hour: number, day = 2): number => new Date(2026, 0, day, hour).getTime();

function snapshotOf(time: number, totals: Readonly<Record<string, number>>): Snapshot {
  const names = Object.keys(totals);
  const set = seriesSet(
    names.map((name) => {
      const metric = catalogue.get(name);
      assert.ok(metric, name);
      return { metric, name, labels: [] };
    }),
  );
  const source = names[0]?.startsWith("ioreg") === true ? "ioreg" : "powermetrics";
  return { source, time, starts: {}, set, values: Float64Array.from(Object.values(totals)), ended: [] };
}

const machine = (time: number, joules: number): Snapshot =>
  snapshotOf(time, { ioreg_system_energy_joules_total: joules });
const rails = (time: number, cpu: number, gpu: number): Snapshot =>
  snapshotOf(time, { powermetrics_cpu_energy_joules_total: cpu, powermetrics_gpu_energy_joules_total: gpu });

test("energy counts from the first sample of the day, and the machine's goes before the chip's", () => {
  const today = createEnergyToday(fakeClock(at(12)));
  today.published(rails(at(9), 100, 10));
  assert.equal(today.read(), undefined, "one sample has not grown");
  today.published(rails(at(10), 150, 20));
  assert.deepEqual(today.read(), { joules: 60, of: "chip", since: at(9) });
  today.published(machine(at(10), 5000));
  assert.equal(today.read(), undefined, "the chip's does not stand in for a moment");
  today.published(machine(at(11), 5900));
  assert.deepEqual(today.read(), { joules: 900, of: "machine", since: at(10) });
});

test("a counter that begins anew with the machine or the agent loses nothing that was counted", () => {
  const today = createEnergyToday(fakeClock(at(12)));
  for (const [hour, joules] of [
    [8, 5000],
    [9, 5900],
    [10, 40],
    [11, 100],
  ] as const)
    today.published(machine(at(hour), joules));
  assert.equal(today.read()?.joules, 1000);
});

test("a new day begins at zero", () => {
  const clock = fakeClock(at(23));
  const today = createEnergyToday(clock);
  today.published(machine(at(22), 1000));
  today.published(machine(at(23), 2000));
  clock.step(2 * 3_600_000);
  assert.equal(today.read(), undefined, "nothing came yet");
  today.published(machine(at(1, 3), 2300));
  assert.deepEqual(today.read(), { joules: 300, of: "machine", since: at(1, 3) });
});

test("the journal has what came before, and is read once, when somebody asks", () => {
  let asked = 0;
  const stored = [machine(at(8), 1000), machine(at(9), 1500), rails(at(9), 1, 1)] as StoredSnapshot[];
  const today = createEnergyToday(fakeClock(at(12)), {
    *history({ fromMs, toMs }) {
      asked++;
      yield* stored.filter(({ time }) => time >= fromMs && time <= toMs);
    },
  });
  // Published before somebody asked, so the journal has it too.
  today.published(machine(at(9), 1500));
  assert.equal(asked, 0);
  assert.equal(today.read()?.joules, 500);
  today.published(machine(at(10), 1700));
  assert.equal(today.read()?.joules, 700);
  assert.equal(asked, 1);
});

test("with a price the energy has its cost", () => {
  const price = { per_kwh: 0.3, currency: "EUR" };
  const today = createEnergyToday(fakeClock(at(12)), undefined, price);
  today.published(machine(at(9), 0));
  assert.equal(today.read(), undefined);
  today.published(machine(at(10), 3_600_000));
  assert.deepEqual(today.read()?.cost, { amount: 0.3, currency: "EUR" });
});
