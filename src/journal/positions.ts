/**
 * Where each sink stands: what it still waits for, and what became of the rest. Taken on = delivered + dropped + waiting.
 *
 *     configured ──block removed──► orphan: waits for what it has, takes on nothing new
 *         ▲                            │ delivered to nobody: dropped by the bounds, by its age, or on request
 *         └──────block is back─────────┘──► gone
 */
import { defined } from "../runtime/defined.ts";
import type { Logger } from "../runtime/log.ts";
import { rangeBefore, rangeFrom, sizeOf, touches, union, within, without, type SeqSet } from "./ranges.ts";
import { rangeOf } from "./segments.ts";
import type { Snapshots } from "./snapshots.ts";
import type { SavedCursor } from "./store.ts";
import type { CursorState, LossReason, Orphan, SeqRange, SinkAssignment, SinkBlock, Tally } from "./types.ts";

/** Changed in place, and stored as it is. */
export interface Position extends SavedCursor {
  /** Where the sink began. */
  readonly from: "oldest" | "now";
}

interface PositionOptions {
  readonly log: Logger;
  /** How long orphans are kept. */
  readonly maxAgeMs: number;
}

export function createPositions(snapshots: Snapshots, options: PositionOptions): Positions {
  return new Positions(snapshots, options);
}

export type { Positions };

class Positions {
  /** Something has changed since positions were saved. */
  dirty = false;
  readonly #snapshots: Snapshots;
  readonly #options: PositionOptions;
  readonly #all = new Map<string, Position>();
  readonly #tallies = createTallies((sink) => this.#all.has(sink));

  constructor(snapshots: Snapshots, options: PositionOptions) {
    this.#snapshots = snapshots;
    this.#options = options;
  }

  all(): readonly Position[] {
    return [...this.#all.values()];
  }

  of(sink: string): Position | undefined {
    return this.#all.get(sink);
  }

  /** What waits up to now, without the part that does not exist yet. */
  waiting(position: Position): SeqSet {
    return within(position.waiting, rangeBefore(this.#snapshots.next));
  }

  isAwaited(range: SeqRange): boolean {
    return this.#awaited(range).length > 0;
  }

  states(): readonly CursorState[] {
    return this.#tallies.states((sink) => {
      const position = this.#all.get(sink);
      return position === undefined ? 0 : sizeOf(this.waiting(position));
    });
  }

  /** Snapshots lost to at least one sink, by reason. */
  lost(): Readonly<Record<string, number>> {
    return this.#tallies.lost();
  }

  orphans(): readonly Orphan[] {
    return this.all().flatMap(({ sink, block, goneMs, waiting }) => {
      if (goneMs === undefined) return [];
      const untilMs = goneMs + this.#options.maxAgeMs;
      return [defined({ sink, waiting: sizeOf(waiting), goneMs, untilMs, address: block?.address })];
    });
  }

  /** The sink's position, a new one if there is none; an orphan is one no more. */
  open(sink: string, from: Position["from"], block: SinkBlock | undefined): Position {
    const position = this.#all.get(sink) ?? this.#newPosition(sink, from);
    this.#takeOn(position);
    position.block ??= block;
    this.#add(position);
    this.dirty = true;
    return position;
  }

  /** Takes on a cursor that was saved, as far as `waiting` says, together with what is known of the sink already. */
  restore(saved: SavedCursor, waiting: SeqSet): void {
    const known = this.#all.get(saved.sink);
    const frozen = saved.frozen !== undefined && touches(waiting, saved.frozen) ? saved.frozen : undefined;
    if (known === undefined) this.#add({ ...saved, waiting, frozen, from: "now" });
    else
      Object.assign(known, {
        waiting: union(known.waiting, waiting),
        frozen: known.frozen ?? frozen,
        accepted: known.accepted.length === 0 ? saved.accepted : known.accepted,
        notes: { ...saved.notes, ...known.notes },
      });
  }

  update(position: Position, changes: Partial<Pick<Position, "frozen" | "accepted" | "notes">>): void {
    Object.assign(position, changes);
    this.dirty = true;
  }

  /** Takes `range` out of what waits: it was `delivered`, or dropped for this reason. Returns what that was. */
  settle(position: Position, range: SeqRange, became: string): Tally {
    const settled = within(position.waiting, range);
    if (settled.length === 0) return noTally;
    const tally = { snapshots: sizeOf(settled), samples: this.#snapshots.samplesIn(settled) };
    position.waiting = without(position.waiting, range);
    if (position.frozen !== undefined && !touches(position.waiting, position.frozen))
      position.frozen = undefined;
    this.#tallies.add(position.sink, became, tally);
    this.dirty = true;
    return tally;
  }

  /** The journal has lost `range`: every sink that waits for some of it drops that. Returns how many snapshots any of them waited for. */
  lose(range: SeqRange, reason: LossReason): number {
    const missed = sizeOf(this.#awaited(range));
    for (const position of this.#all.values()) {
      if (position.frozen !== undefined && touches([position.frozen], range)) position.frozen = undefined;
      this.settle(position, range, reason);
    }
    this.#tallies.lose(reason, missed);
    return missed;
  }

  /** These blocks are configured; other positions become orphans, and those that wait for nothing go. */
  assign(assignments: readonly SinkAssignment[], nowMs: number): void {
    const rest = new Map(this.#all);
    this.#all.clear();
    for (const assignment of assignments) {
      const position = assignment.was === undefined ? undefined : rest.get(assignment.was);
      if (position === undefined) continue;
      rest.delete(position.sink);
      this.#logChange(position, assignment);
      this.#takeOn(position);
      this.#add(Object.assign(position, { sink: assignment.sink, block: assignment.block }));
    }
    for (const position of rest.values()) {
      position.waiting = this.waiting(position);
      if (position.goneMs === undefined) this.#logGone(position, nowMs);
      position.goneMs ??= nowMs;
      if (position.waiting.length > 0) this.#add(position);
    }
    this.dirty = true;
  }

  /** Drops orphans and all that they wait for, as `journal forget` asks. */
  forget(sinks: readonly string[]): void {
    const { log } = this.#options;
    for (const sink of sinks) {
      const position = this.#all.get(sink);
      if (position === undefined) log.info(`nothing waits for ${sink}, which was to be forgotten`);
      else if (position.goneMs !== undefined) this.#remove(position, "forgotten");
      else log.warn(`cannot forget ${sink}: it is configured; remove its block first`);
    }
  }

  /** Drops orphans that wait for nothing, or have for too long; the latter only where the time is known. */
  forgetOld(nowMs: number | undefined): void {
    for (const position of this.all()) {
      if (position.goneMs === undefined) continue;
      const isOld = nowMs !== undefined && nowMs - position.goneMs > this.#options.maxAgeMs;
      if (isOld || position.waiting.length === 0) this.#remove(position, "max_age");
    }
  }

  /** Drops from the notes the sources of which nothing was sent since. */
  forgetSources(beforeMs: number): void {
    for (const position of this.#all.values()) {
      const sent = Object.entries(position.notes.newest ?? {});
      const kept = sent.filter(([, time]) => time >= beforeMs);
      if (kept.length < sent.length)
        this.update(position, { notes: { ...position.notes, newest: Object.fromEntries(kept) } });
    }
  }

  #remove(position: Position, reason: LossReason): void {
    const { sink } = position;
    const { snapshots, samples } = this.settle(position, rangeBefore(this.#snapshots.next), reason);
    this.#tallies.lose(reason, snapshots);
    this.#all.delete(sink);
    this.dirty = true;
    const { log } = this.#options;
    if (snapshots === 0) log.info(`nothing waits any more for ${sink}, which is configured no more`);
    else
      log.warn(`dropped the backlog of ${sink}, which is configured no more`, { snapshots, samples, reason });
  }

  #newPosition(sink: string, from: Position["from"]): Position {
    const { store, first, next } = this.#snapshots;
    const all = union(store?.segments.map(rangeOf) ?? [], [rangeFrom(first)]);
    const nothing = { block: undefined, goneMs: undefined, frozen: undefined, accepted: [], notes: {} };
    return { sink, from, waiting: from === "oldest" ? all : [rangeFrom(next)], ...nothing };
  }

  #add(position: Position): void {
    this.#all.set(position.sink, position);
    this.#tallies.know(position.sink);
  }

  /** If it was an orphan. */
  #takeOn(position: Position): void {
    if (position.goneMs === undefined) return;
    position.waiting = union(position.waiting, [rangeFrom(this.#snapshots.next)]);
    position.goneMs = undefined;
  }

  /** What of the range anybody waits for. */
  #awaited(range: SeqRange): SeqSet {
    let set: SeqSet = [];
    for (const { waiting } of this.#all.values()) set = union(set, within(waiting, range));
    return set;
  }

  #logChange(old: Position, { sink, block }: SinkAssignment): void {
    const { log } = this.#options;
    if (old.goneMs !== undefined) log.info(`${sink} is configured again and goes on with its backlog`);
    if (old.sink !== sink) log.info(`sink ${old.sink} is called ${sink} now, its backlog stays`);
    if (old.block !== undefined && old.block.address !== block.address)
      log.info(`${sink} goes on at another address, its backlog stays`, {
        from: old.block.address,
        to: block.address,
      });
  }

  #logGone({ sink, waiting }: Position, nowMs: number): void {
    const { log, maxAgeMs } = this.#options;
    if (waiting.length === 0) log.info(`${sink} is configured no more, and nothing waits for it`);
    else
      log.warn(`${sink} is configured no more: its backlog is kept for journal.max_age`, {
        snapshots: sizeOf(waiting),
        until: new Date(nowMs + maxAgeMs).toISOString(),
        to_give_it_up: `mac-powermetrics-agent journal forget ${sink}`,
      });
  }
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
