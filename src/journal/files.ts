/**
 * The journal's files at their path: whether they are still those that were opened, whether opening would lose a log, and setting
 * aside what cannot be used.
 */
import {
  chmodSync,
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { applicationId } from "./schema.ts";

/** A database and what SQLite keeps beside it. */
const suffixes = ["", "-wal", "-shm"];

export interface FileChange {
  readonly reason: string;
  /** What stands at the path is not the database that is open. */
  readonly replaced: boolean;
}

export interface FileWatch {
  /** What happened to the files since the last write of our own. */
  change(): FileChange | undefined;
  lockIsOurs(): boolean;
  /** After each write: sizes are as they should be now. */
  written(): void;
}

/**
 * To be called when database and lock have just been opened. SQLite writes on into files that were deleted, replaced or cut off, and
 * what it commits there is gone with the process.
 */
export function watchFiles(path: string): FileWatch {
  const database = statOf(path);
  const lock = statOf(`${path}.lock`);
  let log = statOf(`${path}-wal`);
  let databaseBytes = database?.size ?? 0;

  return {
    change() {
      const now = statOf(path);
      if (now === undefined) return { reason: "the database is gone", replaced: true };
      if (!isSame(now, database)) return { reason: "the database was replaced", replaced: true };
      if (now.size < databaseBytes) return { reason: "the database was cut off", replaced: false };
      const logNow = statOf(`${path}-wal`);
      if (log === undefined) return undefined;
      if (logNow === undefined) return { reason: "the log is gone", replaced: false };
      if (!isSame(logNow, log)) return { reason: "the log was replaced", replaced: false };
      return logNow.size < log.size ? { reason: "the log was cut off", replaced: false } : undefined;
    },
    lockIsOurs: () => isSame(statOf(`${path}.lock`), lock),
    written() {
      const now = statOf(`${path}-wal`);
      // A log that was deleted or replaced during the write is not taken for ours: the next write finds the change.
      if (log === undefined || isSame(now, log)) log = now;
      databaseBytes = statOf(path)?.size ?? 0;
    },
  };
}

/** A newer agent's journal and a database of something else are nobody's damage: they are never deleted. */
export type AsideKind = "damaged" | "newer" | "foreign";

/**
 * A log beside a database that it does not belong to. SQLite deletes the log of an empty database when it opens it, and writes the
 * pages of a log into whatever database stands beside it.
 */
export function strayLog(path: string): { readonly kind: AsideKind; readonly reason: string } | undefined {
  if ((statOf(`${path}-wal`)?.size ?? 0) === 0) return undefined;
  const head = headOf(path);
  if (head.length < headBytes)
    return { kind: "damaged", reason: `unexpected database: got ${head.length} bytes beside a log` };
  if (head.every((byte) => byte === 0)) return undefined;
  if (head.toString("latin1", 0, magic.length) !== magic)
    return { kind: "foreign", reason: "unexpected database: got another file beside a log" };
  const id = head.readUInt32BE(68);
  // Zero where the pages that say more are still in the log.
  if (id === 0 || id === applicationId) return undefined;
  return { kind: "foreign", reason: `unexpected application id: got ${id}, want ${applicationId}` };
}

/** sqlite.org/fileformat.html, 1.3. */
const magic = "SQLite format 3\0";
const headBytes = 100;

function headOf(path: string): Buffer {
  if (statOf(path)?.isFile() !== true) return Buffer.alloc(0);
  const file = openSync(path, "r");
  try {
    const head = Buffer.alloc(headBytes);
    return head.subarray(0, readSync(file, head, 0, headBytes, 0));
  } finally {
    closeSync(file);
  }
}

/** Creates the file if it is missing; nobody but its owner and group may read it. */
export function makePrivate(path: string): void {
  const known = statOf(path);
  // Not opened where it is there: closing it again would give up locks that this process holds.
  if (known === undefined) closeSync(openSync(path, "ax", 0o640));
  else if (known.isFile() && (known.mode & 0o137) !== 0) chmodSync(path, 0o640);
}

/** Their bytes do not count towards the journal's bound; so only the last few damaged ones are kept. */
const keptDamaged = 2;
/** Of a database that SQLite takes for one. */
const leastBytes = 512;

/**
 * Renames `journal.db` to `journal.db.damaged-20260102T030405678Z`, its log files along with it, and returns the new path.
 * Throws what the file system throws.
 */
export function setAside(path: string, kind: AsideKind, nowMs: number): string {
  const aside = freePath(`${path}.${kind}-${new Date(nowMs).toISOString().replaceAll(/[-:.]/g, "")}`);
  for (const suffix of suffixes) if (exists(path + suffix)) renameSync(path + suffix, aside + suffix);
  // With an empty database beside it a log is deleted by whoever opens it; with this one it can be read.
  if (exists(`${aside}-wal`) && isShort(statOf(aside)))
    writeFileSync(aside, Buffer.alloc(leastBytes), { mode: 0o640 });
  for (const old of setAsides(path, "damaged").slice(0, -keptDamaged)) removeDatabase(old.path);
  return aside;
}

/** What lies beside the journal, oldest first, with the size of each and its log files. */
export function setAsides(path: string, kind?: AsideKind): readonly { path: string; bytes: number }[] {
  const prefix = `${basename(path)}.`;
  return entriesOf(dirname(path))
    .filter((entry) => entry.startsWith(prefix))
    .map((entry) => ({
      entry,
      match: /^(damaged|newer|foreign)-([0-9]{8}T[0-9]{9}Z(?:-\d+)?)$/.exec(entry.slice(prefix.length)),
    }))
    .filter(({ match }) => match !== null && (kind === undefined || match[1] === kind))
    .sort((a, b) => ((a.match?.[2] ?? "") < (b.match?.[2] ?? "") ? -1 : 1))
    .map(({ entry }) => join(dirname(path), entry))
    .map((file) => ({ path: file, bytes: bytesOf(file) }));
}

/** Of a database with its log files; 0 when there is none. */
export function bytesOf(path: string): number {
  return suffixes.reduce((sum, suffix) => sum + (statOf(path + suffix)?.size ?? 0), 0);
}

export function removeDatabase(path: string): void {
  for (const suffix of suffixes) removeFile(path + suffix);
}

/** If it is there; a folder at its path is somebody else's, and stays. */
export function removeFile(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) rmSync(path, { force: true });
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}

function isShort(found: Stats | undefined): boolean {
  return found === undefined || (found.isFile() && found.size < leastBytes);
}

function exists(path: string): boolean {
  return statOf(path) !== undefined;
}

/** Two within one millisecond do not replace each other. */
function freePath(path: string): string {
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? path : `${path}-${count}`;
    if (!exists(candidate)) return candidate;
  }
}
