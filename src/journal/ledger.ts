/**
 * What each sink is still owed, and what became of the rest: taken on = delivered + dropped + waiting.
 *
 *     configured ──block removed──► orphan: waits for what it has, takes on nothing new
 *         ▲                            │ all lost to the bounds, or forgotten on request
 *         └──────block is back─────────┘──► gone
 */
import { intersection, open, sizeOf, touches, union, within, without, type SeqSet } from "./ranges.ts";
import type { SavedCursor } from "./store.ts";
import type {
  CursorNotes,
  CursorState,
  FrozenBatch,
  SeqRange,
  SinkAssignment,
  SinkBlock,
  Tally,
} from "./types.ts";

export interface Account {
  sink: string;
  readonly from: "oldest" | "now";
  /** Absent where no configuration has named it yet. */
  block: SinkBlock | undefined;
  /** Since when it is an orphan. */
  goneMs: number | undefined;
  /** The last range is open, except of an orphan. */
  waiting: SeqSet;
  frozen: FrozenBatch | undefined;
  /** What delivery noted about receivers that have taken samples. */
  accepted: readonly string[];
  notes: CursorNotes;
}

export interface Ledger {
  /** Set by whatever has to be written. */
  dirty: boolean;
  accounts(): readonly Account[];
  account(sink: string): Account | undefined;
  /** An orphan is one no more. */
  open(sink: string, from: Account["from"], next: number, waiting: () => SeqSet): Account;
  /** Remembers the blocks that are configured; the other accounts become orphans, and those that wait for nothing go. */
  assign(assignments: readonly SinkAssignment[], next: number, nowMs: number): void;
  /** Drops all that an account waits for up to `next`, and the account with it. */
  remove(account: Account, reason: string, next: number): Tally;
  /** Takes on a cursor that was stored before; without an open end it is an orphan's. */
  adopt(saved: SavedCursor, waiting: SeqSet): void;
  /** Takes `range` out of what waits; returns what that was. */
  settle(account: Account, range: SeqRange): Tally;
  deliver(account: Account, range: SeqRange): Tally;
  drop(account: Account, range: SeqRange, reason: string): Tally;
  /** The journal has lost `range`: every sink that waits for some of it is told. Returns how many snapshots any of them waited for. */
  lose(range: SeqRange, reason: string): number;
  /** Whether anybody waits for some of it. */
  owes(range: SeqRange): boolean;
  saved(): readonly SavedCursor[];
  states(next: number): readonly CursorState[];
  /** Snapshots lost to at least one sink, by reason. */
  lost(): Readonly<Record<string, number>>;
}

const noTally: Tally = { snapshots: 0, samples: 0 };
/** Sinks whose tallies are kept when their accounts are gone: metrics are read later. */
const mostTallies = 256;

interface Tallies {
  delivered: Tally;
  readonly dropped: Map<string, Tally>;
}

export function ledger(samplesIn: (set: SeqSet) => number): Ledger {
  const accounts = new Map<string, Account>();
  /** By sink; they outlive its account, so that a counter never goes back. */
  const tallies = new Map<string, Tallies>();
  const lost = new Map<string, number>();

  function countLost(reason: string, count: number): void {
    if (count > 0) lost.set(reason, (lost.get(reason) ?? 0) + count);
  }

  function talliesOf(sink: string): Tallies {
    const known = tallies.get(sink) ?? { delivered: noTally, dropped: new Map<string, Tally>() };
    tallies.set(sink, known);
    if (tallies.size > mostTallies)
      for (const old of [...tallies.keys()].filter((one) => !accounts.has(one)).slice(0, 1))
        tallies.delete(old);
    return known;
  }

  function add(account: Account): Account {
    accounts.set(account.sink, account);
    talliesOf(account.sink);
    return account;
  }

  /** An orphan whose block is back. */
  function takeOn(account: Account, next: number): void {
    if (account.goneMs === undefined) return;
    account.waiting = union(account.waiting, [{ firstSeq: next, lastSeq: open }]);
    account.goneMs = undefined;
    book.dirty = true;
  }

  function configure(account: Account, { sink, block }: SinkAssignment, next: number): void {
    takeOn(account, next);
    account.sink = sink;
    account.block = block;
    add(account);
  }

  const book: Ledger = {
    dirty: false,
    accounts: () => [...accounts.values()],
    account: (sink) => accounts.get(sink),
    open(sink, from, next, waiting) {
      const known = accounts.get(sink);
      if (known !== undefined) {
        takeOn(known, next);
        return known;
      }
      book.dirty = true;
      return add(newAccount(sink, from, waiting()));
    },
    assign(assignments, next, nowMs) {
      const before = new Map(accounts);
      accounts.clear();
      for (const one of assignments) {
        const old = one.was === undefined ? undefined : before.get(one.was);
        if (old === undefined) continue;
        before.delete(old.sink);
        configure(old, one, next);
      }
      for (const account of before.values()) {
        account.waiting = within(account.waiting, { firstSeq: 0, lastSeq: next - 1 });
        account.goneMs ??= nowMs;
        if (account.waiting.length > 0) add(account);
      }
      book.dirty = true;
    },
    remove(account, reason, next) {
      const tally = book.drop(account, { firstSeq: 0, lastSeq: next - 1 }, reason);
      countLost(reason, tally.snapshots);
      accounts.delete(account.sink);
      book.dirty = true;
      return tally;
    },
    adopt({ sink, frozen, accepted, block, goneMs, notes }, waiting) {
      const known = accounts.get(sink);
      const account = known ?? add(newAccount(sink, "now", []));
      account.waiting = union(account.waiting, waiting);
      account.frozen ??= frozen !== undefined && touches(waiting, frozen) ? frozen : undefined;
      account.notes = { ...notes, ...account.notes };
      if (account.accepted.length === 0) account.accepted = accepted;
      if (known !== undefined) return;
      account.block = block;
      account.goneMs = goneMs;
    },
    settle(account, range) {
      const settled = within(account.waiting, range);
      if (settled.length === 0) return noTally;
      const tally = { snapshots: sizeOf(settled), samples: samplesIn(settled) };
      account.waiting = without(account.waiting, range);
      if (account.frozen !== undefined && !touches(account.waiting, account.frozen))
        account.frozen = undefined;
      book.dirty = true;
      return tally;
    },
    deliver(account, range) {
      const tally = book.settle(account, range);
      const all = talliesOf(account.sink);
      all.delivered = plus(all.delivered, tally);
      return tally;
    },
    drop(account, range, reason) {
      const tally = book.settle(account, range);
      const { dropped } = talliesOf(account.sink);
      if (tally.snapshots > 0) dropped.set(reason, plus(dropped.get(reason), tally));
      return tally;
    },
    lose(range, reason) {
      let missed: SeqSet = [];
      for (const account of accounts.values()) {
        missed = union(missed, within(account.waiting, range));
        if (account.frozen !== undefined && touches([account.frozen], range)) account.frozen = undefined;
        book.drop(account, range, reason);
      }
      countLost(reason, sizeOf(missed));
      return sizeOf(missed);
    },
    owes: (range) => [...accounts.values()].some(({ waiting }) => touches(waiting, range)),
    saved: () => [...accounts.values()].map(savedCursor),
    states: (next) =>
      [...tallies]
        .filter(([sink, { dropped }]) => accounts.has(sink) || dropped.size > 0)
        .map(([sink, { delivered, dropped }]) => {
          const account = accounts.get(sink);
          const waiting = account === undefined ? 0 : sizeOf(waitingOf(account, next));
          return { sink, delivered, dropped: Object.fromEntries(dropped), waiting };
        }),
    lost: () => Object.fromEntries(lost),
  };
  return book;
}

/** What waits of an account up to now, without the part that does not exist yet. */
export function waitingOf(account: Account, next: number): SeqSet {
  return within(account.waiting, { firstSeq: 0, lastSeq: next - 1 });
}

function plus(one: Tally = noTally, other: Tally): Tally {
  return { snapshots: one.snapshots + other.snapshots, samples: one.samples + other.samples };
}

/** What is in `waiting` but neither in `existing` nor still to come. */
export function missingFrom(waiting: SeqSet, existing: SeqSet, next: number): SeqSet {
  const kept = intersection(waiting, union(existing, [{ firstSeq: next, lastSeq: open }]));
  return kept.reduce(without, waiting);
}

function newAccount(sink: string, from: Account["from"], waiting: SeqSet): Account {
  return {
    sink,
    from,
    block: undefined,
    goneMs: undefined,
    waiting,
    frozen: undefined,
    accepted: [],
    notes: {},
  };
}

function savedCursor({ sink, waiting, frozen, block, goneMs, accepted, notes }: Account): SavedCursor {
  return {
    sink,
    waiting,
    accepted,
    notes,
    ...(frozen !== undefined && { frozen }),
    ...(block !== undefined && { block }),
    ...(goneMs !== undefined && { goneMs }),
  };
}
