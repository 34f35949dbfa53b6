/** Files that others may have put there: opened with care, read whole within a bound, kept once read, and replaced whole or not at all. */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  type Stats,
  statSync,
} from "node:fs";
import { dirname, resolve } from "node:path";
import { causeOf, codeOf } from "./cause.ts";

/**
 * The whole file, which must be a regular one: a pipe could block for ever.
 * @throws Error `cannot read PATH: cause`, also for more than `maxBytes`.
 */
export function readBounded(path: string, maxBytes: number): Buffer {
  try {
    return readPlain(path, maxBytes);
  } catch (error) {
    throw new Error(`cannot read ${path}: ${causeOf(error)}`, { cause: error });
  }
}

/** As `readBounded`, failing with the system's own error. `noLink` is for folders in which others may put links. */
export function readPlain(path: string, maxBytes: number, { noLink = false } = {}): Buffer {
  const link = noLink ? constants.O_NOFOLLOW : 0;
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | link);
  try {
    return readWhole(file, maxBytes);
  } finally {
    closeSync(file);
  }
}

/**
 * Opens a file to append to, made when missing: looked at once it is open, and never waited for. To root a link or a second
 * name could be somebody's way to a file that is not theirs to write.
 * @throws Error for anything else than a plain file or a device of the system
 */
export function openToAppend(path: string, mode: number): number {
  const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants;
  const isRoot = process.geteuid?.() === 0;
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | (isRoot ? O_NOFOLLOW : 0), mode);
  const stat = fstatSync(file);
  if (stat.isFile() && (!isRoot || stat.nlink === 1)) return file;
  if (isDevice(path, stat)) return file;
  closeSync(file);
  throw new Error(stat.isFile() ? "it has a second name (hard link)" : "not a regular file");
}

/** `/dev/null` and `/dev/console`: right in /dev only root can make a file. */
function isDevice(path: string, stat: Stats): boolean {
  return dirname(resolve(path)) === "/dev" && stat.isCharacterDevice() && stat.uid === 0;
}

/** Reads one byte more than allowed, since the size may grow between the look and the read. */
function readWhole(file: number, maxBytes: number): Buffer {
  const stat = fstatSync(file);
  if (!stat.isFile()) throw new Error("not a regular file");
  const buffer = Buffer.alloc(Math.min(stat.size, maxBytes) + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length < buffer.length; length += read)
    read = readSync(file, buffer, length, buffer.length - length, null);
  if (length > maxBytes) throw new Error(`larger than ${maxBytes} bytes`);
  return buffer.subarray(0, length);
}

/**
 * Replaces the file by a synced one under the same name, so that a crash or a full disk leaves the old or the new content.
 * `mode` holds whatever the umask is.
 * @throws Error `cannot write PATH: cause`; nothing is left behind then.
 */
export function writeAtomically(path: string, content: string | Uint8Array, mode = 0o644): void {
  // Every process reads files, few write any: node:crypto takes 4 ms to load.
  const { randomBytes } = process.getBuiltinModule("node:crypto");
  const draft = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    writeSynced(draft, content, mode);
    renameSync(draft, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(draft, { force: true });
    throw new Error(`cannot write ${path}: ${causeOf(error)}`, { cause: error });
  }
}

function writeSynced(path: string, content: string | Uint8Array, mode: number): void {
  const file = openSync(path, "wx", mode);
  try {
    fchmodSync(file, mode);
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Makes the rename itself survive a power loss. */
function syncFolder(path: string): void {
  const folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Changes whenever the file is written or replaced, within the same second too; `absent` where it can't be looked at. */
export function fileStamp(path: string): string {
  try {
    const stat = statSync(path, { bigint: true });
    return `${stat.dev}:${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`;
  } catch {
    return "absent";
  }
}

/**
 * What root let an agent read which then gave up root is kept for as long as it may not be read any more, so that a password
 * that root has just rotated with mode 0600 does not stop delivery.
 */
interface Kept {
  readonly bytes: Buffer;
  warned: boolean;
}

/** By path, for the process: what root has read serves a configuration that is read again later, too. */
const kept = new Map<string, Kept>();

/**
 * The file as it is now, or as it was when it could last be read; a file that is gone is an error in any case.
 * @throws Error `cannot read PATH: cause`
 */
export function readKept(path: string, maxBytes: number, warn: (message: string) => void): Buffer {
  const before = kept.get(path);
  try {
    const bytes = readBounded(path, maxBytes);
    kept.set(path, { bytes, warned: false });
    return bytes;
  } catch (error) {
    if (before === undefined || !isForbidden(error)) throw error;
    if (!before.warned) {
      before.warned = true;
      warn(`${causeOf(error)}; what it held before stays in use; ${readableAdvice(path)}`);
    }
    return before.bytes;
  }
}

/** How a file is made readable to the agent and to nobody else. */
export function readableAdvice(path: string, account = "_macagent"): string {
  return `run sudo chown root:${account} '${path}' && sudo chmod 640 '${path}'`;
}

function isForbidden(error: unknown): boolean {
  const code = codeOf(error instanceof Error ? error.cause : undefined);
  return code === "EACCES" || code === "EPERM";
}
