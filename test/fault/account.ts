/** Checks the account of a sink's samples: collected = sent + dropped by reason + lost by the journal + waiting. */
import assert from "node:assert/strict";
import { lossReasons, type Cursor } from "../../src/journal/types.ts";
import { unlimited } from "../journal/fixtures.ts";
import type { Pushes } from "./counted-sink.ts";
import type { Counted } from "./counting.ts";
import type { Receiver } from "./receiver.ts";

/** What became of the samples that one sink was owed, over all lives of the agent. */
export interface Account {
  readonly collected: Counted;
  readonly sent: number;
  /** By delivery, under its own reasons. */
  readonly dropped: Readonly<Record<string, number>>;
  /** By the journal, under its own. */
  readonly lost: Readonly<Record<string, number>>;
  readonly waiting: number;
  /** Of a sink without history, which is owed nothing but what it was pushed. */
  readonly pushes: Readonly<Pushes>;
}

/** Every other reason is told by delivery. */
export const journalReasons: ReadonlySet<string> = new Set(lossReasons);

export function assertBalanced({ kind, origin, taken }: Receiver, account: Account): void {
  const { collected, sent, waiting } = account;
  const [dropped, lost] = [total(account.dropped), total(account.lost)];
  const told = `${kind} ${origin}: ${JSON.stringify(account)}`;
  assert.equal(taken.samples, sent, told);
  if (kind === "pushgateway") {
    const { encoded, superseded, underWay } = account.pushes;
    assert.equal(sent + dropped + superseded + underWay, encoded, told);
    return;
  }
  assert.equal(sent + dropped + lost + waiting, collected.samples, told);
  if (sent === collected.samples) assert.equal(taken.print, collected.print, told);
}

export function total(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

export function add(counts: Record<string, number>, reason: string, samples: number): void {
  counts[reason] = (counts[reason] ?? 0) + samples;
}

/** What waits, read a little at a time. */
export function samplesOf(cursor: Cursor): number {
  let samples = 0;
  for (const range of cursor.ranges())
    for (let firstSeq = range.firstSeq; firstSeq <= range.lastSeq;) {
      const batch = cursor.read({ ...range, firstSeq }, { ...unlimited, maxSnapshots: 200 });
      const last = batch.at(-1);
      if (last === undefined) break;
      samples += batch.reduce((sum, { values }) => sum + values.length, 0);
      firstSeq = last.seq + 1;
    }
  return samples;
}
