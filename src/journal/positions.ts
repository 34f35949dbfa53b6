/**
 * Where each sink stands: what it still waits for, and what became of the rest. Taken on = delivered + dropped + waiting.
 *
 *     configured ──block removed──► orphan: waits for what it has, takes on nothing new
 *         ▲                            │ delivered to nobody: dropped by the bounds, by its age, or on request
 *         └──────block is back─────────┘──► gone
 */
import { defined } from "../runtime/defined.ts";
import { rangeBefore, rangeFrom, sizeOf, touches, union, within, without, type SeqSet } from "./ranges.ts";
import { rangeOf } from "./segments.ts";
import type { Snapshots } from "./snapshots.ts";
import type { SavedCursor } from "./store.ts";
import type {
  CursorNotes,
  CursorState,
  FrozenBatch,
  LossReason,
  SeqRange,
  SinkAssignment,
  SinkBlock,
  Tally,
} from "./types.ts";

export interface Position {
  sink: string;
  readonly from: "oldest" | "now";
  /** Absent where no configuration has named it yet. */
  block: SinkBlock | undefined;
  /** Since when it is an orphan, milliseconds since the Unix epoch. */
  goneMs: number | undefined;
  /** The last range is open, except of an orphan. */
  waiting: SeqSet;
  frozen: FrozenBatch | undefined;
  /** What delivery noted about receivers that have taken samples. */
  accepted: readonly string[];
  notes: CursorNotes;
}

export interface Positions {
  /** Something has changed since positions were saved. */
  dirty: boolean;
  all(): readonly Position[];
  of(sink: string): Position | undefined;
  /** The sink's position, a new one if there is none; an orphan is one no more. */
  open(sink: string, from: Position["from"], block: SinkBlock | undefined): Position;
  /** These blocks are configured; other positions become orphans, and those that wait for nothing go. */
  assign(assignments: readonly SinkAssignment[], nowMs: number): void;
  update(position: Position, changes: Partial<Pick<Position, "frozen" | "accepted" | "notes">>): void;
  deliver(position: Position, range: SeqRange): Tally;
  drop(position: Position, range: SeqRange, reason: string): Tally;
  /** The journal has lost `range`: every sink that waits for some of it drops that. Returns how many snapshots any of them waited for. */
  lose(range: SeqRange, reason: LossReason): number;
  /** Drops all that a position waits for, and the position. */
  remove(position: Position, reason: LossReason): Tally;
  isAwaited(range: SeqRange): boolean;
  saved(): readonly SavedCursor[];
  /** Takes on a cursor that was saved, as far as `waiting` says; an orphan's has no open end. */
  restore(saved: SavedCursor, waiting: SeqSet): void;
  states(): readonly CursorState[];
  /** Snapshots lost to at least one sink, by reason. */
  lost(): Readonly<Record<string, number>>;
}

/** What waits up to now, without the part that does not exist yet. */
export function waitingNow({ waiting }: Position, { next }: Snapshots): SeqSet {
  return within(waiting, rangeBefore(next));
}

export function createPositions(snapshots: Snapshots): Positions {
  let all = new Map<string, Position>();
  const tallies = createTallies((sink) => all.has(sink));

  function settle(position: Position, range: SeqRange): Tally {
    const tally = settled(position, range, snapshots);
    if (tally.snapshots > 0) positions.dirty = true;
    return tally;
  }

  function lose(range: SeqRange, reason: LossReason): number {
    let missed: SeqSet = [];
    for (const position of all.values()) {
      missed = union(missed, within(position.waiting, range));
      if (position.frozen !== undefined && touches([position.frozen], range)) position.frozen = undefined;
      positions.drop(position, range, reason);
    }
    tallies.lose(reason, sizeOf(missed));
    return sizeOf(missed);
  }

  const positions: Positions = {
    dirty: false,
    all: () => [...all.values()],
    of: (sink) => all.get(sink),
    open(sink, from, block) {
      const position = all.get(sink) ?? newPosition(sink, from, startOf(from, snapshots));
      takeOn(position, snapshots.next);
      position.block ??= block;
      all.set(sink, position);
      tallies.know(sink);
      positions.dirty = true;
      return position;
    },
    assign(assignments, nowMs) {
      all = reassigned(all, assignments, snapshots.next, nowMs);
      for (const sink of all.keys()) tallies.know(sink);
      positions.dirty = true;
    },
    update(position, changes) {
      Object.assign(position, changes);
      positions.dirty = true;
    },
    deliver: (position, range) => tallies.deliver(position.sink, settle(position, range)),
    drop: (position, range, reason) => tallies.drop(position.sink, reason, settle(position, range)),
    lose,
    remove(position, reason) {
      const tally = positions.drop(position, rangeBefore(snapshots.next), reason);
      tallies.lose(reason, tally.snapshots);
      all.delete(position.sink);
      positions.dirty = true;
      return tally;
    },
    isAwaited: (range) => positions.all().some(({ waiting }) => touches(waiting, range)),
    saved: () => positions.all().map(({ from: _from, ...saved }) => defined(saved)),
    restore(saved, waiting) {
      all.set(saved.sink, restored(all.get(saved.sink), saved, waiting));
      tallies.know(saved.sink);
    },
    states: () => tallies.all().map((tally) => stateOf(tally, all, snapshots)),
    lost: () => tallies.lost(),
  };
  return positions;
}

/** Takes `range` out of what waits; returns what that was. */
function settled(position: Position, range: SeqRange, snapshots: Snapshots): Tally {
  const set = within(position.waiting, range);
  if (set.length === 0) return noTally;
  const tally = { snapshots: sizeOf(set), samples: snapshots.samplesIn(set) };
  position.waiting = without(position.waiting, range);
  if (position.frozen !== undefined && !touches(position.waiting, position.frozen))
    position.frozen = undefined;
  return tally;
}

function stateOf(
  [sink, { delivered, dropped }]: readonly [string, SinkTallies],
  all: ReadonlyMap<string, Position>,
  snapshots: Snapshots,
): CursorState {
  const position = all.get(sink);
  const waiting = position === undefined ? 0 : sizeOf(waitingNow(position, snapshots));
  return { sink, delivered, dropped: Object.fromEntries(dropped), waiting };
}

function newPosition(sink: string, from: Position["from"], waiting: SeqSet): Position {
  const nothing = { block: undefined, goneMs: undefined, frozen: undefined, accepted: [], notes: {} };
  return { sink, from, waiting, ...nothing };
}

/** What a new sink waits for. */
function startOf(from: Position["from"], { store, first, next }: Snapshots): SeqSet {
  if (from === "now") return [rangeFrom(next)];
  return union(store?.segments.map(rangeOf) ?? [], [rangeFrom(first)]);
}

/** If it was an orphan. */
function takeOn(position: Position, next: number): void {
  if (position.goneMs === undefined) return;
  position.waiting = union(position.waiting, [rangeFrom(next)]);
  position.goneMs = undefined;
}

function reassigned(
  before: ReadonlyMap<string, Position>,
  assignments: readonly SinkAssignment[],
  next: number,
  nowMs: number,
): Map<string, Position> {
  const rest = new Map(before);
  const all = new Map<string, Position>();
  for (const { sink, block, was } of assignments) {
    const position = was === undefined ? undefined : rest.get(was);
    if (position === undefined) continue;
    rest.delete(position.sink);
    takeOn(position, next);
    all.set(sink, Object.assign(position, { sink, block }));
  }
  for (const orphan of rest.values()) {
    orphan.waiting = within(orphan.waiting, rangeBefore(next));
    orphan.goneMs ??= nowMs;
    if (orphan.waiting.length > 0) all.set(orphan.sink, orphan);
  }
  return all;
}

/** Together with what is known of the sink already, where the database was opened late. */
function restored(known: Position | undefined, saved: SavedCursor, waiting: SeqSet): Position {
  const position = known ?? newPosition(saved.sink, "now", []);
  const { frozen, accepted, notes, block, goneMs } = saved;
  position.waiting = union(position.waiting, waiting);
  position.frozen ??= frozen !== undefined && touches(waiting, frozen) ? frozen : undefined;
  position.notes = { ...notes, ...position.notes };
  if (position.accepted.length === 0) position.accepted = accepted;
  return known ?? Object.assign(position, { block, goneMs });
}

const noTally: Tally = { snapshots: 0, samples: 0 };
/** Sinks whose tallies are kept when their positions are gone: metrics are read later, and a counter never goes back. */
const mostTallies = 256;

interface SinkTallies {
  delivered: Tally;
  readonly dropped: Map<string, Tally>;
}

interface Tallies {
  know(sink: string): SinkTallies;
  /** Of sinks that have a position, and of those that are gone and dropped something. */
  all(): readonly (readonly [sink: string, tallies: SinkTallies])[];
  deliver(sink: string, tally: Tally): Tally;
  drop(sink: string, reason: string, tally: Tally): Tally;
  lose(reason: string, snapshots: number): void;
  lost(): Readonly<Record<string, number>>;
}

/** What became of snapshots, by sink. */
function createTallies(hasPosition: (sink: string) => boolean): Tallies {
  const bySink = new Map<string, SinkTallies>();
  const lost = new Map<string, number>();

  function know(sink: string): SinkTallies {
    const known = bySink.get(sink) ?? { delivered: noTally, dropped: new Map<string, Tally>() };
    bySink.set(sink, known);
    const old = bySink.size > mostTallies ? [...bySink.keys()].find((one) => !hasPosition(one)) : undefined;
    if (old !== undefined) bySink.delete(old);
    return known;
  }

  return {
    know,
    all: () => [...bySink].filter(([sink, { dropped }]) => hasPosition(sink) || dropped.size > 0),
    deliver(sink, tally) {
      const tallies = know(sink);
      tallies.delivered = plus(tallies.delivered, tally);
      return tally;
    },
    drop(sink, reason, tally) {
      const { dropped } = know(sink);
      if (tally.snapshots > 0) dropped.set(reason, plus(dropped.get(reason), tally));
      return tally;
    },
    lose(reason, snapshots) {
      if (snapshots > 0) lost.set(reason, (lost.get(reason) ?? 0) + snapshots);
    },
    lost: () => Object.fromEntries(lost),
  };
}

function plus(one: Tally = noTally, other: Tally): Tally {
  return { snapshots: one.snapshots + other.snapshots, samples: one.samples + other.samples };
}
