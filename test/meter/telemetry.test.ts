/** What the stages' states become among the agent's own metrics. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import test, { type TestContext } from "node:test";
import type { Journal } from "../../src/journal/types.ts";
import { createOwnMeter } from "../../src/meter/own-meter.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { createTelemetry, ownIntervalMs } from "../../src/telemetry.ts";
import { bench, numbered, partsOf, snapshot, type Bench } from "../journal/fixtures.ts";

const silent = { isUp: undefined, lastTime: undefined, lagMs: undefined };

interface Wish {
  readonly at: Bench;
  readonly journal: Journal;
  /** Of the names of the metrics that are looked at. */
  readonly part: string;
}

/** Telemetry of an agent without sources and sinks, and what it publishes and shows. */
function running(context: TestContext, { at: { clock }, journal, part }: Wish) {
  const published: Readonly<Record<string, number>>[] = [];
  const shown: typeof published = [];
  const telemetry = createTelemetry({
    own: createOwnMeter(clock.now()),
    clock,
    log: silentLogger,
    version: "1.2.3",
    nodeVersion: "v24.0.0",
    sources: [],
    pipelines: { powermetrics: silent, vm_stat: silent, sysctl: silent, pmset: silent, ioreg: silent },
    powermetricsCpu: { seconds: undefined, refresh: () => Promise.resolve() },
    journal,
    deliveries: { reports: () => [] },
    publish: (one) => published.push(valuesOf(one, part)),
    latest: { put: (one) => void shown.push(valuesOf(one, part)) },
    reload: { successful: true },
  });
  const stop = new AbortController();
  const run = telemetry.run(stop.signal);
  const end = (): Promise<void> => {
    stop.abort();
    return run;
  };
  context.after(end);
  return { telemetry, published, shown, end };
}

/** The own metrics at the start and after one interval in which `meanwhile` happened. */
async function ownValues(
  context: TestContext,
  wish: Wish,
  meanwhile: () => void,
): Promise<readonly Readonly<Record<string, number>>[]> {
  const { published, end } = running(context, wish);
  await wish.at.clock.advance(0);
  meanwhile();
  await wish.at.clock.advance(ownIntervalMs);
  await end();
  return published;
}

function valuesOf({ set, values }: Snapshot, part: string): Readonly<Record<string, number>> {
  const all = set.series.map(({ name, labels }, index) => {
    const text = labels.map(([label, value]) => `${label}=${value}`).join();
    return [`${name.replace("mac_agent_", "")}{${text}}`, values[index] ?? NaN] as const;
  });
  return Object.fromEntries(all.filter(([name]) => name.includes(part)));
}

test("a database that was set aside is counted", async (context) => {
  const at = bench(context);
  const before = at.open();
  for (const sink of ["a", "b"]) before.cursor(sink, { from: "now" });
  for (let seq = 1; seq <= 100; seq++) before.append(numbered(seq));
  before.cursor("a", { from: "now" }).acknowledge({ firstSeq: 1, lastSeq: 90 });
  before[Symbol.dispose]();
  const database = new DatabaseSync(at.path);
  database.exec("DROP TABLE source");
  database.close();
  const journal = at.open();
  const [first, second] = await ownValues(context, { at, journal, part: "_" }, () => {
    for (const sink of ["a", "b"]) journal.cursor(sink, { from: "now" });
  });
  assert.equal(first?.["journal_set_aside_total{}"], 1);
  assert.equal(second?.["journal_set_aside_total{}"], 1);
});

test("what the journal gives up for its size is counted in samples for each sink, and added up", async (context) => {
  const at = bench(context, { maxBytes: 2 ** 18 });
  const journal = at.open();
  const cursor = journal.cursor("a", { from: "now" });
  let time = at.clock.now();
  const fill = (): void => {
    for (let count = 0; count < 1500; count++)
      journal.append(snapshot((time += 1000), { parts: partsOf(50) }));
    journal.commit();
  };
  fill();
  await at.clock.advance(20_000);
  const lost = (): number => journal.state().cursors[0]?.dropped["max_size"]?.samples ?? 0;
  const counts = [lost()];
  const beats = await ownValues(context, { at, journal, part: "sink_samples_dropped_total" }, fill);
  counts.push(lost());
  assert.ok((counts[0] ?? 0) > 0 && (counts[1] ?? 0) > (counts[0] ?? 0));
  assert.deepEqual(
    beats.map((beat) => beat["sink_samples_dropped_total{reason=max_size,sink=a}"]),
    counts,
  );
  assert.equal(cursor.backlog().snapshots * 100 + lost(), 300_000);
});

test("who asks sees what is true now, all who ask at once, and nothing more is kept or sent for it", async (context) => {
  const at = bench(context);
  const journal = at.open();
  const part = "journal_snapshots";
  const { telemetry, published, shown, end } = running(context, { at, journal, part });
  const seen: unknown[] = [];
  const ask = async (afterMs: number): Promise<void> => {
    await at.clock.advance(afterMs);
    journal.append(numbered(1 + at.clock.monotonic()));
    const scrape = () => telemetry.refresh().then(() => seen.push(shown.at(-1)?.["journal_snapshots{}"]));
    await Promise.all([scrape(), scrape()]);
  };
  // Before the first are published, and while they are fresh, there is nothing to do.
  await telemetry.refresh();
  await ask(4000);
  assert.deepEqual([published, shown], [[{ "journal_snapshots{}": 0 }], []]);
  await ask(2000);
  await ask(1000);
  await ask(5000);
  assert.deepEqual([shown.length, seen], [2, [undefined, undefined, 2, 2, 2, 2, 4, 4]]);
  await end();
  await at.clock.advance(6000);
  const asking = telemetry.refresh();
  telemetry.end();
  await asking;
  await ask(10_000);
  // The end itself, and before it what the last ones had become.
  assert.deepEqual([published.length, shown.length], [3, 2]);
});

test("what happened since the last of them is told at the end", async (context) => {
  const at = bench(context);
  const journal = at.open();
  const { telemetry, published, end } = running(context, { at, journal, part: "journal_snapshots" });
  await at.clock.advance(ownIntervalMs + 1000);
  journal.append(numbered(1 + at.clock.monotonic()));
  await end();
  telemetry.end();
  const counts = published.map((values) => values["journal_snapshots{}"]);
  assert.deepEqual(counts, [0, 0, 1, undefined], "the last one ends the series");
});
