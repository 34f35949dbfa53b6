/** One document from every stage's state, made when somebody asks. */
import assert from "node:assert/strict";
import test from "node:test";
import { catalogue } from "../../src/meter/catalogue.ts";
import type { HistoryQuery, JournalState } from "../../src/journal/types.ts";
import { createOwnMeter } from "../../src/meter/own-meter.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { labelPairs, seriesSet } from "../../src/metric/series.ts";
import { createBoard } from "../../src/status/board.ts";
import type { DeliveryFailure, DeliveryStatus } from "../../src/delivery/types.ts";
import { fakeClock } from "../support/fake-clock.ts";

function powerSnapshot(time: number, milliwatts: number, names: Record<string, string> = {}): Snapshot {
  const power = catalogue.get("powermetrics_cpu_power_milliwatts");
  const info = catalogue.get("powermetrics_info");
  assert.ok(power && info);
  const labels = labelPairs({ hw_model: "Mac16,10", os_build: "25G229", ...names });
  const set = seriesSet([
    { metric: info, name: info.name, labels },
    { metric: power, name: power.name, labels: [] },
  ]);
  return { source: "powermetrics", time, starts: {}, set, values: Float64Array.of(1, milliwatts), ended: [] };
}

const emptyJournal: JournalState = {
  durable: true,
  bytes: 1,
  snapshots: 0,
  staged: 0,
  dropped: {},
  setAside: 0,
  orphans: [],
  cursors: [],
};

function openBoard(journal?: Parameters<typeof createBoard>[0]["journal"], watchesTasks = false) {
  const clock = fakeClock();
  const latest: Snapshot[] = [];
  const silent = { isUp: undefined, lastTime: undefined };
  const powermetrics: { isUp: boolean | undefined; lastTime: number | undefined } = { ...silent };
  let asked = 0;
  const dropped: Record<string, number> = {};
  const delivery: { status: DeliveryStatus; dropped: typeof dropped; lastFailure?: DeliveryFailure } = {
    status: "starting",
    dropped,
  };
  const board = createBoard({
    clock,
    hostname: "studio.lan",
    instance: "studio",
    version: "1.2.3",
    nodeVersion: "v24.0.0",
    simulated: false,
    watchesTasks,
    sources: [{ name: "powermetrics", intervalMs: 1000 }],
    pipelines: { powermetrics, vm_stat: silent, sysctl: silent, pmset: silent, ioreg: silent },
    latest() {
      asked++;
      return latest;
    },
    sinks: () => [
      {
        sink: "remote_write/desk-1",
        type: "remote_write",
        address: "http://desk/",
        state: {
          protocol: "prometheus.WriteRequest",
          sent: 0,
          failedRequests: 0,
          backlog: { snapshots: 3, bytes: 30, oldestTimeMs: clock.now() - 1000 },
          ...delivery,
        },
      },
    ],
    events: () => [],
    facts: () => ({ chip: "Apple M4", osVersion: "26.6" }),
    configurationText: () => "log: {}\n",
    ...(journal !== undefined && { journal }),
  });
  return { board, clock, latest, powermetrics, delivery, asked: () => asked };
}

test("chip and macOS are those of the samples, where the machine was too busy to say at the start", () => {
  const { board, latest, clock } = openBoard();
  latest.push(powerSnapshot(clock.now(), 1500, { chip: "Apple M4 Pro", os_version: "15.5" }));
  const { chip, osVersion } = board.status().machine;
  assert.deepEqual([chip, osVersion], ["Apple M4 Pro", "15.5"]);
});

test("before the first sample the agent is starting, and nothing is made up", () => {
  const { board } = openBoard();
  const { overall, sources, readings, journal, machine } = board.status();
  assert.equal(overall.level, "starting");
  assert.deepEqual(sources, [
    { name: "powermetrics", intervalMs: 1000, restarts: 0, failures: 0, parseErrors: 0 },
  ]);
  assert.deepEqual(readings.power, {});
  assert.deepEqual(readings.memory, {});
  assert.equal(journal, undefined);
  assert.deepEqual(machine, { simulated: false, chip: "Apple M4", osVersion: "26.6" });
});

test("values, model, counts of mishaps and the last failure come together", async () => {
  const { board, clock, latest, powermetrics } = openBoard();
  const own = createOwnMeter(clock.now());
  own.count("sourceRestarts", 2, { source: "powermetrics", reason: "exited" });
  own.count("sourceRestarts", 1, { source: "powermetrics", reason: "stalled" });
  own.count("sourceParseErrors", 7, { source: "vm_stat", kind: "garbage" });
  own.watch("processMemory", () => [[1024, {}]]);
  latest.push(powerSnapshot(clock.now(), 1500), await own.snapshot(clock.now()));
  Object.assign(powermetrics, { isUp: true, lastTime: clock.now() });
  board.failed("powermetrics", { reason: "exited", message: "powermetrics exited: code 1" });
  const { sources, readings, machine, agent } = board.status();
  assert.equal(readings.power.cpu, 1.5);
  assert.deepEqual(machine, {
    simulated: false,
    model: "Mac16,10",
    osBuild: "25G229",
    chip: "Apple M4",
    osVersion: "26.6",
  });
  assert.equal(agent.memoryBytes, 1024);
  assert.deepEqual(sources[0], {
    name: "powermetrics",
    intervalMs: 1000,
    up: true,
    lastSample: clock.now(),
    restarts: 3,
    failures: 0,
    parseErrors: 0,
    lastFailure: { time: clock.now(), reason: "powermetrics exited: code 1" },
  });
});

test("a sink's failure comes with advice, and what waits with its age", () => {
  const { board, clock, delivery } = openBoard();
  delivery.status = "refused";
  delivery.lastFailure = { time: clock.now(), code: "401", reason: "unexpected status: got 401, want 2xx" };
  delivery.dropped["too_old"] = 5;
  const [sink] = board.status().sinks;
  assert.equal(sink?.target, "http://desk/");
  assert.equal(sink.state, "refused");
  assert.match(sink.lastFailure?.advice ?? "", /credentials/);
  assert.deepEqual(sink.backlog, { snapshots: 3, bytes: 30, oldest: clock.now() - 1000 });
  assert.deepEqual(sink.dropped, { too_old: 5 });
});

test("publishing asks no stage for anything while nobody watches; events leave the configuration out", async () => {
  const { board, clock, asked } = openBoard();
  for (let sample = 0; sample < 10; sample++) board.published(powerSnapshot(clock.now() + sample * 1000, 1));
  await clock.advance(10_000);
  assert.equal(asked(), 0);
  let text = "";
  board.feed.watch((event) => void (text = event));
  assert.match(text, /"host":"studio\.lan"/);
  assert.ok(!text.includes("configuration"));
  assert.equal(board.status().configuration, "log: {}\n");
});

test("without a journal history is what the agent remembers", () => {
  const { board, clock } = openBoard();
  board.published(powerSnapshot(clock.now() - 700_000, 1000));
  board.published(powerSnapshot(clock.now() - 2000, 1000));
  board.published(powerSnapshot(clock.now() - 1000, 2000));
  const { origin, groups, toMs, fromMs } = board.history("10m");
  assert.equal(origin, "memory");
  assert.equal(toMs - fromMs, 600_000);
  assert.deepEqual(groups[0]?.columns["power.cpu"]?.slice(-2), [1, 2]);
});

test("without a journal an own range shows that part of what is remembered", () => {
  const { board, clock } = openBoard();
  for (let ago = 100; ago > 0; ago--) board.published(powerSnapshot(clock.now() - ago * 1000, ago));
  const { fromMs, toMs, groups } = board.history({ fromMs: 0, toMs: clock.now() - 50_000 });
  assert.deepEqual([fromMs, toMs], [clock.now() - 100_000, clock.now() - 50_000]);
  assert.equal(groups[0]?.time.length, 51);
});

test("with a journal history is asked for by range and number of points", () => {
  const queries: HistoryQuery[] = [];
  const { board, clock } = openBoard({
    *history(query) {
      queries.push(query);
      yield { ...powerSnapshot(query.toMs - 5000, 3000), seq: 1 };
    },
    state: () => ({
      durable: false,
      reason: "no space left",
      bytes: 1,
      snapshots: 2,
      staged: 0,
      dropped: { max_size: 4 },
      setAside: 2,
      lastSetAsideMs: 5,
      orphans: [],
      cursors: [
        {
          sink: "remote_write/desk-1",
          delivered: { snapshots: 1, samples: 4 },
          dropped: { corrupt: { snapshots: 3, samples: 12 }, too_old: { snapshots: 1, samples: 4 } },
          waiting: 0,
        },
      ],
    }),
  });
  const { origin, groups } = board.history("1d");
  assert.equal(origin, "journal");
  const [{ source, ...query } = assert.fail()] = queries;
  assert.deepEqual(query, {
    fromMs: clock.now() - 86_400_000,
    toMs: clock.now(),
    maxPoints: 3600,
    aboutPoints: 180,
  });
  assert.deepEqual([source?.("vm_stat"), source?.("scrape node/other-mac:9127")], [true, false]);
  assert.deepEqual(groups[0]?.columns, { "power.cpu": [3] });
  assert.deepEqual(board.status().journal, {
    durable: false,
    reason: "no space left",
    bytes: 1,
    snapshots: 2,
    dropped: { max_size: 4 },
    setAside: 2,
    lastSetAside: 5,
  });
  assert.deepEqual(board.status().sinks[0]?.dropped, { corrupt: 12 });
});

test("an own range is read as far as the journal holds it, in steps of its own", () => {
  const queries: HistoryQuery[] = [];
  const { board, clock } = openBoard({
    *history(query) {
      queries.push(query);
      for (let time = query.fromMs; time < query.toMs; time += 1000)
        yield { ...powerSnapshot(time, 3000), seq: time };
    },
    state: () => ({ ...emptyJournal, oldestTimeMs: clock.now() - 1_200_000 }),
  });
  const zoomed = board.history({ fromMs: 0, toMs: clock.now() - 600_000 });
  assert.deepEqual(
    [zoomed.range, zoomed.fromMs, zoomed.toMs],
    [undefined, clock.now() - 1_200_000, clock.now() - 600_000],
  );
  assert.equal(zoomed.groups[0]?.time.length, 600);
  assert.equal(board.history({ fromMs: clock.now() - 60_000, toMs: clock.now() }).groups[0]?.time.length, 60);
  assert.deepEqual(
    queries.map(({ maxPoints }) => maxPoints),
    [3600, 3600],
  );
});

test("energy by app is counted where tasks are watched, and the journal is not asked for it elsewhere", () => {
  const asked: boolean[] = [];
  const journal = {
    *history({ series }: HistoryQuery) {
      asked.push(series?.("powermetrics_task_energy_joules_total") === true);
      yield* [];
    },
    state: () => emptyJournal,
  };
  const unwatched = openBoard(journal).board;
  assert.equal(unwatched.status().readings.energyByApp, undefined);
  assert.ok(!asked.includes(true));
  const { board, clock } = openBoard(journal, true);
  assert.deepEqual(board.status().readings.energyByApp, { since: clock.now(), hour: [], day: [] });
  assert.ok(asked.includes(true));
});
