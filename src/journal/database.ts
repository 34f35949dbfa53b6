/** Opens the database: what is fit to be a journal, how it is tuned, that only one agent writes to it, and what its errors mean. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { causeOf } from "../runtime/cause.ts";
import { makePrivate, strayLog, type AsideKind } from "./files.ts";
import { applicationId, migrate, migrations, pragma, versionOf } from "./schema.ts";

export const pageBytes = 4096;

/** How long a statement waits for another process that holds a lock; readers never hold the writer up. */
const busyMs = 100;

/**
 * Opens or creates the journal's database for writing. `logPages` bounds the write-ahead log.
 * @throws what `faultOf` understands
 */
export function openDatabase(
  path: string,
  logPages: number,
  steps = migrations,
): { readonly database: DatabaseSync; readonly lock: DatabaseSync } {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  makePrivate(`${path}.lock`);
  const lock = new DatabaseSync(`${path}.lock`, { timeout: 0 });
  let database: DatabaseSync | undefined;
  try {
    takeLock(lock);
    refuseStrayLog(path);
    makePrivate(path);
    database = new DatabaseSync(path, { timeout: busyMs, enableForeignKeyConstraints: false });
    refuseUnfit(database, steps.length);
    tune(database, logPages);
    migrate(database, steps);
    return { database, lock };
  } catch (error) {
    database?.close();
    lock.close();
    throw error;
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
    return isBusy(error);
  } finally {
    database?.close();
  }
}

/**
 * The lock is an open transaction on an empty database beside the journal: the system gives it back when the process dies,
 * and unlike an exclusive lock on the journal itself it lets `journal stats` read.
 */
function takeLock(lock: DatabaseSync): void {
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    throw isBusy(error) ? Object.assign(new Error("another process writes to it"), { code: "EBUSY" }) : error;
  }
}

function refuseStrayLog(path: string): void {
  const stray = strayLog(path);
  if (stray !== undefined) throw unusable(stray.kind, stray.reason);
}

function refuseUnfit(database: DatabaseSync, version: number): void {
  const isEmpty = database.prepare("SELECT 1 FROM sqlite_schema").get() === undefined;
  if (!isEmpty || pragma(database, "application_id") !== 0) refuseOther(database, version);
  const check = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (check !== "ok") throw damage(String(check).split("\n").join(" "));
}

/** Throws for what is no journal's database, or a newer agent's. */
export function refuseOther(database: DatabaseSync, version = migrations.length): void {
  const id = pragma(database, "application_id");
  if (id !== applicationId)
    throw unusable("foreign", `unexpected application id: got ${id}, want ${applicationId}`);
  const found = versionOf(database);
  if (found > version)
    throw unusable("newer", `unexpected schema version: got ${found}, want at most ${version}`);
}

/**
 * - WAL: a commit is one append, and readers in other processes do not wait.
 * - synchronous FULL: in WAL mode NORMAL syncs at checkpoints only, so that power loss takes commits back. `store.ts` lowers it for
 *   what need not wait for the drive.
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

/**
 * What an error means for the journal. `damaged`, `foreign`, `newer`: the file is no database that can be used. `full`: no room, reading
 * goes on. `contradicted`: rows are there that were not written here. `unavailable`: everything else; opening it anew may help.
 */
export interface Fault {
  readonly kind: AsideKind | "full" | "contradicted" | "unavailable";
  readonly reason: string;
}

/** Primary result codes of sqlite.org/rescode.html; the extended ones carry them in their lowest byte. */
const sqliteError = 1;
const sqliteBusy = 5;
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteConstraint = 19;
const sqliteMismatch = 20;
const sqliteNotADatabase = 26;

/** Throws on what is no failure of the disk: that is a bug. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) throw error;
  const reason = causeOf(error);
  if ("aside" in error) return { kind: error.aside as AsideKind, reason };
  if ("errcode" in error && typeof error.errcode === "number")
    return { kind: kindOf(error.errcode & 0xff), reason };
  if (isTooLarge(error)) return { kind: "damaged", reason: "unexpected number: got more than 2^53" };
  if ("code" in error && typeof error.code === "string" && !/^ERR_(?!FS_)/.test(error.code))
    return { kind: error.code === "ENOSPC" || error.code === "EDQUOT" ? "full" : "unavailable", reason };
  throw error;
}

function unusable(kind: AsideKind, message: string): Error {
  return Object.assign(new Error(message), { errcode: sqliteCorrupt, aside: kind });
}

/** What SQLite would throw for a database that contradicts itself. */
export function damage(message: string): Error {
  return unusable("damaged", message);
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === sqliteBusy;
}

/** The journal writes no such number, and Node reads none. */
function isTooLarge(error: Error): boolean {
  return (
    "code" in error &&
    error.code === "ERR_OUT_OF_RANGE" &&
    error.message.startsWith("Value is too large to be represented as a JavaScript number")
  );
}

function kindOf(primary: number): Fault["kind"] {
  switch (primary) {
    case sqliteFull:
      return "full";
    // A table is missing, or holds what it can't: the statements themselves are tested.
    case sqliteError:
    case sqliteMismatch:
    case sqliteCorrupt:
    case sqliteNotADatabase:
      return "damaged";
    case sqliteConstraint:
      return "contradicted";
    default:
      return "unavailable";
  }
}
