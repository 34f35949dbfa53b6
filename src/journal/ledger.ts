/** Owns what each sink is still owed, and the account of what became of the rest: taken on = delivered + dropped + waiting. */
import {
  intersection,
  open,
  sizeOf,
  touches,
  union,
  within,
  without,
  withoutAll,
  type SeqSet,
} from "./ranges.ts";
import type { Owed } from "./owed.ts";
import type { SavedCursor } from "./store.ts";
import type { CursorState, FrozenBatch, SeqRange, Tally } from "./types.ts";

export interface Account {
  readonly sink: string;
  readonly from: "oldest" | "now";
  /** Opened in this process; others hold no data back. */
  opened: boolean;
  /** The last range is open. */
  waiting: SeqSet;
  frozen: FrozenBatch | undefined;
  /** What delivery noted about receivers that have taken samples. */
  accepted: readonly string[];
  delivered: Tally;
  readonly dropped: Map<string, Tally>;
  /** What the journal lost before it was opened, by reason. */
  readonly early: Map<string, SeqSet>;
}

export interface Ledger {
  /** Set by whatever has to be written. */
  dirty: boolean;
  accounts(): readonly Account[];
  open(sink: string, from: Account["from"], waiting: () => SeqSet): Account;
  forget(sink: string): void;
  /** Takes on a cursor that was stored before. */
  adopt(saved: SavedCursor, waiting: SeqSet): void;
  /** Takes `range` out of what waits; returns what that was. */
  settle(account: Account, range: SeqRange): Tally;
  drop(account: Account, range: SeqRange, reason: string): Tally;
  /** The journal has lost `range`: every sink that waits for some of it is told. */
  lose(range: SeqRange, reason: string): void;
  /** Sinks have lost what a database owed them whose cursors were not taken on; they wait for what comes from `next` on. */
  writeOff(owed: readonly Owed[], reason: string, next: number): void;
  /** Whether an opened cursor waits for some of it. */
  owes(range: SeqRange): boolean;
  saved(): readonly SavedCursor[];
  states(next: number): readonly CursorState[];
  /** Snapshots lost to at least one opened sink, by reason. */
  lost(): Readonly<Record<string, number>>;
}

const noTally: Tally = { snapshots: 0, samples: 0 };

export function ledger(samplesIn: (set: SeqSet) => number): Ledger {
  const accounts = new Map<string, Account>();
  const lost = new Map<string, number>();
  /** What of `lost` was counted when its sink was opened. */
  const early = new Map<string, SeqSet>();

  function countLost(reason: string, set: SeqSet): void {
    if (set.length > 0) lost.set(reason, (lost.get(reason) ?? 0) + sizeOf(set));
  }

  /** What is lost to several sinks counts once, also where they are opened one after the other. */
  function countEarly(account: Account): void {
    for (const [reason, set] of account.early) {
      const counted = early.get(reason) ?? [];
      countLost(reason, withoutAll(set, counted));
      early.set(reason, union(counted, set));
    }
    account.early.clear();
  }

  function noteEarly(account: Account, reason: string, set: SeqSet): void {
    account.early.set(reason, union(account.early.get(reason) ?? [], set));
    if (account.opened) countEarly(account);
  }

  const book: Ledger = {
    dirty: false,
    accounts: () => [...accounts.values()],
    open(sink, from, waiting) {
      const known = accounts.get(sink);
      const account = known ?? newAccount(sink, from, waiting());
      account.opened = true;
      countEarly(account);
      accounts.set(sink, account);
      if (known === undefined) book.dirty = true;
      return account;
    },
    forget(sink) {
      if (accounts.delete(sink)) book.dirty = true;
    },
    adopt({ sink, frozen, accepted }, waiting) {
      const account = accounts.get(sink) ?? newAccount(sink, "now", []);
      account.waiting = union(account.waiting, waiting);
      account.frozen ??= frozen !== undefined && touches(waiting, frozen) ? frozen : undefined;
      if (account.accepted.length === 0) account.accepted = accepted;
      accounts.set(sink, account);
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
    drop(account, range, reason) {
      const tally = book.settle(account, range);
      if (tally.snapshots > 0) account.dropped.set(reason, plus(account.dropped.get(reason), tally));
      return tally;
    },
    lose(range, reason) {
      let missed: SeqSet = [];
      for (const account of accounts.values()) {
        const set = within(account.waiting, range);
        if (account.opened) missed = union(missed, set);
        else noteEarly(account, reason, set);
        if (account.frozen !== undefined && touches([account.frozen], range)) account.frozen = undefined;
        book.drop(account, range, reason);
      }
      countLost(reason, missed);
    },
    writeOff(owed, reason, next) {
      for (const { sink, lost, tally } of owed) {
        const account = accounts.get(sink) ?? newAccount(sink, "now", [{ firstSeq: next, lastSeq: open }]);
        accounts.set(sink, account);
        account.dropped.set(reason, plus(account.dropped.get(reason), tally));
        noteEarly(account, reason, lost);
        book.dirty = true;
      }
    },
    owes: (range) =>
      [...accounts.values()].some((account) => account.opened && touches(account.waiting, range)),
    saved: () =>
      [...accounts.values()].map(({ sink, waiting, frozen, accepted }) => ({
        sink,
        waiting,
        accepted,
        ...(frozen === undefined ? {} : { frozen }),
      })),
    states: (next) =>
      [...accounts.values()].filter(({ opened }) => opened).map((account) => stateOf(account, next)),
    lost: () => Object.fromEntries(lost),
  };
  return book;
}

/** What waits of an account up to now, without the part that does not exist yet. */
export function waitingOf(account: Account, next: number): SeqSet {
  return within(account.waiting, { firstSeq: 0, lastSeq: next - 1 });
}

export function plus(one: Tally = noTally, other: Tally): Tally {
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
    opened: false,
    waiting,
    frozen: undefined,
    accepted: [],
    delivered: noTally,
    dropped: new Map(),
    early: new Map(),
  };
}

function stateOf(account: Account, next: number): CursorState {
  const { sink, delivered, dropped } = account;
  return { sink, delivered, dropped: Object.fromEntries(dropped), waiting: sizeOf(waitingOf(account, next)) };
}
