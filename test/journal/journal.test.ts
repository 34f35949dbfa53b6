/** The journal in fair weather: what is appended is read, from memory, from disk, and after a restart. */
import test from "node:test";
import assert from "node:assert/strict";
import { seriesKey } from "../../src/metric/series.ts";
import { bench, drain, essence, numbered, power, snapshot, statsOf, unlimited } from "./fixtures.ts";

const start = Date.UTC(2026, 0, 1);

test("a staged snapshot is read at once, the committed one is the same", async (context) => {
  const { open, clock } = bench(context);
  const journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  const taken = snapshot(start);
  assert.equal(journal.append(taken), "appended");
  const [range] = cursor.ranges();
  assert.ok(range);
  assert.deepEqual(cursor.read(range, unlimited).map(essence), [essence(taken)]);
  assert.equal(journal.state().staged, 1);
  await clock.advance(10_000);
  assert.equal(journal.state().staged, 0);
  assert.deepEqual(cursor.read(range, unlimited).map(essence), [essence(taken)]);
});

test("after a restart every snapshot comes back, exact and in order, with today's help", (context) => {
  const { open } = bench(context);
  const before = open();
  before.cursor("a", { from: "now" });
  const taken = Array.from({ length: 500 }, (_, index) =>
    snapshot(start + index * 500, {
      source: index % 3 === 0 ? "vm_stat" : "powermetrics",
      parts: index % 3 === 0 ? ["ram"] : ["cpu", "gpu"],
    }),
  );
  for (const one of taken) before.append(one);
  before[Symbol.dispose]();
  const read = drain(open().cursor("a", { from: "now" }));
  assert.deepEqual(read.map(essence), taken.map(essence));
  assert.equal(read[0]?.set.series[0]?.metric, power);
  assert.ok(read.every(({ seq }, index) => seq === index + 1));
  assert.equal(read[1]?.set, read[2]?.set);
});

test("a metric that nobody declares any more is read with an empty help", (context) => {
  const { open } = bench(context);
  const before = open();
  before.append(snapshot(start));
  before[Symbol.dispose]();
  const [read] = drain(open({ metricOf: () => undefined }).cursor("a", { from: "oldest" }));
  const metric = read?.set.series[2]?.metric;
  assert.deepEqual(metric, {
    name: "faults_total",
    type: "counter",
    help: "",
    labels: ["part"],
    since: "boot",
  });
});

test("a vanished series is ended once, also when it vanished during a restart", (context) => {
  const { open } = bench(context);
  const before = open();
  before.append(snapshot(start, { parts: ["cpu", "gpu", "ane"] }));
  before.append(snapshot(start + 1000, { parts: ["cpu", "gpu"] }));
  before.append(snapshot(start + 2000, { parts: ["cpu", "gpu"] }));
  before[Symbol.dispose]();
  const between = open();
  between.append(snapshot(start + 3000, { parts: ["cpu"] }));
  between.append(snapshot(start + 4000, { parts: [] }));
  between[Symbol.dispose]();
  const read = drain(open().cursor("a", { from: "oldest" }), 1);
  const both = (part: string): string[] => [
    `power_milliwatts{part="${part}"}`,
    `faults_total{part="${part}"}`,
  ];
  assert.deepEqual(
    read.map(({ ended }) => ended.map(seriesKey)),
    [[], both("ane"), [], both("gpu"), both("cpu")],
  );
});

test("a time at or before the last one is refused and counted, across a restart too", (context) => {
  const { open, clock } = bench(context);
  const before = open();
  assert.equal(before.append(snapshot(start + 1000)), "appended");
  assert.equal(before.append(snapshot(start + 1000)), "dropped");
  assert.equal(before.append(snapshot(start + 500, { source: "vm_stat" })), "appended");
  before[Symbol.dispose]();
  clock.step(1000);
  const after = open();
  assert.equal(after.append(snapshot(start + 999)), "dropped");
  assert.equal(after.append(snapshot(start + 1001)), "appended");
  assert.deepEqual(after.state().dropped, { clock_backwards: 1 });
});

test("a source whose last time lies far in the future goes on from the present", (context) => {
  const { open } = bench(context);
  const before = open();
  before.append(snapshot(start + 3 * 3_600_000));
  before[Symbol.dispose]();
  const after = open();
  assert.equal(after.append(snapshot(start + 1000)), "appended");
  assert.equal(after.append(snapshot(start + 1000)), "dropped");
});

test("a new sink begins with the oldest snapshot or with the next one", (context) => {
  const { open } = bench(context);
  const journal = open();
  for (let index = 0; index < 5; index++) journal.append(snapshot(start + index * 1000));
  journal.commit();
  journal.append(snapshot(start + 5000));
  const old = journal.cursor("old", { from: "oldest" });
  const young = journal.cursor("young", { from: "now" });
  journal.append(snapshot(start + 6000));
  assert.equal(old.backlog().snapshots, 7);
  assert.equal(old.backlog().oldestTimeMs, start);
  assert.ok(old.backlog().bytes > 0);
  assert.equal(young.backlog().snapshots, 1);
  assert.equal(young.backlog().oldestTimeMs, start + 6000);
  assert.deepEqual(journal.sinks(), [{ sink: "old" }, { sink: "young" }]);
  assert.equal(journal.cursor("young", { from: "oldest" }), young);
});

test("live data overtakes a backlog, and what was delivered is not read again after a restart", (context) => {
  const { open } = bench(context);
  const before = open();
  const cursor = before.cursor("a", { from: "now" });
  for (let index = 0; index < 20; index++) before.append(snapshot(start + index * 1000));
  before.commit();
  const newest = cursor.read(
    { firstSeq: 1, lastSeq: 20 },
    { maxSamples: 12, maxSnapshots: 10, newest: true },
  );
  assert.deepEqual(
    newest.map(({ seq }) => seq),
    [18, 19, 20],
  );
  assert.deepEqual(cursor.acknowledge({ firstSeq: 18, lastSeq: 20 }), { snapshots: 3, samples: 12 });
  before.append(snapshot(start + 20_000));
  assert.deepEqual(cursor.ranges(), [
    { firstSeq: 1, lastSeq: 17 },
    { firstSeq: 21, lastSeq: 21 },
  ]);
  before[Symbol.dispose]();
  const after = open().cursor("a", { from: "now" });
  assert.deepEqual(after.ranges(), [
    { firstSeq: 1, lastSeq: 17 },
    { firstSeq: 21, lastSeq: 21 },
  ]);
  const fromDisk = after.read(
    { firstSeq: 1, lastSeq: 21 },
    { maxSamples: 12, maxSnapshots: 10, newest: true },
  );
  assert.deepEqual(
    fromDisk.map(({ seq }) => seq),
    [16, 17, 21],
  );
  assert.deepEqual(
    drain(after).map(({ seq }) => seq),
    [...Array.from({ length: 17 }, (_, index) => index + 1), 21],
  );
});

test("a batch is bounded by samples and by snapshots, and never empty while something waits", (context) => {
  const { open } = bench(context);
  const journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  for (let index = 0; index < 6; index++) journal.append(snapshot(start + index * 1000));
  const all = { firstSeq: 1, lastSeq: 6 };
  assert.equal(cursor.read(all, { maxSamples: 9, maxSnapshots: 10 }).length, 2);
  assert.equal(cursor.read(all, { maxSamples: 100, maxSnapshots: 3 }).length, 3);
  assert.equal(cursor.read(all, { maxSamples: 1, maxSnapshots: 10 }).length, 1);
  assert.equal(cursor.read(all, { maxSamples: 1, maxSnapshots: 10, newest: true })[0]?.seq, 6);
});

test("a batch of any length is read whole, wherever the pages end in which its rows are fetched", (context) => {
  const journal = bench(context).open();
  const cursor = journal.cursor("a", { from: "oldest" });
  for (let seq = 1; seq <= 150; seq++) journal.append(numbered(seq));
  journal.commit();
  for (const maxSnapshots of [1, 15, 16, 17, 79, 80, 81, 143, 144, 145]) {
    const batch = cursor.read({ firstSeq: 5, lastSeq: 150 }, { ...unlimited, maxSnapshots });
    assert.deepEqual(
      batch.map(({ seq, values }) => [seq, ...values]),
      Array.from({ length: maxSnapshots }, (_, at) => [at + 5, ...numbered(at + 5).values]),
    );
  }
});

test("a frozen batch has the same bounds, protocol and snapshots after a restart, until it is acknowledged", (context) => {
  const { open } = bench(context);
  const before = open();
  const cursor = before.cursor("a", { from: "now" });
  for (let index = 0; index < 9; index++) before.append(snapshot(start + index * 1000));
  const batch = { firstSeq: 3, lastSeq: 6, protocol: "v2" };
  cursor.freeze(batch);
  const first = cursor.read(batch, unlimited);
  before.append(snapshot(start + 9000));
  before[Symbol.dispose]();
  const journal = open();
  const after = journal.cursor("a", { from: "now" });
  assert.deepEqual(after.frozen(), batch);
  assert.deepEqual(after.read(batch, unlimited).map(essence), first.map(essence));
  after.acknowledge({ firstSeq: 3, lastSeq: 5 });
  assert.deepEqual(after.frozen(), batch);
  after.acknowledge(batch);
  assert.equal(after.frozen(), undefined);
  assert.equal(journal.state().cursors[0]?.delivered.snapshots, 4);
});

test("appended is delivered and dropped and waiting, in snapshots and samples", (context) => {
  const { open } = bench(context);
  const journal = open();
  const cursor = journal.cursor("a", { from: "now" });
  for (let index = 0; index < 30; index++) journal.append(snapshot(start + index * 1000));
  journal.commit();
  cursor.acknowledge({ firstSeq: 1, lastSeq: 10 });
  cursor.acknowledge({ firstSeq: 5, lastSeq: 12 });
  assert.deepEqual(cursor.discard({ firstSeq: 11, lastSeq: 15 }, "rejected"), { snapshots: 3, samples: 12 });
  assert.deepEqual(journal.state().cursors, [
    {
      sink: "a",
      delivered: { snapshots: 12, samples: 48 },
      dropped: { rejected: { snapshots: 3, samples: 12 } },
      waiting: 15,
    },
  ]);
});

test("history gives a source's past, thinned to the asked number of points, from disk and from memory", (context) => {
  const { open } = bench(context);
  const journal = open();
  for (let index = 0; index < 2000; index++) {
    journal.append(snapshot(start + index * 1000));
    journal.append(snapshot(start + index * 1000 + 3, { source: "vm_stat", parts: ["ram"] }));
    if (index === 1900) journal.commit();
  }
  const all = { fromMs: start, toMs: start + 2_000_000 };
  assert.equal([...journal.history(all)].length, 4000);
  const some = [...journal.history({ fromMs: start + 1_000_000, toMs: start + 1_010_000 })];
  assert.equal(some.length, 21);
  const thin = [...journal.history({ ...all, maxPoints: 5, series: (name) => name.startsWith("power") })];
  assert.equal(thin.length, 10);
  assert.equal([...journal.history({ ...all, series: () => false })].length, 0);
});

test("stats count what is on disk", (context) => {
  const { open, path } = bench(context);
  const journal = open();
  journal.cursor("a", { from: "now" });
  for (let index = 0; index < 10; index++) journal.append(snapshot(start + index * 1000));
  journal.append(snapshot(start, { source: "vm_stat", parts: ["ram"] }));
  journal.commit();
  const { bytes, ...stats } = statsOf(path);
  assert.ok(bytes > 4096);
  assert.deepEqual(stats, {
    path,
    snapshots: 11,
    samples: 42,
    seriesSets: 2,
    oldestTimeMs: start,
    newestTimeMs: start + 9000,
    sources: [
      { name: "powermetrics", lastTimeMs: start + 9000 },
      { name: "vm_stat", lastTimeMs: start },
    ],
    sinks: [{ sink: "a", waiting: 11, ranges: [{ firstSeq: 1, lastSeq: 11 }] }],
    setAside: [],
  });
});

test("a snapshot that does not hold together is a bug, not the disk's fault", (context) => {
  const journal = bench(context).open();
  assert.throws(() => journal.append(snapshot(start + 0.5)), /time must be an integer/);
  assert.throws(
    () => journal.append({ ...snapshot(start), values: new Float64Array(1) }),
    /unexpected values: got 1, want 4/,
  );
});
