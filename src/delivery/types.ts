/** What delivery reports about one sink: for the agent's own metrics, the page and the log. */
import type { Sink } from "../sink/sink.ts";

/**
 *     starting ─► ok ⇄ draining        ok: all is delivered but the last few seconds
 *        │         ⇅                   retrying: the receiver or the network fails for now
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

export interface DeliveryFailure {
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly code: string;
  /** One line, safe to print. */
  readonly reason: string;
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

/** The changing side of a DeliveryState; one owner, the delivery of its sink. */
export interface Ledger {
  status: DeliveryStatus;
  protocol: string;
  sent: number;
  readonly dropped: Record<string, number>;
  failedRequests: number;
  lastSuccessMs: number | undefined;
  lastDurationMs: number | undefined;
  lastFailure: DeliveryFailure | undefined;
  nextAttemptMs: number | undefined;
  skewMs: number | undefined;
}

export function createLedger(protocol: string): Ledger {
  return {
    status: "starting",
    protocol,
    sent: 0,
    dropped: {},
    failedRequests: 0,
    lastSuccessMs: undefined,
    lastDurationMs: undefined,
    lastFailure: undefined,
    nextAttemptMs: undefined,
    skewMs: undefined,
  };
}

/** A copy for readers; what is not known yet is absent. */
export function stateOf(ledger: Ledger, backlog: DeliveryState["backlog"]): DeliveryState {
  const { lastSuccessMs, lastDurationMs, lastFailure, nextAttemptMs, skewMs, ...known } = ledger;
  return {
    ...known,
    dropped: { ...ledger.dropped },
    backlog,
    ...(lastSuccessMs !== undefined && { lastSuccessMs }),
    ...(lastDurationMs !== undefined && { lastDurationMs }),
    ...(lastFailure !== undefined && { lastFailure }),
    ...(nextAttemptMs !== undefined && { nextAttemptMs }),
    ...(skewMs !== undefined && { skewMs }),
  };
}
