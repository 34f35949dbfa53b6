/** Measures what keeping snapshots costs: time to append and commit, bytes on disk, and reading it all back. */
import { join } from "node:path";
import type { Cursor, Journal } from "../../src/journal/types.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { openAt } from "./open-journal.ts";
import { aimTable, median, withSpread, type Bench } from "./report.ts";
import { rowFormats } from "./row-formats.ts";
import { noonMs, repeated, snapshots } from "./workload.ts";
import { disposableFolder } from "../support/folder.ts";

interface Round {
  readonly appendMicros: number;
  readonly commitMicros: number;
  readonly bytesPerSample: number;
  readonly readMillions: number;
}

export const journal: Bench = {
  name: "journal",
  question: "what do append, size and drain of the journal cost?",
  run({ rounds, scale, tell }) {
    const count = Math.max(600, Math.round(28_800 * scale));
    tell(`  simulating ${Math.min(count, 1800)} snapshots`);
    const rows = snapshots(Math.min(count, 1800), noonMs);
    const found = Array.from({ length: rounds }, () => once(rows, count));
    const series = rows[0]?.set.series.length ?? 0;
    const of = (key: keyof Round): readonly number[] => found.map((round) => round[key]);
    const table = {
      title: `${count} snapshots of ${series} series at 1 s, committed each 10`,
      columns: ["", "median and spread"],
      rows: [
        ["append, CPU µs a snapshot", withSpread(of("appendMicros"))],
        ["commit of 10 snapshots, wall µs", withSpread(of("commitMicros"))],
        ["bytes a sample on disk", withSpread(of("bytesPerSample"))],
        ["read in batches of 2000 samples, M samples per CPU s", withSpread(of("readMillions"))],
      ],
      notes: ["the database lies in the system's temporary folder; its disk decides what a commit costs"],
    };
    const aim = {
      text: "journal, bytes a sample at 1 s",
      measured: median(of("bytesPerSample")),
      limit: 4,
      better: "below",
    } as const;
    return Promise.resolve([table, rowFormats(rows, rounds), aimTable([aim])]);
  },
};

function once(rows: readonly Snapshot[], count: number): Round {
  using folder = disposableFolder();
  using opened = openAt(join(folder.path, "journal.db"));
  const cursor = opened.cursor("bench", { from: "oldest" });
  const series = rows[0]?.values.length ?? 0;
  const written = fill(opened, rows, count);
  return {
    ...written,
    bytesPerSample: opened.state().bytes / (count * series),
    readMillions: (count * series) / readAll(cursor),
  };
}

function fill(
  opened: Journal,
  rows: readonly Snapshot[],
  count: number,
): Pick<Round, "appendMicros" | "commitMicros"> {
  const firstMs = Math.floor(Date.now() / 1000) * 1000 - count * 1000;
  let committing = 0;
  let commits = 0;
  let appended = 0;
  const before = process.cpuUsage();
  const commitCpu = { micros: 0 };
  for (const snapshot of repeated(rows, count, firstMs, 1000)) {
    opened.append(snapshot);
    if (++appended % 10 !== 0) continue;
    const began = performance.now();
    const cpu = process.cpuUsage();
    opened.commit();
    const { user, system } = process.cpuUsage(cpu);
    commitCpu.micros += user + system;
    committing += performance.now() - began;
    commits++;
  }
  opened.commit();
  const { user, system } = process.cpuUsage(before);
  return {
    appendMicros: (user + system - commitCpu.micros) / count,
    commitMicros: (committing * 1000) / commits,
  };
}

/** CPU microseconds for everything that waits. */
function readAll(cursor: Cursor): number {
  const before = process.cpuUsage();
  for (let range = cursor.ranges()[0]; range !== undefined; range = cursor.ranges()[0]) {
    const last = cursor.read(range, { maxSamples: 2000, maxSnapshots: 1000 }).at(-1);
    if (last === undefined) break;
    cursor.acknowledge({ firstSeq: range.firstSeq, lastSeq: last.seq });
  }
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
