/** What delivery promises: the types that the agent, its own metrics and the page are written against. */
import type { Sink } from "../sink/sink.ts";

/**
 *     starting ─► ok ⇄ draining           ok: all is delivered but the last few seconds
 *        │         ⇅                      retrying: the receiver or the network fails for now
 *        └─► retrying, refused, holding   refused: the receiver does not let us in; holding: our clock is ahead
 */
export const deliveryStatuses = [
  "starting",
  "ok",
  "draining",
  "retrying",
  "refused",
  "holding",
  "stopped",
] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** The loop of one sink. */
export interface Delivery {
  state(): DeliveryState;
  /** Something was appended to the journal. */
  notify(): void;
  /** The machine woke: new connections, a fresh backoff, and a random delay before the first request. */
  woke(): void;
  /** Delivers what waits without waiting for anything, and ends at the first request from now on that fails; `run` resolves then. */
  finish(): void;
  /** Until the signal aborts or `finish` is done; never rejects for what a receiver or the network does. */
  run(signal: AbortSignal): Promise<void>;
}

export interface DeliveryState {
  readonly status: DeliveryStatus;
  readonly protocol: string;
  readonly backlog: { readonly snapshots: number; readonly oldestTimeMs?: number; readonly bytes: number };
  /** Samples the receiver took in this process' life, and those it never will, by reason. */
  readonly sent: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly failedRequests: number;
  readonly lastSuccessMs?: number;
  readonly lastDurationMs?: number;
  readonly lastFailure?: DeliveryFailure;
  /** When the next attempt after a failure is due, milliseconds since the Unix epoch. */
  readonly nextAttemptMs?: number;
  /** The receiver's clock minus ours. */
  readonly skewMs?: number;
}

/** Beyond every mistake about time zones: of two clocks that are further apart none is believed, and no sample is held back. */
export const mostSkewMs = 24 * 3_600_000;

export interface DeliveryFailure {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly code: string;
  /** One line, safe to print. */
  readonly reason: string;
}

/** A sink with where it stands in the configuration. */
export interface DeliveryReport {
  /** The sink's label in metrics and logs. */
  readonly sink: string;
  readonly type: Sink["type"];
  readonly path: string;
  readonly address: string;
  readonly state: DeliveryState;
}

/** What happens, as it happens, for counters. */
export interface DeliveryListener {
  requested(code: string, seconds: number): void;
  sent(samples: number): void;
  dropped(samples: number, reason: string): void;
}
