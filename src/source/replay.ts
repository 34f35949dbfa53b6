/** Reads recorded output as frames in document order, whoever recorded it. */
import { accessSync, createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { joinReports } from "./poll.ts";
import { createFramer, type DroppedFrame, type Garbage } from "./frame.ts";
import { readRecording, recordFiles, recordIndex, type RecordedFrame } from "./recording.ts";
import type { SourceName } from "../parse/sample.ts";

export interface ReplayFiles {
  /** Of a recording: all that its index has. */
  readonly folder?: string;
  readonly powermetrics?: string;
  readonly vmStat?: string;
  readonly ioreg?: string;
}

export interface ReplayListener {
  /** Resolves when the next frame may come. */
  frame(frame: RecordedFrame): Promise<void>;
  garbage(garbage: Garbage): void;
  dropped(dropped: DroppedFrame): void;
  /** Time of the last powermetrics sample, milliseconds since the Unix epoch; absent before the first. */
  lastTime(): number | undefined;
}

/** Between reports of a vm_stat file without times: the agent's default interval. */
const vmStatIntervalMs = 10_000;
const reportHead = "Mach Virtual Memory Statistics";

/**
 * Files of one recorded folder are replayed by its index, with the times of their arrival. Else a vm_stat report takes
 * the time of the powermetrics document with the same number, and without any the file's own; ioreg's reports come last, and name their
 * own time where they have a battery.
 *
 * @throws Error when a file cannot be read
 */
export async function replayFiles(files: ReplayFiles, listener: ReplayListener): Promise<void> {
  if (files.folder !== undefined) {
    await replayFolder(files.folder, () => true, listener);
    return;
  }
  // The frames of others would come all the same.
  for (const path of [files.powermetrics, files.vmStat, files.ioreg])
    if (path !== undefined) accessSync(path);
  const folder = recordedFolder(files);
  if (folder !== undefined) await replayFolder(folder, (source) => isWanted(source, files), listener);
  else await replayPlain(files, listener);
}

/** The folder whose index covers all given files. */
function recordedFolder({ powermetrics, vmStat, ioreg }: ReplayFiles): string | undefined {
  const given = [
    [powermetrics, recordFiles.powermetrics],
    [vmStat, recordFiles.vm_stat],
    [ioreg, recordFiles.ioreg],
  ].filter((pair): pair is [string, string] => pair[0] !== undefined);
  const [first] = given;
  if (first === undefined) return undefined;
  const folder = dirname(first[0]);
  const covered = given.every(([path, name]) => basename(path) === name && dirname(path) === folder);
  return covered && existsSync(join(folder, recordIndex)) ? folder : undefined;
}

async function replayFolder(
  folder: string,
  wants: (source: SourceName) => boolean,
  listener: ReplayListener,
): Promise<void> {
  const recording = readRecording(folder);
  if (!recording.ok) throw new Error(recording.message);
  for (const frame of recording.frames()) if (wants(frame.source)) await listener.frame(frame);
}

function isWanted(source: SourceName, { powermetrics, vmStat }: ReplayFiles): boolean {
  if (source === "powermetrics") return powermetrics !== undefined;
  return source !== "vm_stat" || vmStat !== undefined;
}

async function replayPlain(files: ReplayFiles, listener: ReplayListener): Promise<void> {
  await replayTimed(files, listener);
  if (files.ioreg === undefined) return;
  const receivedAt = listener.lastTime() ?? modified(files.ioreg);
  for (const bytes of splitIoreg(readFileSync(files.ioreg)))
    await listener.frame({ source: "ioreg", bytes, receivedAt });
}

async function replayTimed({ powermetrics, vmStat }: ReplayFiles, listener: ReplayListener): Promise<void> {
  const reports = vmStat === undefined ? [] : splitVmStat(readFileSync(vmStat));
  let next = 0;

  async function report(receivedAt: number): Promise<void> {
    const bytes = reports[next++];
    if (bytes !== undefined) await listener.frame({ source: "vm_stat", bytes, receivedAt });
  }

  if (powermetrics !== undefined) {
    for await (const bytes of documents(powermetrics, listener)) {
      await listener.frame({ source: "powermetrics", bytes, receivedAt: 0 });
      await report(listener.lastTime() ?? 0);
    }
  }
  const base = listener.lastTime();
  const first = base ?? modified(vmStat) - (reports.length - 1) * vmStatIntervalMs;
  for (let count = base === undefined ? 0 : 1; next < reports.length; count++) {
    await report(first + count * vmStatIntervalMs);
  }
}

async function* documents(path: string, listener: ReplayListener): AsyncIterable<Buffer> {
  let found: Buffer[] = [];
  const framer = createFramer({
    onFrame: (frame) => void found.push(Buffer.from(frame)),
    onGarbage: (garbage) => listener.garbage(garbage),
    onDropped: (dropped) => listener.dropped(dropped),
  });
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    framer.push(chunk);
    yield* found;
    found = [];
  }
  framer.end();
  yield* found;
}

/** One report per header line; text before the first is left to the parser's complaint. */
function splitVmStat(bytes: Buffer): readonly Buffer[] {
  const starts: number[] = [];
  for (let at = bytes.indexOf(reportHead); at >= 0; at = bytes.indexOf(reportHead, at + 1)) starts.push(at);
  if (starts.length <= 1) return [bytes];
  return starts.map((start, index) => bytes.subarray(start, starts[index + 1]));
}

const endOfDocument = "</plist>";
/** What is said once in the outputs of one poll. */
const subjects = ["AppleSmartBattery", "PerformanceStatistics"];

/** A poll's outputs, one after the other: a subject that comes again begins the next report. */
function splitIoreg(bytes: Buffer): readonly Buffer[] {
  const reports: Buffer[][] = [];
  for (const document of splitDocuments(bytes)) {
    const report = reports.at(-1);
    const repeats = subjects.some(
      (subject) => document.includes(subject) && report?.some((one) => one.includes(subject)),
    );
    if (report === undefined || repeats) reports.push([document]);
    else report.push(document);
  }
  return reports.map(joinReports);
}

/** What stands behind the last end is left to the parser's complaint. */
function splitDocuments(bytes: Buffer): readonly Buffer[] {
  const documents: Buffer[] = [];
  let from = 0;
  for (let end = bytes.indexOf(endOfDocument); end >= 0; end = bytes.indexOf(endOfDocument, from)) {
    documents.push(bytes.subarray(from, end + endOfDocument.length));
    from = end + endOfDocument.length;
  }
  const rest = bytes.subarray(from);
  return documents.length > 0 && rest.every((byte) => byte <= 0x20) ? documents : [...documents, rest];
}

function modified(path: string | undefined): number {
  return path === undefined ? 0 : Math.floor(statSync(path).mtimeMs);
}
