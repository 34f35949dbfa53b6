/** Fixtures of the journal's tests: snapshots of made-up sources, and a journal on a fake clock. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { openJournal } from "../../src/journal/journal.ts";
import { openJournalReader } from "../../src/journal/reader.ts";
import type {
  Cursor,
  CursorState,
  Disk,
  Journal,
  JournalOptions,
  JournalStats,
  StoredSnapshot,
} from "../../src/journal/types.ts";
import { bootCounter, gauge, type Metric } from "../../src/metric/metric.ts";
import { labelPairs, seriesSet, type SeriesSet } from "../../src/metric/series.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { fakeClock, type FakeClock } from "../support/fake-clock.ts";
import { disposableFolder, fastParent } from "../support/folder.ts";

export const day = 86_400_000;
export const unlimited = { maxSamples: Infinity, maxSnapshots: Infinity };

export const power = gauge("power_milliwatts", "Power drawn", ["part"]);
export const faults = bootCounter("faults_total", "Faults since boot", ["part"]);

export function metricOf(name: string): Metric | undefined {
  return [power, faults].find((metric) => metric.name === name);
}

/** Power and faults of each part. */
export function setOf(parts: readonly string[]): SeriesSet {
  const of = (metric: Metric) =>
    parts.map((part) => ({ metric, name: metric.name, labels: labelPairs({ part }) }));
  return seriesSet([...of(power), ...of(faults)]);
}

export function partsOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `part${index}`);
}

const random = seededRandom(11);
const sets = new Map<string, SeriesSet>();

export interface Wanted {
  readonly source?: string;
  readonly parts?: readonly string[];
  readonly values?: Float64Array;
}

/** A snapshot at `time` with believable values. */
export function snapshot(
  time: number,
  { source = "powermetrics", parts = ["cpu", "gpu"], values }: Wanted = {},
): Snapshot {
  const key = parts.join();
  const set = sets.get(key) ?? setOf(parts);
  sets.set(key, set);
  const made = Float64Array.from(set.series, ({ metric }) =>
    metric === power ? Math.round(random() * 5e6) / 1000 : Math.floor(time / 1000) * 17,
  );
  return { source, time, starts: { boot: 1_700_000_000_000 }, set, values: values ?? made, ended: [] };
}

/** A snapshot whose content follows from its number alone. */
export function numbered(seq: number): Snapshot {
  const values = Float64Array.from([seq / 7, seq * 1000.5, seq % 3, -seq]);
  return snapshot(Date.UTC(2026, 0, 1) + seq * 1000, { values });
}

export interface Bench {
  readonly path: string;
  readonly clock: FakeClock;
  /** Opens the journal of this bench; closing the one before is the test's decision. */
  readonly open: (options?: Partial<JournalOptions>) => Journal;
}

/** A folder, removed with the test, and a clock. Journals that the test left open are closed. */
export function bench(context: TestContext, defaults: Partial<JournalOptions> = {}): Bench {
  const folder = disposableFolder({ parent: fastParent });
  const path = join(folder.path, "journal.db");
  const clock = fakeClock();
  const journals: Journal[] = [];
  context.after(() => {
    for (const journal of journals) journal[Symbol.dispose]();
    folder[Symbol.dispose]();
  });
  return {
    path,
    clock,
    open(options = {}) {
      const journal = openJournal({ ...basicOptions(path, clock), ...defaults, ...options });
      journals.push(journal);
      return journal;
    },
  };
}

export function basicOptions(path: string, clock: Clock): JournalOptions {
  return {
    path,
    maxBytes: 64 * 2 ** 20,
    maxAgeMs: 7 * day,
    historyMs: day,
    minFreeBytes: 0,
    commitIntervalMs: 10_000,
    clock,
    log: silentLogger,
    metricOf,
  };
}

/** A disk whose faults a test turns on and off. */
export interface FaultyDisk extends Disk {
  fault: NodeJS.ErrnoException | undefined;
  free: number;
}

export function faultyDisk(): FaultyDisk {
  const disk: FaultyDisk = {
    fault: undefined,
    free: Infinity,
    freeBytes: () => disk.free,
    beforeWrite() {
      if (disk.fault !== undefined) throw disk.fault;
    },
  };
  return disk;
}

export function systemError(code: string, errno: number): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: refused`), { code, errno });
}

/** Everything that waits, read in small batches and acknowledged. */
export function drain(cursor: Cursor, maxSnapshots = 7): readonly StoredSnapshot[] {
  const all: StoredSnapshot[] = [];
  for (let range = cursor.ranges()[0]; range !== undefined; range = cursor.ranges()[0]) {
    const batch = cursor.read(range, { maxSamples: Infinity, maxSnapshots });
    const last = batch.at(-1);
    if (last === undefined) continue;
    all.push(...batch);
    cursor.acknowledge({ firstSeq: range.firstSeq, lastSeq: last.seq });
  }
  return all;
}

/** What `journal stats` reads, in another process usually. */
export function statsOf(path: string): JournalStats {
  const opened = openJournalReader(path, metricOf);
  if (opened.status === "unavailable") throw new Error(opened.reason);
  using reader = opened.reader;
  return reader.stats();
}

/** What of a snapshot has to survive the journal. */
export function essence({ source, time, starts, set, values }: Snapshot): unknown {
  return { source, time, starts, key: set.key, values: [...values] };
}

/** What was appended was delivered, was dropped or waits; every snapshot has as many samples. */
export function assertAccounted(state: CursorState | undefined, appended: number, samplesEach: number): void {
  assert.ok(state);
  const dropped = Object.values(state.dropped);
  const settled = [state.delivered, ...dropped];
  assert.equal(
    settled.reduce((sum, { snapshots }) => sum + snapshots, state.waiting),
    appended,
  );
  for (const { snapshots, samples } of settled) assert.equal(samples, snapshots * samplesEach);
}
