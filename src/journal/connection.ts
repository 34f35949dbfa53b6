/**
 * The journal's connection to its database, and what is done when it fails.
 *
 *     open ──full──► open, not writable ──retry: same connection──► open
 *       │                                                             ▲
 *       ├──unavailable──► open for reading, or away ──retry: open anew┤
 *       └──damaged──► set aside ──────────────────────────open a new one
 */
import { renameSync } from "node:fs";
import type { Logger } from "../runtime/log.ts";
import { damage, faultOf, isInUse, openDatabase, pageBytes, type Fault } from "./database.ts";
import { removeDatabase, removeFile, setAside, type AsideKind, type FileChange } from "./files.ts";
import type { Positions } from "./positions.ts";
import { intersection, rangeBefore, rangeFrom, union, without, type SeqSet } from "./ranges.ts";
import { rangeOf } from "./segments.ts";
import type { Snapshots } from "./snapshots.ts";
import { createStore, type SavedCursor, type Store } from "./store.ts";
import type { JournalOptions } from "./types.ts";

type ConnectionOptions = Pick<JournalOptions, "path" | "maxBytes" | "disk" | "metricOf" | "clock" | "log">;

/** `onOpen` reads what else it needs from each database that is opened; what it throws counts as the database's fault. */
export function createConnection(
  options: ConnectionOptions,
  snapshots: Snapshots,
  positions: Positions,
  onOpen: (store: Store) => void,
): Connection {
  return new Connection(options, snapshots, positions, onOpen);
}

export type { Connection };

/**
 * How a database is gone on from. `first`: nothing was appended yet, numbers go on from there. `late`: it is the first, after appends to
 * memory, and what sinks wait for in it is added. `again`: what is in memory is newer.
 */
type Occasion = "first" | "late" | "again";

class Connection {
  readonly #options: ConnectionOptions;
  readonly #snapshots: Snapshots;
  readonly #positions: Positions;
  readonly #onOpen: (store: Store) => void;
  #fault: Fault | undefined;
  #setAside: { readonly count: number; readonly lastMs?: number } = { count: 0 };
  #occasion: Occasion = "first";
  /** Rows were there that were not written here, since the last write that worked. */
  #contradicted = false;

  constructor(
    options: ConnectionOptions,
    snapshots: Snapshots,
    positions: Positions,
    onOpen: (store: Store) => void,
  ) {
    this.#options = options;
    this.#snapshots = snapshots;
    this.#positions = positions;
    this.#onOpen = onOpen;
    this.#open();
    if (this.#occasion === "first") this.#goOnWithoutDisk();
  }

  /** Why nothing can be written now. */
  get trouble(): string | undefined {
    return this.#fault?.reason;
  }

  /** How many databases were set aside, and when the last one was; milliseconds since the Unix epoch. */
  get setAside(): { readonly count: number; readonly lastMs?: number } {
    return this.#setAside;
  }

  /** Runs `work` on the store; absent when the disk refused, which `trouble` says from then on. */
  write<T>(work: (store: Store) => T): T | undefined {
    const { store } = this.#snapshots;
    if (store === undefined || this.#fault !== undefined) return undefined;
    return this.#attempt(() => {
      this.#options.disk?.beforeWrite?.();
      const current = this.#checked(store);
      const result = current && work(current);
      current?.files.written();
      if (current !== undefined) this.#contradicted = false;
      return result;
    });
  }

  read<T>(work: (store: Store) => T): T | undefined {
    return this.#attempt(() => this.#snapshots.store && work(this.#snapshots.store));
  }

  /** Writes nothing until the next `recover`. */
  withhold(reason: string): void {
    this.#note({ kind: "full", reason });
  }

  /** Tries again after trouble. */
  recover(): void {
    if (this.#fault?.kind === "full" && this.#snapshots.store !== undefined) this.#note(undefined);
    else this.#reopen();
  }

  close(): void {
    const { path, log } = this.#options;
    const { store } = this.#snapshots;
    this.#snapshots.use(undefined);
    try {
      store?.[Symbol.dispose]();
    } catch (error) {
      log.debug(`cannot close journal ${path}: ${faultOf(error).reason}`);
    }
  }

  #attempt<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#handle(faultOf(error));
      return undefined;
    }
  }

  #handle(fault: Fault): void {
    if (fault.kind === "full" || fault.kind === "unavailable") this.#note(fault);
    else if (fault.kind === "contradicted" && !this.#contradicted) this.#reconcile(fault.reason);
    else this.#replace(fault);
  }

  /** Another writer's rows look like damage, and its database must not be renamed; ours may be there after a commit that seemed to fail. */
  #reconcile(reason: string): void {
    this.#contradicted = true;
    this.close();
    if (isInUse(this.#options.path))
      this.#note({ kind: "unavailable", reason: `another process has it open (${reason})` });
    else this.#open();
  }

  /** Logs when writing begins to fail, and when it works again. */
  #note(fault: Fault | undefined): void {
    const { path, log } = this.#options;
    if (fault !== undefined && this.#fault?.reason !== fault.reason)
      log.error(`cannot write journal ${path}: ${fault.reason}`, {
        consequence: "snapshots are kept in memory",
      });
    if (fault === undefined && this.#fault !== undefined) log.info("journal is written again", { path });
    this.#fault = fault;
  }

  #countSetAside(): void {
    this.#setAside = { count: this.#setAside.count + 1, lastMs: this.#options.clock.now() };
  }

  /** A database that cannot be used is replaced, but only once in a row: a disk that damages whatever it is given must not fill up. */
  #open(mayReplace = true): void {
    try {
      const store = openStore(this.#options, (opened) => {
        this.#onOpen(opened);
        this.#goOn(opened);
      });
      this.#snapshots.use(store);
      this.#note(undefined);
    } catch (error) {
      const fault = faultOf(error);
      if (mayReplace && asideKind(fault) !== undefined) this.#replace(fault);
      else this.#note({ ...fault, kind: "unavailable" });
    }
  }

  #reopen(): void {
    this.close();
    this.#open();
  }

  /** Sets the database aside and opens a new one. */
  #replace(fault: Fault): void {
    const { path, clock, log } = this.#options;
    this.#loseStored();
    this.close();
    try {
      const aside = setAside(path, asideKind(fault) ?? "damaged", clock.now());
      this.#countSetAside();
      log.error(`cannot use journal ${path}: ${fault.reason}`, { renamed_to: aside });
    } catch (error) {
      const reason = `${fault.reason}, and it cannot be renamed: ${faultOf(error).reason}`;
      this.#note({ kind: "unavailable", reason });
      return;
    }
    this.#open(false);
  }

  /** Before each write: the store to write to, another one where files or lock have changed since the last write, or none. */
  #checked(store: Store): Store | undefined {
    const { path, log } = this.#options;
    const change = store.files.change();
    if (change !== undefined) this.#restore(store, change);
    else if (!store.files.lockIsOurs()) {
      log.error(`the lock of journal ${path} is gone: taking it again`);
      this.#reopen();
    }
    return this.#fault === undefined ? this.#snapshots.store : undefined;
  }

  /** Goes on with all that is still open here, in new files at the path; else with what is left there. */
  #restore(store: Store, { reason, replaced }: FileChange): void {
    const { path, clock, log } = this.#options;
    this.#countSetAside();
    const copy = copyOf(store, path, log);
    try {
      const aside =
        replaced || copy !== undefined
          ? setAside(path, replaced ? "foreign" : "damaged", clock.now())
          : undefined;
      log.error(`files of journal ${path} changed while in use: ${reason}`, {
        restored: copy !== undefined,
        ...(replaced && { renamed_to: aside }),
      });
      if (replaced && copy === undefined) this.#loseStored();
      this.close();
      if (copy !== undefined) renameSync(copy, path);
      if (!replaced && aside !== undefined) removeDatabase(aside);
    } catch (error) {
      this.close();
      this.#note({ kind: "unavailable", reason: `${reason}: ${faultOf(error).reason}` });
      return;
    }
    this.#open();
  }

  #loseStored(): void {
    this.#positions.lose(rangeBefore(this.#snapshots.first), "corrupt");
  }

  /** Throws `damage` when the database contradicts what is known. */
  #goOn(store: Store): void {
    const [snapshots, positions] = [this.#snapshots, this.#positions];
    const stored = union(store.segments.map(rangeOf), []);
    const last = stored.at(-1)?.lastSeq ?? 0;
    const cursors = store.cursors();
    if (this.#occasion === "first") {
      snapshots.startAt(1 + lastKnown(last, cursors));
      const existing = union(stored, [rangeFrom(snapshots.next)]);
      for (const saved of cursors) positions.restore(saved, intersection(saved.waiting, existing));
    } else {
      const { first, next } = snapshots;
      if (last >= (this.#occasion === "late" ? first : next))
        throw damage(`unexpected last snapshot: got ${last}, want less than ${first}`);
      snapshots.commit(Math.max(first - 1, last));
      if (this.#occasion === "late") addLate(cursors, stored, positions, this.#options.clock.now());
      else loseMissing(stored, snapshots, positions);
    }
    positions.dirty = true;
    this.#occasion = "again";
  }

  /** What is appended gets numbers above any that may be on the disk: rows have come at most once a millisecond since 1970. */
  #goOnWithoutDisk(): void {
    this.#occasion = "late";
    this.#snapshots.startAt(Math.max(this.#options.clock.now(), 2 ** 40));
  }
}

/** As what a database is set aside that cannot be used; absent when the disk is to blame. */
function asideKind({ kind }: Fault): AsideKind | undefined {
  return kind === "damaged" || kind === "foreign" || kind === "newer" ? kind : undefined;
}

function openStore({ path, maxBytes, metricOf }: ConnectionOptions, onOpen: (store: Store) => void): Store {
  const { database, lock } = openDatabase(path, logPages(maxBytes));
  try {
    const store = createStore(database, lock, path, maxBytes, metricOf);
    onOpen(store);
    return store;
  } catch (error) {
    for (const one of [database, lock]) one.close();
    throw error;
  }
}

/** A mebibyte of log at most, and little of a small journal. */
function logPages(maxBytes: number): number {
  return Math.min(Math.max(Math.floor(maxBytes / 32 / pageBytes), 16), 256);
}

/** Where the copy is; absent where the disk did not take it. */
function copyOf(store: Store, path: string, log: Logger): string | undefined {
  const copy = `${path}.copy`;
  try {
    removeFile(copy);
    store.copyTo(copy);
    return copy;
  } catch (error) {
    log.warn(`cannot copy what journal ${path} held: ${faultOf(error).reason}`);
    removeFile(copy);
    return undefined;
  }
}

/** Cursors may know snapshots that were delivered from memory and never committed: their numbers are not used again. */
function lastKnown(last: number, cursors: readonly SavedCursor[]): number {
  const open = rangeFrom(0).lastSeq;
  const known = cursors.flatMap(({ waiting }) =>
    waiting.flatMap(({ firstSeq, lastSeq }) => [firstSeq - 1, lastSeq === open ? 0 : lastSeq]),
  );
  return known.reduce((most, seq) => Math.max(most, seq), last);
}

/** What sinks wait for and what is neither stored, in memory, nor still to come. */
function loseMissing(stored: SeqSet, snapshots: Snapshots, positions: Positions): void {
  const existing = union(stored, [rangeFrom(snapshots.first)]);
  for (const { waiting } of positions.all())
    for (const range of existing.reduce(without, waiting)) positions.lose(range, "corrupt");
}

/** Sinks are configured by now: those of the database that are not among them are orphans. */
function addLate(cursors: readonly SavedCursor[], stored: SeqSet, positions: Positions, nowMs: number): void {
  const known = new Set(cursors.map(({ sink }) => sink));
  for (const position of positions.all())
    if (position.from === "oldest" && !known.has(position.sink))
      position.waiting = union(position.waiting, stored);
  for (const saved of cursors) {
    const waiting = intersection(saved.waiting, stored);
    if (positions.of(saved.sink) !== undefined || waiting.length > 0)
      positions.restore({ ...saved, goneMs: saved.goneMs ?? nowMs }, waiting);
  }
}
