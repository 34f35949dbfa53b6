/**
 * What a source is: it turns one of Apple's tools into frames until its signal aborts. open.ts makes them; read on in poll.ts with
 * tool-shell.ts, then powermetrics.ts with stream.ts and frame.ts; child.ts starts every process.
 *
 *     run ──► started(pid) ──► frame, frame … ──► failed(reason) ──► restarted(reason) ──► started(pid) …
 *               (powermetrics)   up(true)           up(false)          (powermetrics)
 *
 * A source never throws for anything a tool does, and never waits for another source.
 */
import type { SourceName } from "../parse/sample.ts";

/** One document, or one report, as the tool wrote it. */
export interface Frame {
  /** Until the listener returns: a document's bytes are overwritten by the next one. */
  readonly bytes: Buffer;
  /** Wall-clock time at which its last byte came, milliseconds since the Unix epoch. */
  readonly receivedAt: number;
}

/** Why a tool gave nothing; fit for a label value. */
export type FailureReason =
  /** The executable is not there. */
  | "vanished"
  /** The system would not start it: no permission, too many processes or files. */
  | "not_started"
  | "not_root"
  | "unknown_sampler"
  /** Every sampler that was asked for is unknown: nothing is left to sample. */
  | "no_sampler"
  /** Died of a signal that the agent did not send. */
  | "aborted"
  /** Alive, and silent for too long. */
  | "stalled"
  /** Ended to be started again, since its documents waited in its buffer. */
  | "buffered"
  /** Ended by itself; the code is in the message. */
  | "exited"
  | "timeout"
  | "oversized"
  /** Ended well and printed nothing. */
  | "empty";

/** `message` says what happened, where and what to do, in the grammar of errors. */
export interface SourceFailure {
  readonly reason: FailureReason;
  readonly message: string;
}

/** What framing threw away: bytes outside documents, a document without an end, a document beyond the bound. */
export type DropKind = "garbage" | "truncated" | "oversized";

/** What a source reports as it happens; calls come one at a time and must not throw. */
export interface SourceListener {
  frame(frame: Frame): void;
  /** Changes only: true with a frame, false with a failure. Before the first call nothing is known. */
  up(up: boolean): void;
  /** A long-running child lives: from here on the agent may give up root. Polled tools do not say it. */
  started(pid: number): void;
  /** Every failure, also those whose log line was held back. */
  failed(failure: SourceFailure): void;
  /** A long-running child is started again because of `reason`. */
  restarted(reason: FailureReason): void;
  /** A line of a known kind beside the documents. */
  remarked?(kind: string): void;
  /** Counted as it happens; `bytes` were thrown away. */
  dropped(kind: DropKind, bytes: number): void;
}

/** Why `run` returned: its signal aborted, or the source may not start its child again (`restart: "never"`). */
export type SourceEnd = { readonly status: "stopped" } | ({ readonly status: "ended" } & SourceFailure);

export interface Source {
  readonly name: SourceName;
  /** Between two frames when all is well. */
  readonly intervalMs: number;
  /** Runs until the signal aborts and resolves when its children are gone; rejects only for a bug. */
  run(listener: SourceListener, signal: AbortSignal): Promise<SourceEnd>;
}
