/** Decides what an error of the database means for the journal. */
import { causeOf } from "../runtime/cause.ts";

/**
 * `full`: no room, reading goes on. `contradicted`: rows are there that were not written here. `damaged`: the file is no sound database. `unavailable`: everything else that a disk
 * may do; opening it anew may help.
 */
export interface Fault {
  readonly kind: "full" | "contradicted" | "damaged" | "unavailable";
  readonly reason: string;
}

/** Primary result codes of sqlite.org/rescode.html; the extended ones carry them in their lowest byte. */
const sqliteError = 1;
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteConstraint = 19;
const sqliteMismatch = 20;
const sqliteNotADatabase = 26;

/** Throws on what is no failure of the disk: that is a bug. */
export function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) throw error;
  const reason = causeOf(error);
  if ("errcode" in error && typeof error.errcode === "number")
    return { kind: kindOf(error.errcode & 0xff), reason };
  if (isTooLarge(error)) return { kind: "damaged", reason: "unexpected number: got more than 2^53" };
  if ("code" in error && typeof error.code === "string" && !/^ERR_(?!FS_)/.test(error.code))
    return { kind: systemKind(error.code), reason };
  throw error;
}

/** What SQLite would throw for a database that contradicts itself. */
export function damage(message: string): Error {
  return Object.assign(new Error(message), { errcode: sqliteCorrupt });
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

function systemKind(code: string): Fault["kind"] {
  return code === "ENOSPC" || code === "EDQUOT" ? "full" : "unavailable";
}
