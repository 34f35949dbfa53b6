/** The energy of each app in the last hour and the last day, from the journal and what is published after. */
import assert from "node:assert/strict";
import test from "node:test";
import type { HistoryQuery, StoredSnapshot } from "../../src/journal/types.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { labelPairs, seriesSet } from "../../src/metric/series.ts";
import { createEnergyByApp } from "../../src/status/energy-by-app.ts";
import type { AppReading } from "../../src/status/status.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";

const minute = 60_000;
const hour = 60 * minute;
const noon = Date.UTC(2026, 0, 2, 12);

/** Of the counters that a life of the agent which began at `agent` has reached. */
function tasksAt(
  time: number,
  totals: Readonly<Record<string, number>>,
  agent = 1,
  cpuSeconds: Readonly<Record<string, number>> = {},
): Snapshot {
  const seriesOf = (metricName: string, values: object) => {
    const metric = catalogue.get(metricName);
    assert.ok(metric);
    return Object.keys(values).map((name) => ({ metric, name: metric.name, labels: labelPairs({ name }) }));
  };
  const set = seriesSet([
    ...seriesOf("powermetrics_task_energy_joules_total", totals),
    ...seriesOf("powermetrics_task_cpu_seconds_total", cpuSeconds),
  ]);
  const values = Float64Array.from([...Object.values(totals), ...Object.values(cpuSeconds)]);
  return { source: "powermetrics", time, starts: { agent }, set, values, ended: [] };
}

const joulesOf = (apps: readonly AppReading[]): Record<string, number> =>
  Object.fromEntries(apps.map(({ name, joules }) => [name, joules]));

/** What was counted of these, published as the clock comes to them. */
function published(
  snapshots: readonly Snapshot[],
  clock: FakeClock = fakeClock(snapshots[0]?.time),
): ReturnType<ReturnType<typeof createEnergyByApp>["read"]> {
  const energy = createEnergyByApp(clock);
  for (const snapshot of snapshots) {
    clock.step(snapshot.time - clock.now());
    energy.published(snapshot);
  }
  return energy.read();
}

/** A journal of these, and what it was asked for. */
function journalOf(stored: readonly Snapshot[]) {
  const queries: HistoryQuery[] = [];
  return {
    queries,
    *history(query: HistoryQuery) {
      queries.push(query);
      const { fromMs, toMs } = query;
      yield* (stored as StoredSnapshot[]).filter(({ time }) => time >= fromMs && time <= toMs);
    },
  };
}

test("counters count from the first sample, the most first and the rest at the end", () => {
  const { since, hour: lastHour } = published([
    tasksAt(noon, { _other: 500, Mail: 100, Xcode: 10 }),
    tasksAt(noon + minute, { _other: 800, Mail: 110, Xcode: 60 }),
    tasksAt(noon + 2 * minute, { _other: 900, Mail: 120, Xcode: 80 }),
  ]);
  assert.equal(since, noon);
  assert.deepEqual(lastHour, [
    { name: "Xcode", joules: 70 },
    { name: "Mail", joules: 20 },
    { name: "_other", joules: 400 },
  ]);
});

test("what lies further back than an hour is the day's, and than a day nobody's", () => {
  const clock = fakeClock(noon);
  const energy = createEnergyByApp(clock);
  const at = (hours: number, joules: number): void => {
    clock.step(noon + hours * hour - clock.now());
    energy.published(tasksAt(clock.now(), { Xcode: joules }));
  };
  at(0, 0);
  at(1, 1000);
  at(22, 1100);
  at(24.5, 1101);
  const { since, hour: lastHour, day } = energy.read();
  assert.deepEqual([joulesOf(lastHour), joulesOf(day)], [{ Xcode: 1 }, { Xcode: 1101 }]);
  assert.equal(since, noon + 0.5 * hour);
  clock.step(2 * hour);
  assert.deepEqual(joulesOf(energy.read().hour), {});
  assert.deepEqual(joulesOf(energy.read().day), { Xcode: 101 });
});

test("of the oldest five minutes the part counts that the hour reaches into", () => {
  const clock = fakeClock(noon);
  const snapshots = [
    tasksAt(noon, { Xcode: 0 }),
    tasksAt(noon + minute, { Xcode: 100 }),
    tasksAt(noon + 62 * minute, { Xcode: 107 }),
  ];
  const { hour: lastHour } = published(snapshots, clock);
  // The hour began two minutes into the five that have the 100 J.
  assert.deepEqual(joulesOf(lastHour), { Xcode: 67 });
});

test("an agent that starts anew loses nothing, however far its counters have come again", () => {
  const { day } = published([
    tasksAt(noon, { _other: 100, Mail: 50 }, 1),
    tasksAt(noon + minute, { _other: 130, Mail: 60 }, 1),
    tasksAt(noon + 2 * minute, { _other: 10, Mail: 90, Xcode: 5 }, 2),
    tasksAt(noon + 3 * minute, { _other: 15, Mail: 95, Xcode: 6 }, 2),
  ]);
  assert.deepEqual(joulesOf(day), { Mail: 105, Xcode: 6, _other: 45 });
});

test("a name that is given a series, or given one again, counts from 0", () => {
  const { day } = published([
    tasksAt(noon, { _other: 0, Mail: 50 }),
    tasksAt(noon + minute, { _other: 0, Xcode: 5 }),
    tasksAt(noon + 2 * minute, { _other: 0, Mail: 7, Xcode: 6 }),
    tasksAt(noon + 3 * minute, { _other: 0, Mail: 3, Xcode: 6 }),
  ]);
  assert.deepEqual(joulesOf(day), { Mail: 10, Xcode: 6 });
});

test("ten names are told apart, a thousand in five minutes are bounded, and every joule is somebody's", () => {
  const names = Array.from({ length: 1000 }, (_, index) => `app ${index}`);
  const totals = Object.fromEntries(names.map((name, index) => [name, 1000 - index]));
  const { day } = published([tasksAt(noon, { _other: 0 }), tasksAt(noon + minute, { ...totals, _other: 0 })]);
  assert.equal(day.length, 11);
  assert.deepEqual(day[0], { name: "app 0", joules: 1000 });
  assert.equal(day[10]?.name, "_other");
  assert.equal(
    day.reduce((sum, { joules }) => sum + joules, 0),
    (1000 * 1001) / 2,
  );
});

test("the journal is read once while somebody asks, a day in few points and its last hour in all", () => {
  const clock = fakeClock(noon);
  const journal = journalOf([
    tasksAt(noon - 20 * hour, { Xcode: 1 }),
    tasksAt(noon - 2 * hour, { Xcode: 101 }),
    tasksAt(noon - minute, { Xcode: 111 }),
  ]);
  const energy = createEnergyByApp(clock, journal);
  // The journal has what is published before somebody asks.
  energy.published(tasksAt(noon - minute, { Xcode: 111 }));
  assert.equal(journal.queries.length, 0);
  const { since, hour: lastHour, day } = energy.read();
  assert.equal(since, noon - 20 * hour);
  assert.deepEqual([joulesOf(lastHour), joulesOf(day)], [{ Xcode: 10 }, { Xcode: 110 }]);
  clock.step(minute);
  energy.published(tasksAt(noon + minute, { Xcode: 112 }));
  assert.deepEqual(joulesOf(energy.read().hour), { Xcode: 11 });
  const [thin, fine, ...more] = journal.queries;
  assert.deepEqual(more, []);
  assert.deepEqual(
    [thin?.fromMs, thin?.toMs, thin?.maxPoints],
    [noon - 24 * hour, noon - 80 * minute - 1, 96],
  );
  assert.deepEqual([fine?.fromMs, fine?.toMs, fine?.maxPoints], [noon - 80 * minute, noon, undefined]);
});

test("after ten minutes without a question nothing is counted, and the next one reads the journal again", () => {
  const clock = fakeClock(noon);
  const stored = [tasksAt(noon - 2 * minute, { Xcode: 1 }), tasksAt(noon - minute, { Xcode: 3 })];
  const journal = journalOf(stored);
  const energy = createEnergyByApp(clock, journal);
  assert.deepEqual(joulesOf(energy.read().hour), { Xcode: 2 });
  for (let passed = 1; passed <= 30; passed++) {
    clock.step(minute);
    const snapshot = tasksAt(clock.now(), { Xcode: 3 + passed });
    stored.push(snapshot);
    energy.published(snapshot);
  }
  assert.equal(journal.queries.length, 2);
  assert.deepEqual(joulesOf(energy.read().hour), { Xcode: 32 });
  assert.equal(journal.queries.length, 4);
});

test("a journal that fails half-way is not read again at each question", () => {
  const clock = fakeClock(noon);
  let asked = 0;
  const energy = createEnergyByApp(clock, {
    *history() {
      asked++;
      yield { ...tasksAt(noon - 2 * hour, { Xcode: 1 }), seq: 1 };
      yield { ...tasksAt(noon - 2 * hour + 1, { Xcode: 5 }), seq: 2 };
      throw new Error("disk I/O error");
    },
  });
  assert.throws(() => energy.read(), /disk I\/O error/);
  assert.deepEqual(joulesOf(energy.read().day), { Xcode: 4 });
  assert.equal(asked, 1);
});

test("what draws now is the growth in the last sample's window, until that is too old", () => {
  const clock = fakeClock(noon);
  const energy = createEnergyByApp(clock);
  const at = (time: number, snapshot: Snapshot): void => {
    clock.step(time - clock.now());
    energy.published(snapshot);
  };
  at(noon, tasksAt(noon, { Xcode: 100, Mail: 5 }, 1, { Xcode: 50 }));
  assert.equal(energy.read().now, undefined);
  at(noon + 10_000, tasksAt(noon + 10_000, { Xcode: 130, Mail: 7, _other: 1 }, 1, { Xcode: 65, Mail: 1 }));
  assert.deepEqual(energy.read().now, [
    { name: "Xcode", watts: 3, cpuPercent: 150 },
    { name: "Mail", watts: 0.2, cpuPercent: 10 },
    { name: "_other", watts: 0.1 },
  ]);
  clock.step(31_000);
  assert.equal(energy.read().now, undefined);
  at(noon + 60_000, tasksAt(noon + 60_000, { Xcode: 3 }, 2));
  assert.equal(energy.read().now, undefined, "another life's counters began anew");
});
