/** What the journal promises: the types that delivery, the page, the agent's own metrics and the commands are written against. */
import type { LastOfSource, Snapshot } from "../meter/snapshot.ts";
import type { Metric, MetricType } from "../metric/metric.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";

/** A snapshot with its place in the journal. Numbers rise by one per appended snapshot and are never used twice while a cursor knows them. */
export interface StoredSnapshot extends Snapshot {
  readonly seq: number;
}

/** Snapshots by number, both ends included. */
export interface SeqRange {
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/** A batch as it goes on the wire: these snapshots in this protocol, so that a repeated send has the same bytes. */
export interface FrozenBatch extends SeqRange {
  readonly protocol: string;
  /** Most samples in a body, where the receiver's limit had a single snapshot divided. */
  readonly bodySamples?: number;
}

/** Why a snapshot that a sink was still owed is gone, where the journal lost it; reasons of a `discard` come from delivery. */
export const lossReasons = [
  /** Oldest out, the journal had reached `maxBytes`. */
  "max_size",
  /** Older than `maxAgeMs`. */
  "max_age",
  /** Less than `minFreeBytes` was left on the volume. */
  "disk_floor",
  /** A row failed its checksum, or the database around it was damaged, set aside or removed. */
  "corrupt",
  /** The disk did not take it, and the memory that stood in was full. */
  "memory",
  /** `journal forget`: the backlog of a block that is configured no more was given up on request. */
  "forgotten",
] as const;
export type LossReason = (typeof lossReasons)[number];

/** Snapshots and the samples in them (end marks are not samples). */
export interface Tally {
  readonly snapshots: number;
  readonly samples: number;
}

/** What a block of the configuration is recognized by, besides its sink's id, when it has changed. */
export interface SinkBlock {
  /** `remote_write`, `otlp` … */
  readonly type: string;
  readonly name?: string;
  /** Without credentials and query. */
  readonly address: string;
  /** Among the blocks of its type. */
  readonly position: number;
  /** Of all other settings, without secrets. */
  readonly hash: string;
}

/** A sink that has a cursor; `block` is absent where a journal of version 0.1 did not remember it. */
export interface KnownSink {
  readonly sink: string;
  readonly block?: SinkBlock;
}

/** A block, the id of its sink, and the id under which the journal knew it before. */
export interface SinkAssignment {
  readonly sink: string;
  readonly block: SinkBlock;
  readonly was?: string;
}

/** A sink whose block is configured no more, and which still waits for snapshots. */
export interface Orphan {
  readonly sink: string;
  readonly address?: string;
  /** Snapshots that wait. */
  readonly waiting: number;
  /** When the block was gone, and when what then still waits is dropped as `max_age`; milliseconds since the Unix epoch. */
  readonly goneMs: number;
  readonly untilMs: number;
}

/** What delivery remembers of a receiver beside the cursor, across restarts. */
export interface CursorNotes {
  /** Time of the newest snapshot sent, by source. */
  readonly newest?: Readonly<Record<string, number>>;
  /** The sink's own, as of what was acknowledged last; empty where it has nothing to remember. */
  readonly memory?: string;
}

/** Exact for this process: taken on = delivered + all of `dropped` + waiting. */
export interface CursorState {
  readonly sink: string;
  readonly delivered: Tally;
  /** By `LossReason`, and by whatever reason delivery gave to `discard`. */
  readonly dropped: Readonly<Record<string, Tally>>;
  /** Snapshots not yet delivered. */
  readonly waiting: number;
}

/** Plain numbers for the self-metrics and the page; cheap to take. */
export interface JournalState {
  /** False while rows can only be kept in memory. */
  readonly durable: boolean;
  /** Why not, one line, safe to print. */
  readonly reason?: string;
  /** All pages, free ones too, plus the write-ahead log. */
  readonly bytes: number;
  /** On disk and staged. */
  readonly snapshots: number;
  /** Staged in memory, not yet committed. */
  readonly staged: number;
  readonly oldestTimeMs?: number;
  /** Snapshots refused (`clock_backwards`) or lost to at least one sink (`LossReason`). */
  readonly dropped: Readonly<Record<string, number>>;
  /** Databases renamed aside by this process. */
  readonly setAside: number;
  readonly lastSetAsideMs?: number;
  readonly cursors: readonly CursorState[];
  readonly orphans: readonly Orphan[];
}

export interface ReadLimits {
  /** At least one snapshot is read, whatever its size. */
  readonly maxSamples: number;
  readonly maxSnapshots: number;
  /** Takes the newest snapshots of the range that fit instead of the oldest; the order of the result is oldest first all the same. */
  readonly newest?: boolean;
}

export interface Backlog {
  readonly snapshots: number;
  readonly oldestTimeMs?: number;
  /** On disk, an estimate by the mean size of a row. */
  readonly bytes: number;
}

/**
 * One sink's view of the journal: the ranges it has not delivered yet.
 *
 *     ░░ delivered   ▓▓ waiting
 *     seq  1        40           90      97
 *          ░░░░░░░░░▓▓▓▓▓▓▓▓▓▓▓▓▓░░░░░░░░▓▓▓▓→     ranges: 40–89 (backlog) and 97–… (live)
 *
 * Live data may be delivered before a backlog: acknowledging the middle of a range leaves two.
 */
export interface Cursor {
  readonly sink: string;
  /** What waits, oldest first; the last one grows with every append. Empty when all is delivered. */
  ranges(): readonly SeqRange[];
  /**
   * Snapshots of `range` that still wait, oldest first, from disk and from memory alike. A row with a wrong checksum is
   * skipped, taken out of the ranges and counted as `corrupt`. May be empty when nothing of the range is left.
   */
  read(range: SeqRange, limits: ReadLimits): readonly StoredSnapshot[];
  /**
   * Call before the first send of a batch. Staged snapshots and the bounds are written to the log at once, without waiting
   * for the drive: they survive the death of the process; power loss may take back up to one commit interval, and
   * then the snapshots are batched anew (at least once). Replaces what was frozen before. When the disk fails it is kept in memory.
   */
  freeze(batch: FrozenBatch): void;
  /** The batch that was frozen and neither acknowledged nor discarded, across restarts too; gone once any of it was dropped. */
  frozen(): FrozenBatch | undefined;
  /**
   * These are delivered. Written with the next freeze or group commit; after a crash before it the frozen batch goes out
   * again. `samples` not stored by the receiver are delivery's to count. Ends the frozen batch that it covers. `changes` of the notes
   * are written with it or not at all.
   */
  acknowledge(range: SeqRange, changes?: CursorNotes): Tally;
  /** These will never be delivered: counted under `reason` (`rejected`, `too_old`, `superseded` …). */
  discard(range: SeqRange, reason: string): Tally;
  /** What delivery noted about receivers that have taken samples, across restarts too; the latest last. */
  accepted(): readonly string[];
  accept(key: string): void;
  /** What waits, without a scan. */
  backlog(): Backlog;
  notes(): CursorNotes;
  /** Changes what is given; written with the next freeze or group commit. */
  note(changes: CursorNotes): void;
}

export interface HistoryQuery {
  /** Only snapshots of sources whose names this accepts; others are not even decoded. */
  readonly source?: (name: string) => boolean;
  /** Only snapshots that hold a series which this accepts. */
  readonly series?: (name: string) => boolean;
  readonly fromMs: number;
  readonly toMs: number;
  /** At most so many snapshots of each source, evenly spread, and each one that ends the source; all when absent. */
  readonly maxPoints?: number;
  /** All snapshots where they are not far more than so many points of each source need, else what stands readily at most a quarter of an hour apart. */
  readonly aboutPoints?: number;
}

/** Reading from another process: `journal stats`, `journal export`. */
export interface JournalArchive {
  /** Oldest first; unreadable rows are left out. Iterate without awaiting in between; rows are decoded as they are asked for. */
  history(query: HistoryQuery): IterableIterator<StoredSnapshot>;
  stats(): JournalStats;
}

/** What is on disk, for `journal stats`. */
export interface JournalStats {
  readonly path: string;
  readonly bytes: number;
  readonly snapshots: number;
  readonly samples: number;
  readonly seriesSets: number;
  readonly oldestTimeMs?: number;
  readonly newestTimeMs?: number;
  readonly sources: readonly { readonly name: string; readonly lastTimeMs: number }[];
  readonly sinks: readonly {
    readonly sink: string;
    readonly waiting: number;
    readonly ranges: readonly SeqRange[];
    readonly address?: string;
    /** Where the block is configured no more. */
    readonly goneMs?: number;
  }[];
  /** Damaged or newer databases beside this one, with their sizes. */
  readonly setAside: readonly { readonly path: string; readonly bytes: number }[];
}

export interface Journal extends Disposable {
  /**
   * Takes a snapshot; it waits in memory for the next group commit. Its `ended` is computed here, from what the journal last
   * took from this source, across restarts too; end marks are lost with the snapshot that carries them. A time at or before the source's last one is refused and counted as `clock_backwards`.
   */
  append(snapshot: Snapshot): "appended" | "dropped";
  /** Writes what is staged and waits for the drive: at SIGTERM. Tells whether all is on disk. */
  commit(): boolean;
  /** The cursor of a sink; opened twice it is the same. `from` says where a sink begins that the journal does not know. */
  cursor(sink: string, options: { readonly from: "oldest" | "now"; readonly block?: SinkBlock }): Cursor;
  /** Every sink with a cursor, orphans too. */
  sinks(): readonly KnownSink[];
  /**
   * These blocks are configured. Cursors go over to new ids; a sink that none of them was keeps what it waits for, as an orphan,
   * for `maxAgeMs` at most. Cursors of ids that changed are to be opened anew.
   */
  assign(assignments: readonly SinkAssignment[]): void;
  /** What each source appended last, before a restart too; it changes with each snapshot. */
  sources(): ReadonlyMap<string, LastOfSource>;
  /** For the page, as `JournalArchive` has it; snapshots in memory too. */
  history(query: HistoryQuery): IterableIterator<StoredSnapshot>;
  state(): JournalState;
  /** Commits, closes the database, stops the timers. */
  [Symbol.dispose](): void;
}

/** Finds the declared metric of a stored series, for its help text; what nobody declares any more is read with an empty help. */
export type MetricOf = (name: string, type: MetricType) => Metric | undefined;

/** The volume as the journal sees it; tests put faults here. */
export interface Disk {
  /** Bytes that this user may still write on the volume of `path`; absent when the volume does not tell. */
  freeBytes(path: string): number | undefined;
  /** Called before each write transaction; throwing stands for the disk's refusal. */
  beforeWrite?(): void;
}

export interface JournalOptions {
  readonly path: string;
  /** Of database and write-ahead log together. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  /** How long delivered snapshots stay. */
  readonly historyMs: number;
  readonly minFreeBytes: number;
  readonly commitIntervalMs: number;
  /** For snapshots in memory while the disk does not take them. Default 16 MiB. */
  readonly memoryBytes?: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metricOf: MetricOf;
  readonly disk?: Disk;
}
