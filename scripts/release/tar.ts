/** Writes archives that depend on nothing but their content: sorted, without owners, times or traces of the machine. */
import { gzipSync } from "node:zlib";

export interface Entry {
  /** Relative, with `/`, at most 100 bytes. */
  readonly path: string;
  /** Permissions. */
  readonly mode: number;
  readonly content: Uint8Array;
}

const blockBytes = 512;
/** 2000-01-01; a time at the epoch makes tar warn. */
const fixedTime = 946_684_800;

/** A gzipped ustar archive (POSIX.1-1988): the same entries give the same bytes everywhere. */
export function archive(entries: readonly Entry[]): Buffer {
  const folders = new Set(entries.flatMap(({ path }) => parentsOf(path)));
  const all = [
    ...[...folders].map((path) => ({ path: `${path}/`, mode: 0o755, content: new Uint8Array(), type: "5" })),
    ...entries.map((entry) => ({ ...entry, type: "0" })),
  ].toSorted((a, b) => (a.path < b.path ? -1 : 1));
  const blocks = all.flatMap(({ path, mode, content, type }) => [
    header(path, mode, content.length, type),
    content,
    padding(content.length),
  ]);
  const zipped = gzipSync(Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]), { level: 9 });
  // The byte that names the system which compressed it (RFC 1952, section 2.3): unknown.
  zipped[9] = 255;
  return zipped;
}

function parentsOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_part, index) => parts.slice(0, index + 1).join("/"));
}

function header(path: string, mode: number, size: number, type: string): Buffer {
  if (Buffer.byteLength(path) > 100)
    throw new Error(`path in an archive must be at most 100 bytes, got ${path}`);
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, length: number): string => value.toString(8).padStart(length - 1, "0");
  block.write(path, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(fixedTime, 12), 136);
  block.write(" ".repeat(8), 148);
  block.write(type, 156);
  block.write("ustar\0" + "00", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 7)}\0 `, 148);
  return block;
}

function padding(size: number): Buffer {
  return Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes);
}
