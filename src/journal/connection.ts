/**
 * The journal's connection to its database, and what is done when it fails.
 *
 *     open ──full──► open, not writable ──retry: same connection──► open
 *       │                                                             ▲
 *       ├──unavailable──► open for reading, or away ──retry: open anew┤
 *       └──damaged──► set aside ──────────────────────────open a new one
 */
import { renameSync } from "node:fs";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { damage, faultOf, isInUse, openDatabase, pageBytes, type Fault } from "./database.ts";
import { removeDatabase, removeFile, setAside, type FileChange } from "./files.ts";
import type { Positions } from "./positions.ts";
import { intersection, rangeBefore, rangeFrom, union, without, type SeqSet } from "./ranges.ts";
import { rangeOf } from "./segments.ts";
import type { Snapshots } from "./snapshots.ts";
import { createStore, type SavedCursor, type Store } from "./store.ts";
import type { JournalOptions } from "./types.ts";

type ConnectionOptions = Pick<JournalOptions, "path" | "maxBytes" | "disk" | "metricOf" | "clock" | "log">;

export type Connection = ReturnType<typeof createConnection>;

/** Opens the database. `onOpen` reads what else it needs from each that is opened; what it throws counts as the database's fault. */
export function createConnection(
  options: ConnectionOptions,
  snapshots: Snapshots,
  positions: Positions,
  onOpen: (store: Store) => void,
) {
  const health = createHealth(options);
  const restart = createRestart(snapshots, positions, options.clock);
  const database = createDatabase(options, health, snapshots, positions, (store) => {
    onOpen(store);
    restart.goOn(store);
  });

  const checked = createFileCheck(options, health, snapshots, positions, database);

  database.open();
  if (health.fault !== undefined) restart.withoutDisk();

  return {
    /** Why nothing can be written now. */
    get trouble() {
      return health.fault?.reason;
    },
    /** How many databases were set aside, and when the last one was; milliseconds since the Unix epoch. */
    get setAside() {
      return health.setAside;
    },
    /** Opens anew after trouble. */
    recover() {
      if (health.fault?.kind === "full" && snapshots.store !== undefined) health.note(undefined);
      else {
        database.close();
        database.open();
      }
    },
    /** Runs `work` on the store; absent when the disk refused, which `trouble` says from then on. */
    write<T>(work: (store: Store) => T): T | undefined {
      if (snapshots.store === undefined || health.fault !== undefined) return undefined;
      try {
        options.disk?.beforeWrite?.();
        const store = checked(snapshots.store);
        const result = store && work(store);
        store?.files.written();
        return result;
      } catch (error) {
        handleFault(faultOf(error), options.path, health, database);
        return undefined;
      }
    },
    read<T>(work: (store: Store) => T): T | undefined {
      try {
        return snapshots.store && work(snapshots.store);
      } catch (error) {
        handleFault(faultOf(error), options.path, health, database);
        return undefined;
      }
    },
    /** Writes nothing until the next `recover`. */
    withhold: (reason: string) => health.note({ kind: "full", reason }),
    close: () => database.close(),
  };
}

function handleFault(fault: Fault, path: string, health: Health, database: Database): void {
  if (fault.kind === "full" || fault.kind === "unavailable") {
    health.note(fault);
    return;
  }
  // Another writer's rows look like damage, and its database must not be renamed.
  if (fault.kind === "contradicted") database.close();
  if (fault.kind === "contradicted" && isInUse(path))
    health.note({ kind: "unavailable", reason: `another process has it open (${fault.reason})` });
  else database.replace(fault);
}

type Health = ReturnType<typeof createHealth>;

/** Logs when writing begins to fail, and when it works again. */
function createHealth({ path, clock, log }: ConnectionOptions) {
  let fault: Fault | undefined;
  let setAside: { readonly count: number; readonly lastMs?: number } = { count: 0 };
  return {
    get fault() {
      return fault;
    },
    get setAside() {
      return setAside;
    },
    note(next: Fault | undefined) {
      if (next !== undefined && fault?.reason !== next.reason)
        log.error(`cannot write journal ${path}: ${next.reason}`, {
          consequence: "snapshots are kept in memory",
        });
      if (next === undefined && fault !== undefined) log.info("journal is written again", { path });
      fault = next;
    },
    countSetAside() {
      setAside = { count: setAside.count + 1, lastMs: clock.now() };
    },
  };
}

type Database = ReturnType<typeof createDatabase>;

/** Opens and closes the database, and sets aside what cannot be used. */
function createDatabase(
  options: ConnectionOptions,
  health: Health,
  snapshots: Snapshots,
  positions: Positions,
  onOpen: (store: Store) => void,
) {
  const { path, clock, log } = options;

  function close(): void {
    const { store } = snapshots;
    snapshots.use(undefined);
    try {
      store?.[Symbol.dispose]();
    } catch (error) {
      log.debug(`cannot close journal ${path}: ${faultOf(error).reason}`);
    }
  }

  /** A database that cannot be used is replaced, but only once in a row: a disk that damages whatever it is given must not fill up. */
  function open(mayReplace = true): void {
    try {
      snapshots.use(openStore(options, onOpen));
      health.note(undefined);
    } catch (error) {
      const fault = faultOf(error);
      const isUnusable = fault.kind === "damaged" || fault.kind === "foreign" || fault.kind === "newer";
      if (isUnusable && mayReplace) replace(fault);
      else health.note({ ...fault, kind: "unavailable" });
    }
  }

  /** Sets the database aside and opens a new one. */
  function replace({ kind, reason }: Fault): void {
    positions.lose(rangeBefore(snapshots.first), "corrupt");
    close();
    try {
      const aside = setAside(path, kind === "foreign" || kind === "newer" ? kind : "damaged", clock.now());
      health.countSetAside();
      log.error(`cannot use journal ${path}: ${reason}`, { renamed_to: aside });
    } catch (error) {
      const cause = `${reason}, and it cannot be renamed: ${faultOf(error).reason}`;
      health.note({ kind: "unavailable", reason: cause });
      return;
    }
    open(false);
  }

  return { open: () => open(), close, replace };
}

/** Before each write: gives the store to write to, another one where files or lock had changed since the last write, or none. */
function createFileCheck(
  { path, clock, log }: ConnectionOptions,
  health: Health,
  snapshots: Snapshots,
  positions: Positions,
  database: Database,
): (store: Store) => Store | undefined {
  /** Goes on with all that is still open here, in new files at the path; else with what is left there. */
  function restore(store: Store, { reason, replaced }: FileChange): void {
    health.countSetAside();
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
      if (replaced && copy === undefined) positions.lose(rangeBefore(snapshots.first), "corrupt");
      database.close();
      if (copy !== undefined) renameSync(copy, path);
      if (!replaced && aside !== undefined) removeDatabase(aside);
    } catch (error) {
      database.close();
      health.note({ kind: "unavailable", reason: `${reason}: ${faultOf(error).reason}` });
      return;
    }
    database.open();
  }

  return (store) => {
    const change = store.files.change();
    if (change !== undefined) restore(store, change);
    else if (!store.files.lockIsOurs()) {
      log.error(`the lock of journal ${path} is gone: taking it again`);
      database.close();
      database.open();
    }
    return health.fault === undefined ? snapshots.store : undefined;
  };
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

/** A copy of the database beside it: while it is open it can be read, even when its files are gone from their path. */
function copyOf(store: Store, path: string, log: Logger): string | undefined {
  const copy = `${path}.copy`;
  try {
    removeFile(copy);
    store.database.prepare("VACUUM INTO ?").run(copy);
    return copy;
  } catch (error) {
    log.warn(`cannot copy what journal ${path} held: ${faultOf(error).reason}`);
    removeFile(copy);
    return undefined;
  }
}

/**
 * Goes on from a database that was just opened. `first`: nothing was appended yet, numbers go on from the database. `late`: the first
 * database comes after appends to memory, and what sinks wait for there is added. `again`: memory is newer than what is stored.
 */
function createRestart(snapshots: Snapshots, positions: Positions, clock: Pick<Clock, "now">) {
  let occasion: "first" | "late" | "again" = "first";

  return {
    /** Throws `damage` when the database contradicts what is known. */
    goOn(store: Store) {
      const stored = union(store.segments.map(rangeOf), []);
      const last = stored.at(-1)?.lastSeq ?? 0;
      const cursors = store.cursors();
      const { first, next } = snapshots;
      if (occasion !== "first" && last >= (occasion === "late" ? first : next))
        throw damage(`unexpected last snapshot: got ${last}, want less than ${first}`);
      if (occasion === "first") snapshots.startAt(1 + lastKnown(last, cursors));
      else snapshots.commit(Math.max(first - 1, last));
      if (occasion === "again") loseMissing(stored, snapshots, positions);
      else if (occasion === "late") addLate(cursors, stored, positions, clock.now());
      else
        for (const saved of cursors)
          positions.restore(saved, intersection(saved.waiting, union(stored, [rangeFrom(snapshots.next)])));
      positions.dirty = true;
      occasion = "again";
    },
    /** No database could be opened yet: what is appended gets numbers above any that may be on the disk. */
    withoutDisk() {
      if (occasion !== "first") return;
      occasion = "late";
      // Rows have come at most once a millisecond since 1970.
      snapshots.startAt(Math.max(clock.now(), 2 ** 40));
    },
  };
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
