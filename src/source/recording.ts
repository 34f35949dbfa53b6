/** Reads a recorded folder as frames, in the order and with the times of their arrival. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { causeOf } from "../runtime/cause.ts";
import { recordFiles, recordIndex, type RecordEntry } from "./record.ts";
import type { Frame } from "./source.ts";
import type { SourceName } from "../parse/sample.ts";

export interface RecordedFrame extends Frame {
  readonly source: SourceName;
}

type Recording =
  | { readonly ok: true; readonly entries: readonly RecordEntry[]; frames(): Iterable<RecordedFrame> }
  | { readonly ok: false; readonly message: string };

/** A frame is read when its turn comes, so memory holds one. An index line that was cut off ends the recording. */
export function readRecording(folder: string): Recording {
  const path = join(folder, recordIndex);
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    lines.pop();
    const entries: RecordEntry[] = [];
    for (const [index, line] of lines.entries()) {
      const entry = parseEntry(line);
      if (entry === undefined)
        return { ok: false, message: `unexpected line ${index + 1} of ${path}: got ${line.slice(0, 80)}` };
      entries.push(entry);
    }
    return { ok: true, entries, frames: () => readFrames(folder, entries) };
  } catch (error) {
    return { ok: false, message: `cannot read ${path}: ${causeOf(error)}` };
  }
}

function parseEntry(line: string): RecordEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isEntry(value) ? value : undefined;
}

function isEntry(value: unknown): value is RecordEntry {
  if (typeof value !== "object" || value === null) return false;
  const fields: Record<string, unknown> = { ...value };
  const { source, receivedAt, offset, length } = fields;
  const numbers = [receivedAt, offset, length].every(
    (number) => Number.isSafeInteger(number) && Number(number) >= 0,
  );
  return numbers && typeof source === "string" && Object.hasOwn(recordFiles, source);
}

/** @throws Error when a file is missing or ends before a frame that the index promises. */
function* readFrames(folder: string, entries: readonly RecordEntry[]): Iterable<RecordedFrame> {
  const files = new Map<SourceName, number>();
  try {
    for (const { source, receivedAt, offset, length } of entries) {
      const path = join(folder, recordFiles[source]);
      const file = files.get(source) ?? openSync(path, "r");
      files.set(source, file);
      // Looked at first: an index that lies must not make us reserve what it says.
      const inside = offset + length <= fstatSync(file).size;
      const bytes = Buffer.alloc(inside ? length : 0);
      if (!inside || readSync(file, bytes, 0, length, offset) !== length) {
        throw new Error(`unexpected end of ${path}: want ${length} bytes at ${offset}`);
      }
      yield { source, receivedAt, bytes };
    }
  } finally {
    for (const file of files.values()) closeSync(file);
  }
}
