/** Owns small files: read whole within a bound, and replaced whole or not at all. */
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
} from "node:fs";
import { dirname } from "node:path";
import { causeOf } from "./cause.ts";

/**
 * The whole file, which must be a regular one: a pipe could block for ever.
 * @throws Error `cannot read PATH: cause`, also for more than `maxBytes`.
 */
export function readBounded(path: string, maxBytes: number): Buffer {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return readWhole(file, maxBytes);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new Error(`cannot read ${path}: ${causeOf(error)}`, { cause: error });
  }
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
  const folder = openSync(path, constants.O_RDONLY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
