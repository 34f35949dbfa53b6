/**
 * A recording: the frames of every source in plain files, with an index that keeps their times for `replay`. Writing first, then reading.
 *
 *     DIR/powermetrics.plist   documents, NUL between them, as the tool writes them
 *     DIR/vm_stat.txt …        reports one after the other
 *     DIR/powermetrics-help.txt   printed once
 *     DIR/record.jsonl         {"source":"vm_stat","receivedAt":1767225600000,"offset":0,"length":1137}, in the order of arrival
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { causeOf } from "../runtime/cause.ts";
import type { Frame } from "./source.ts";
import type { SourceName } from "../parse/sample.ts";

/** A fixed name for each source: nothing from outside becomes part of a path. */
export const recordFiles: Readonly<Record<SourceName, string>> = {
  powermetrics: "powermetrics.plist",
  vm_stat: "vm_stat.txt",
  sysctl: "sysctl.txt",
  pmset: "pmset.txt",
  ioreg: "ioreg.plist",
};
export const recordIndex = "record.jsonl";

/** What is printed once; not part of the index, and not replayed. */
const extraFiles = { help: "powermetrics-help.txt" } as const;

export type ExtraName = keyof typeof extraFiles;

interface RecordEntry {
  readonly source: SourceName;
  /** Milliseconds since the Unix epoch. */
  readonly receivedAt: number;
  /** Where the frame begins in its source's file, in bytes. */
  readonly offset: number;
  readonly length: number;
}

export type Recorded =
  | { readonly status: "written" }
  /** The bound is reached: this frame and all later ones are not written. */
  | { readonly status: "full" }
  | { readonly status: "failed"; readonly message: string };

export interface Recorder extends Disposable {
  write(source: SourceName, frame: Frame): Recorded;
  /** A file of its own beside the frames, within the same bound. */
  keep(name: ExtraName, bytes: Buffer): Recorded;
  readonly frames: number;
  readonly bytes: number;
}

type OpenedRecorder =
  { readonly ok: true; readonly recorder: Recorder } | { readonly ok: false; readonly message: string };

interface Output {
  readonly file: number;
  length: number;
}

/** Makes the folder, and refuses one that holds a recording already. `maxBytes` bounds all files together. */
export function openRecorder(folder: string, maxBytes: number): OpenedRecorder {
  const names = [recordIndex, ...Object.values(recordFiles), ...Object.values(extraFiles)];
  try {
    mkdirSync(folder, { recursive: true });
    const taken = names.map((name) => join(folder, name)).find((path) => existsSync(path));
    if (taken !== undefined)
      return { ok: false, message: `cannot record into ${folder}: ${taken} exists already` };
    return { ok: true, recorder: createRecorder(folder, createFile(join(folder, recordIndex)), maxBytes) };
  } catch (error) {
    return { ok: false, message: `cannot record into ${folder}: ${causeOf(error)}` };
  }
}

/** Exclusively, so that not even a race or a link makes us overwrite something. */
function createFile(path: string): number {
  return openSync(path, "wx");
}

function createRecorder(folder: string, index: number, maxBytes: number): Recorder {
  const outputs = new Map<SourceName, Output>();
  let frames = 0;
  let bytes = 0;
  let last: Recorded = { status: "written" };

  function append(source: SourceName, frame: Frame): Recorded {
    const output = outputs.get(source) ?? createOutput(folder, source);
    outputs.set(source, output);
    const separator = source === "powermetrics" && output.length > 0 ? Buffer.from([0]) : Buffer.alloc(0);
    const body = Buffer.concat([separator, frame.bytes, endOfLine(source)]);
    const offset = output.length + separator.length;
    const entry: RecordEntry = { source, receivedAt: frame.receivedAt, offset, length: frame.bytes.length };
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    if (bytes + body.length + line.length > maxBytes) return { status: "full" };
    writeWhole(output.file, body);
    writeWhole(index, line);
    output.length += body.length;
    bytes += body.length + line.length;
    frames += 1;
    return { status: "written" };
  }

  return {
    get frames() {
      return frames;
    },
    get bytes() {
      return bytes;
    },
    write(source, frame) {
      if (last.status !== "written") return last;
      try {
        last = append(source, frame);
      } catch (error) {
        last = {
          status: "failed",
          message: `cannot write ${join(folder, recordFiles[source])}: ${causeOf(error)}`,
        };
      }
      return last;
    },
    keep(name, content) {
      if (bytes + content.length > maxBytes) return { status: "full" };
      const path = join(folder, extraFiles[name]);
      try {
        writeFileSync(path, content, { flag: "wx" });
      } catch (error) {
        return { status: "failed", message: `cannot write ${path}: ${causeOf(error)}` };
      }
      bytes += content.length;
      return { status: "written" };
    },
    [Symbol.dispose]() {
      for (const file of [index, ...[...outputs.values()].map((output) => output.file)]) closeSync(file);
    },
  };
}

function createOutput(folder: string, source: SourceName): Output {
  return { file: createFile(join(folder, recordFiles[source])), length: 0 };
}

/** The framer cuts a document at its `</plist>`; the tool ends that line. */
function endOfLine(source: SourceName): Buffer {
  return Buffer.from(source === "powermetrics" ? "\n" : "");
}

function writeWhole(file: number, bytes: Buffer): void {
  for (let from = 0; from < bytes.length;) from += writeSync(file, bytes, from);
}

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
