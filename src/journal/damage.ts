/** Renames a database aside that the journal can't use, for whoever wants to look at it. */
import { lstatSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/** A newer agent's journal and a database of something else are nobody's damage: they are never deleted. */
export type AsideKind = "damaged" | "newer" | "foreign";

/** Their bytes do not count towards the journal's bound; so only the last few damaged ones are kept. */
const keptDamaged = 2;
/** Of a database that SQLite takes for one. */
const leastBytes = 512;
const companions = ["", "-wal", "-shm"];

/**
 * Renames `journal.db` to `journal.db.damaged-20260102T030405678Z`, its log files along with it, and returns the new path.
 * Throws what the file system throws.
 */
export function setAside(path: string, kind: AsideKind, nowMs: number): string {
  const aside = freePath(`${path}.${kind}-${new Date(nowMs).toISOString().replaceAll(/[-:.]/g, "")}`);
  for (const suffix of companions) if (exists(path + suffix)) renameSync(path + suffix, aside + suffix);
  // With an empty database beside it a log is deleted by whoever opens it; with this one it can be read.
  if (exists(`${aside}-wal`) && isShort(aside))
    writeFileSync(aside, Buffer.alloc(leastBytes), { mode: 0o640 });
  for (const old of setAsides(path, "damaged").slice(0, -keptDamaged))
    for (const suffix of companions) removeFile(old.path + suffix);
  return aside;
}

/** If it is there; a folder at its path is somebody else's, and stays. */
export function removeFile(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) rmSync(path, { force: true });
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
  return companions.reduce(
    (sum, suffix) => sum + (statSync(path + suffix, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function isShort(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined || (found.isFile() && found.size < leastBytes);
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Two within one millisecond do not replace each other. */
function freePath(path: string): string {
  for (let count = 1; ; count++) {
    const candidate = count === 1 ? path : `${path}-${count}`;
    if (!exists(candidate)) return candidate;
  }
}
