/**
 * Opens the database: what is fit to be a journal, how it is tuned, and that only one agent writes to it.
 */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { AsideKind } from "./damage.ts";
import { faultOf } from "./fault.ts";
import { makePrivate, strayLog } from "./files.ts";
import { applicationId, migrate, migrations, pragma, versionOf } from "./schema.ts";

export const pageBytes = 4096;

type Opened =
  | { readonly status: "open"; readonly database: DatabaseSync; readonly lock: DatabaseSync }
  | { readonly status: "unusable"; readonly kind: AsideKind; readonly reason: string }
  | { readonly status: "unavailable"; readonly reason: string };

/** How long a statement waits for another process that holds a lock; readers never hold the writer up. */
const busyMs = 100;

/** Opens or creates the journal's database for writing. `logPages` bounds the write-ahead log. */
export function openDatabase(path: string, logPages: number, steps = migrations): Opened {
  const open: DatabaseSync[] = [];
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    makePrivate(`${path}.lock`);
    const lock = takeLock(path, open);
    if (lock === undefined) return { status: "unavailable", reason: "another process writes to it" };
    const stray = strayLog(path);
    if (stray !== undefined) return { status: "unusable", ...stray };
    makePrivate(path);
    const database = new DatabaseSync(path, { timeout: busyMs, enableForeignKeyConstraints: false });
    open.push(database);
    const unfit = unfitness(database, steps.length);
    if (unfit !== undefined) return { status: "unusable", ...unfit };
    tune(database, logPages);
    migrate(database, steps);
    return { status: "open", database: kept(open, database), lock };
  } catch (error) {
    const { kind, reason } = faultOf(error);
    return kind === "damaged" ? { status: "unusable", kind, reason } : { status: "unavailable", reason };
  } finally {
    for (const one of open) one.close();
  }
}

/** Whether another process has the database open; ours must be closed. Readers count, too: they are waited for. */
export function isInUse(path: string): boolean {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: busyMs });
    database.exec("PRAGMA locking_mode = EXCLUSIVE; SELECT 1 FROM sqlite_schema");
    return false;
  } catch (error) {
    return error instanceof Error && "errcode" in error && error.errcode === 5;
  } finally {
    database?.close();
  }
}

/** Empties the list of what has to be closed on the way out. */
function kept(open: DatabaseSync[], database: DatabaseSync): DatabaseSync {
  open.length = 0;
  return database;
}

/**
 * The lock is an open transaction on an empty database beside the journal: the system gives it back when the process dies,
 * and unlike an exclusive lock on the journal itself it lets `journal stats` read.
 */
function takeLock(path: string, open: DatabaseSync[]): DatabaseSync | undefined {
  const lock = new DatabaseSync(`${path}.lock`, { timeout: 0 });
  open.push(lock);
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (error) {
    if (error instanceof Error && "errcode" in error && error.errcode === 5) return undefined;
    throw error;
  }
}

function unfitness(database: DatabaseSync, version: number): { kind: AsideKind; reason: string } | undefined {
  const id = pragma(database, "application_id");
  const empty = database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (id !== applicationId && !(id === 0 && empty))
    return { kind: "foreign", reason: `unexpected application id: got ${id}, want ${applicationId}` };
  const found = versionOf(database);
  if (found > version)
    return { kind: "newer", reason: `unexpected schema version: got ${found}, want at most ${version}` };
  const check = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  return check === "ok" ? undefined : { kind: "damaged", reason: String(check).split("\n").join(" ") };
}

/**
 * - WAL: a commit is one append, and readers in other processes do not wait.
 * - synchronous FULL: in WAL mode NORMAL syncs at checkpoints only, so that power loss takes commits back. `store.ts` lowers it for
 *   cursor moves alone.
 * - fullfsync: macOS' fsync stops at the drive's cache; F_FULLFSYNC does not. Ignored elsewhere.
 * - auto_vacuum INCREMENTAL: deleted segments give their pages back to the volume; has to precede the first table.
 * - no mmap: an I/O error has to be an error, not a signal.
 */
function tune(database: DatabaseSync, logPages: number): void {
  database.exec(`
    PRAGMA page_size = ${pageBytes};
    PRAGMA auto_vacuum = INCREMENTAL;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA fullfsync = ON;
    PRAGMA checkpoint_fullfsync = ON;
    PRAGMA wal_autocheckpoint = ${logPages};
    PRAGMA journal_size_limit = ${logPages * pageBytes};
    PRAGMA cache_size = -512;
    PRAGMA temp_store = MEMORY;
    PRAGMA mmap_size = 0`);
}
