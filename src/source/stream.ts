/**
 * One run of powermetrics, from its start to its end.
 *
 *     stdout ─► framer ─┬─ documents ─► report.frame
 *                       └─ other lines ─┐
 *     stderr ───────────────────────────┴─► report.message
 *
 * The child is ended when the signal aborts, when it is silent for too long, and, where asked for, when its documents come late.
 */
import type { Clock } from "../runtime/clock.ts";
import type { Argv, ChildExit, Spawn } from "./child.ts";
import { splitLines } from "./output.ts";
import { createFramer } from "./frame.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Report } from "./report.ts";

interface StreamOptions {
  readonly argv: Argv;
  readonly intervalMs: number;
  readonly clock: Clock;
  readonly heartbeat: Heartbeat;
  readonly environment: Readonly<Record<string, string>>;
  readonly spawn: Spawn;
  readonly report: Report;
  /** Asked once, when documents come late: whether to end the child for it. Without it nobody looks. */
  readonly endWhenLate?: (() => boolean) | undefined;
}

export interface StreamEnd {
  readonly exit: ChildExit;
  /** We ended it, since it was silent for this long while the machine was awake. */
  readonly silentMs: number | undefined;
  /** We ended it, since its documents came late. */
  readonly late: LateDocuments | undefined;
  readonly documents: number;
  /** The last lines that it printed outside documents. */
  readonly lines: readonly string[];
}

const keptLines = 20;
/** The tool takes about a second to start, a busy machine and sudo some more. */
const startAllowanceMs = 10_000;

/** Resolves when the child is gone. */
export async function readStream(options: StreamOptions, signal: AbortSignal): Promise<StreamEnd> {
  const { clock, environment, report, endWhenLate } = options;
  const ended = new AbortController();
  const lines: string[] = [];
  const silence = watchSilence(options, () => documents === 0);
  let watchLag = endWhenLate === undefined ? undefined : createLagWatch(options.intervalMs);
  let late: LateDocuments | undefined;
  let documents = 0;

  function keepLine(line: string): void {
    lines.push(line);
    if (lines.length > keptLines) lines.shift();
    report.message(line);
  }
  function takeDocument(bytes: Buffer): void {
    documents += 1;
    silence.heard();
    const receivedAt = clock.now();
    const noticed = watchLag?.(documentTime(bytes), receivedAt);
    report.frame({ bytes, receivedAt });
    if (noticed === undefined) return;
    watchLag = undefined;
    if (endWhenLate?.() !== true) return;
    late = noticed;
    ended.abort();
  }

  const framer = createFramer({
    onFrame: takeDocument,
    onGarbage(garbage) {
      report.dropped("garbage", garbage.bytes);
      garbage.lines.forEach(keepLine);
    },
    onDropped: (dropped) => report.dropped(dropped.reason, dropped.bytes),
  });
  const stderr = splitLines(keepLine);
  const child = options.spawn(options.argv, {
    clock,
    environment,
    onStdout: (chunk) => framer.push(chunk),
    onStderr: (chunk) => stderr.push(chunk),
  });
  if (child.pid !== undefined) report.started(child.pid);
  const stop = (): void => void child.stop();
  const stopped = AbortSignal.any([signal, ended.signal]);
  stopped.addEventListener("abort", stop, { once: true });
  if (stopped.aborted) stop();
  silence.start(() => ended.abort());

  const exit = await child.ended;
  stopped.removeEventListener("abort", stop);
  silence.end();
  framer.end();
  stderr.end();
  report.flushMessages();
  return { exit, silentMs: silence.silentMs(), late, documents, lines };
}

interface SilenceWatch {
  start(onSilence: () => void): void;
  heard(): void;
  end(): void;
  /** Set once silence was declared. */
  silentMs(): number | undefined;
}

/**
 * Silence counts only while the machine is awake: a late beat means that it slept, and the tool gets a fresh allowance
 * instead of being ended for a document that it could not write.
 */
function watchSilence(options: StreamOptions, beforeFirst: () => boolean): SilenceWatch {
  let heardAt = options.clock.monotonic();
  let declared: number | undefined;
  let beats: Disposable | undefined;
  return {
    start(onSilence) {
      beats = options.heartbeat.onBeat((beat) => {
        if (beat.late) heardAt = beat.monotonic;
        const silent = beat.monotonic - heardAt;
        const limit = 3 * options.intervalMs + (beforeFirst() ? startAllowanceMs : 0);
        if (silent <= limit || declared !== undefined) return;
        declared = silent;
        onSilence();
      });
    },
    heard() {
      heardAt = options.clock.monotonic();
    },
    end: () => beats?.[Symbol.dispose](),
    silentMs: () => declared,
  };
}

/**
 * Notices that documents arrive about an interval after their windows' ends. powermetrics writes through a buffer into a pipe, so the
 * end of a document may wait in it until the next document pushes it out; `-b 1` makes it write line by line.
 */
export interface LateDocuments {
  /** Of the document that settled it, milliseconds. */
  readonly lagMs: number;
}

/** Timestamps are whole seconds, truncated: half of one on average. */
const timestampShareMs = 500;
const nearAnInterval = 0.7;
/** Below this, lateness is neither distinguishable from the precision of timestamps nor worth a restart. */
const leastLagMs = 1400;
/** That one is late happens on a busy machine, and all that came while this process stood still are late together. */
const documentsInARow = 3;
const intervalsInARow = 1.5;

/** Returns what it noticed, else undefined. A document without a time says nothing. */
export function createLagWatch(
  intervalMs: number,
): (documentMs: number | undefined, receivedAt: number) => LateDocuments | undefined {
  const limit = Math.max(nearAnInterval * intervalMs, leastLagMs) + timestampShareMs;
  let late = 0;
  let since = 0;
  return (documentMs, receivedAt) => {
    if (documentMs === undefined) return undefined;
    const lagMs = receivedAt - documentMs;
    if (lagMs < limit) {
      late = 0;
      return undefined;
    }
    if (late === 0) since = receivedAt;
    late += 1;
    const settled = late >= documentsInARow && receivedAt - since >= intervalsInARow * intervalMs;
    return settled ? { lagMs } : undefined;
  };
}

const key = Buffer.from("<key>timestamp</key>");

/** The end of a document's window, found without reading it whole; milliseconds since the Unix epoch. */
export function documentTime(document: Buffer): number | undefined {
  const at = document.indexOf(key);
  if (at < 0) return undefined;
  const after = document.toString("latin1", at + key.length, at + key.length + 64);
  const date = /^\s{0,8}<date>([0-9TZ:-]{20})<\/date>/.exec(after)?.[1];
  const time = date === undefined ? NaN : Date.parse(date);
  return Number.isNaN(time) ? undefined : time;
}
