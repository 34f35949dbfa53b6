/** Goes on from a database that was just opened: at the start, after a late first success, and after trouble. */
import { missingFrom, type Ledger } from "./ledger.ts";
import { intersection, open, union, type SeqSet } from "./ranges.ts";
import { seqsOf } from "./segments.ts";
import type { SavedCursor, Store } from "./store.ts";
import type { Tail } from "./tail.ts";

/**
 * `fresh`: nothing happened yet, numbers go on from the database. `late`: the first database comes after appends to memory, whose
 * numbers are far above (`firstNumberWithoutDisk`). `again`: what is in memory is newer than what is stored.
 */
export type Occasion = "fresh" | "late" | "again";

/** Rows have come at most once a millisecond since 1970, so a journal that begins in memory numbers above any that is on disk. */
export function firstNumberWithoutDisk(nowMs: number): number {
  return Math.max(nowMs, 2 ** 40);
}

/** Says what is wrong when memory and database contradict each other. */
export function resume(
  store: Store,
  recent: Tail,
  book: Ledger,
  occasion: Occasion,
  nowMs: number,
): string | undefined {
  const stored = seqsOf(store.segments);
  const last = store.segments.at(-1)?.last ?? 0;
  if (occasion === "fresh") recent.startAt(1 + lastKnown(last, store.cursors()));
  else if (last >= (occasion === "late" ? recent.first : recent.next))
    return `unexpected last snapshot: got ${last}, want less than ${recent.first}`;
  else recent.commit(Math.max(recent.first - 1, last));
  const existing = union(stored, inMemory(recent));
  if (occasion === "again") forgetMissing(book, existing, recent.next);
  else if (occasion === "late") adoptLate(store.cursors(), book, stored, nowMs);
  else {
    const toCome = union(existing, [{ firstSeq: recent.next, lastSeq: open }]);
    for (const saved of store.cursors()) book.adopt(saved, intersection(saved.waiting, toCome));
  }
  book.dirty = true;
  return undefined;
}

/** Cursors may know snapshots that were delivered from memory and never committed: their numbers are not used again. */
function lastKnown(last: number, cursors: readonly SavedCursor[]): number {
  const known = cursors.flatMap(({ waiting }) =>
    waiting.flatMap(({ firstSeq, lastSeq }) => [firstSeq - 1, lastSeq]),
  );
  return known.filter((seq) => seq !== open).reduce((most, seq) => Math.max(most, seq), last);
}

function inMemory(recent: Tail): SeqSet {
  return recent.first < recent.next ? [{ firstSeq: recent.first, lastSeq: recent.next - 1 }] : [];
}

function forgetMissing(book: Ledger, existing: SeqSet, next: number): void {
  for (const account of book.accounts())
    for (const range of missingFrom(account.waiting, existing, next)) book.lose(range, "corrupt");
}

/** Sinks are configured by now: those of the database that are not among them are orphans. */
function adoptLate(cursors: readonly SavedCursor[], book: Ledger, stored: SeqSet, nowMs: number): void {
  const known = new Set(cursors.map(({ sink }) => sink));
  for (const account of book.accounts())
    if (account.from === "oldest" && !known.has(account.sink))
      account.waiting = union(account.waiting, stored);
  for (const saved of cursors) {
    const waiting = intersection(saved.waiting, stored);
    if (book.account(saved.sink) !== undefined || waiting.length > 0)
      book.adopt({ ...saved, goneMs: saved.goneMs ?? nowMs }, waiting);
  }
}
