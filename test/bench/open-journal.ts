/** Journals under measurement: without bounds that matter, committed only on request, filled with repeated rows. */
import { openJournal } from "../../src/journal/journal.ts";
import type { Journal } from "../../src/journal/types.ts";
import { catalogue } from "../../src/meter/catalogue.ts";
import type { Snapshot } from "../../src/meter/snapshot.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { silentLogger } from "../../src/runtime/log.ts";
import { repeated } from "./workload.ts";

const month = 30 * 86_400_000;

export function openAt(path: string): Journal {
  return openJournal({
    path,
    maxBytes: 2 ** 31,
    maxAgeMs: month,
    historyMs: month,
    minFreeBytes: 0,
    commitIntervalMs: 3_600_000,
    clock: systemClock,
    log: silentLogger,
    metricOf: (name) => catalogue.get(name),
  });
}

/** `count` snapshots that end now, committed as often as a running agent does: each ten. */
export function fill(journal: Journal, rows: readonly Snapshot[], count: number, everyMs: number): void {
  const firstMs = Math.floor(Date.now() / 1000) * 1000 - count * everyMs;
  let appended = 0;
  for (const snapshot of repeated(rows, count, firstMs, everyMs)) {
    journal.append(snapshot);
    if (++appended % 10 === 0) journal.commit();
  }
  journal.commit();
}
