/**
 * The journal's files at their path: whether they are still those that were opened, and whether a log would be lost by opening.
 *
 * SQLite writes on into files that were deleted, replaced or cut off under it, and what it commits there is gone with the process.
 */
import { chmodSync, closeSync, openSync, readSync, statSync, type Stats } from "node:fs";
import type { AsideKind } from "./damage.ts";
import { applicationId } from "./schema.ts";

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

/** To be called when database and lock have just been opened. */
export function watchFiles(path: string): FileWatch {
  const log = `${path}-wal`;
  const database = statOf(path);
  const lock = statOf(`${path}.lock`);
  let logNow = statOf(log);
  let databaseBytes = database?.size ?? 0;

  return {
    change() {
      const now = statOf(path);
      if (now === undefined) return { reason: "the database is gone", replaced: true };
      if (!isSame(now, database)) return { reason: "the database was replaced", replaced: true };
      const nowLog = statOf(log);
      if (logNow !== undefined && nowLog === undefined) return { reason: "the log is gone", replaced: false };
      if (logNow !== undefined && !isSame(nowLog, logNow))
        return { reason: "the log was replaced", replaced: false };
      if (now.size < databaseBytes) return { reason: "the database was cut off", replaced: false };
      if ((nowLog?.size ?? 0) < (logNow?.size ?? 0))
        return { reason: "the log was cut off", replaced: false };
      return undefined;
    },
    lockIsOurs: () => isSame(statOf(`${path}.lock`), lock),
    written() {
      const now = statOf(log);
      // A log that was deleted or replaced during the write is not taken for ours: the next write finds the change.
      if (logNow === undefined || isSame(now, logNow)) logNow = now;
      databaseBytes = statOf(path)?.size ?? 0;
    },
  };
}

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

/** Creates the file if it is missing; nobody but its owner and group may read it. */
export function makePrivate(path: string): void {
  const known = statOf(path);
  // Not opened where it is there: closing it again would give up locks that this process holds.
  if (known === undefined) closeSync(openSync(path, "ax", 0o640));
  else if (known.isFile() && (known.mode & 0o137) !== 0) chmodSync(path, 0o640);
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

function statOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false });
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}
