/**
 * Records the frames of every source in plain files, with an index that keeps their times for `replay`.
 *
 *     DIR/powermetrics.plist   documents, NUL between them, as the tool writes them
 *     DIR/vm_stat.txt …        reports one after the other
 *     DIR/powermetrics-help.txt   printed once
 *     DIR/record.jsonl         {"source":"vm_stat","receivedAt":1767225600000,"offset":0,"length":1137}, in the order of arrival
 */
import { closeSync, existsSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
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

export interface RecordEntry {
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
