/**
 * Where each sink stands: what it still waits for, and what became of the rest. Taken on = delivered + dropped + waiting.
 *
 *     configured ──block removed──► orphan: waits for what it has, takes on nothing new
 *         ▲                            │ delivered to nobody: dropped by the bounds, by its age, or on request
 *         └──────block is back─────────┘──► gone
 */
import { rangeBefore, rangeFrom, sizeOf, touches, union, within, without, type SeqSet } from "./ranges.ts";
import { rangeOf } from "./segments.ts";
import type { Snapshots } from "./snapshots.ts";
import type { SavedCursor } from "./store.ts";
import type { CursorState, LossReason, SeqRange, SinkAssignment, SinkBlock, Tally } from "./types.ts";

/** Changed in place, and stored as it is. */
export interface Position extends SavedCursor {
  /** Where the sink began. */
  readonly from: "oldest" | "now";
}

/** What waits up to now, without the part that does not exist yet. */
export function waitingNow({ waiting }: Position, { next }: Snapshots): SeqSet {
  return within(waiting, rangeBefore(next));
}

export type Positions = ReturnType<typeof createPositions>;

export function createPositions(snapshots: Snapshots) {
  let all = new Map<string, Position>();
  const tallies = createTallies((sink) => all.has(sink));
  const positions = {
    /** Something has changed since positions were saved. */
    dirty: false,
    all: (): readonly Position[] => [...all.values()],
    of: (sink: string) => all.get(sink),
    /** The sink's position, a new one if there is none; an orphan is one no more. */
    open(sink: string, from: Position["from"], block: SinkBlock | undefined): Position {
      const position = all.get(sink) ?? newPosition(sink, from, startOf(from, snapshots));
      takeOn(position, snapshots.next);
      position.block ??= block;
      add(position);
      positions.dirty = true;
      return position;
    },
    /** Takes on a cursor that was saved, as far as `waiting` says; an orphan's has no open end. */
    restore: (saved: SavedCursor, waiting: SeqSet) => add(restored(all.get(saved.sink), saved, waiting)),
    /** These blocks are configured; other positions become orphans, and those that wait for nothing go. */
    assign(assignments: readonly SinkAssignment[], nowMs: number) {
      const assigned = reassigned(all, assignments, snapshots.next, nowMs);
      all = new Map();
      assigned.forEach(add);
      positions.dirty = true;
    },
    update(position: Position, changes: Partial<Pick<Position, "frozen" | "accepted" | "notes">>) {
      Object.assign(position, changes);
      positions.dirty = true;
    },
    settle,
    /** The journal has lost `range`: every sink that waits for some of it drops that. Returns how many snapshots any of them waited for. */
    lose(range: SeqRange, reason: LossReason): number {
      const missed = sizeOf(awaited(all.values(), range));
      for (const position of all.values()) {
        if (position.frozen !== undefined && touches([position.frozen], range)) position.frozen = undefined;
        settle(position, range, reason);
      }
      tallies.lose(reason, missed);
      return missed;
    },
    /** Drops all that a position waits for, and the position. */
    remove(position: Position, reason: LossReason): Tally {
      const tally = settle(position, rangeBefore(snapshots.next), reason);
      tallies.lose(reason, tally.snapshots);
      all.delete(position.sink);
      positions.dirty = true;
      return tally;
    },
    isAwaited: (range: SeqRange) => awaited(all.values(), range).length > 0,
    states: (): readonly CursorState[] => tallies.states((sink) => waitingCount(all.get(sink), snapshots)),
    /** Snapshots lost to at least one sink, by reason. */
    lost: () => tallies.lost(),
  };

  function add(position: Position): void {
    all.set(position.sink, position);
    tallies.know(position.sink);
  }

  /** Takes `range` out of what waits: it was `delivered`, or dropped for this reason. Returns what that was. */
  function settle(position: Position, range: SeqRange, became: string): Tally {
    const tally = settled(position, range, snapshots);
    if (tally.snapshots > 0) positions.dirty = true;
    tallies.add(position.sink, became, tally);
    return tally;
  }

  return positions;
}

function settled(position: Position, range: SeqRange, snapshots: Snapshots): Tally {
  const set = within(position.waiting, range);
  if (set.length === 0) return noTally;
  const tally = { snapshots: sizeOf(set), samples: snapshots.samplesIn(set) };
  position.waiting = without(position.waiting, range);
  if (position.frozen !== undefined && !touches(position.waiting, position.frozen))
    position.frozen = undefined;
  return tally;
}

/** What of the range any of them waits for. */
function awaited(positions: Iterable<Position>, range: SeqRange): SeqSet {
  let set: SeqSet = [];
  for (const { waiting } of positions) set = union(set, within(waiting, range));
  return set;
}

function waitingCount(position: Position | undefined, snapshots: Snapshots): number {
  return position === undefined ? 0 : sizeOf(waitingNow(position, snapshots));
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
): readonly Position[] {
  const rest = new Map(before);
  const assigned: Position[] = [];
  for (const { sink, block, was } of assignments) {
    const position = was === undefined ? undefined : rest.get(was);
    if (position === undefined) continue;
    rest.delete(position.sink);
    takeOn(position, next);
    assigned.push(Object.assign(position, { sink, block }));
  }
  for (const orphan of rest.values()) {
    orphan.waiting = within(orphan.waiting, rangeBefore(next));
    orphan.goneMs ??= nowMs;
  }
  return [...assigned, ...[...rest.values()].filter(({ waiting }) => waiting.length > 0)];
}

/** Together with what is known of the sink already, where the database was opened late. */
function restored(known: Position | undefined, saved: SavedCursor, waiting: SeqSet): Position {
  const frozen = saved.frozen !== undefined && touches(waiting, saved.frozen) ? saved.frozen : undefined;
  if (known === undefined) return { ...saved, waiting, frozen, from: "now" };
  return Object.assign(known, {
    waiting: union(known.waiting, waiting),
    frozen: known.frozen ?? frozen,
    accepted: known.accepted.length === 0 ? saved.accepted : known.accepted,
    notes: { ...saved.notes, ...known.notes },
  });
}

const noTally: Tally = { snapshots: 0, samples: 0 };
/** Sinks whose tallies are kept when their positions are gone: metrics are read later, and a counter never goes back. */
const mostTallies = 256;

/** What became of snapshots, by sink: `delivered`, or the reason why not. */
function createTallies(hasPosition: (sink: string) => boolean) {
  const bySink = new Map<string, Map<string, Tally>>();
  const lost = new Map<string, number>();

  function know(sink: string): Map<string, Tally> {
    const tallies = bySink.get(sink) ?? new Map<string, Tally>();
    bySink.set(sink, tallies);
    const old = bySink.size > mostTallies ? [...bySink.keys()].find((one) => !hasPosition(one)) : undefined;
    if (old !== undefined) bySink.delete(old);
    return tallies;
  }

  return {
    know,
    add(sink: string, became: string, { snapshots, samples }: Tally) {
      if (snapshots === 0) return;
      const { snapshots: before, samples: samplesBefore } = know(sink).get(became) ?? noTally;
      know(sink).set(became, { snapshots: before + snapshots, samples: samplesBefore + samples });
    },
    lose(reason: LossReason, snapshots: number) {
      if (snapshots > 0) lost.set(reason, (lost.get(reason) ?? 0) + snapshots);
    },
    lost: (): Readonly<Record<string, number>> => Object.fromEntries(lost),
    /** Of sinks that have a position, and of those that are gone and dropped something. */
    states: (waitingOf: (sink: string) => number) =>
      [...bySink].flatMap(([sink, tallies]): readonly CursorState[] => {
        const { delivered = noTally, ...dropped } = Object.fromEntries(tallies);
        if (!hasPosition(sink) && Object.keys(dropped).length === 0) return [];
        return [{ sink, delivered, dropped, waiting: waitingOf(sink) }];
      }),
  };
}
