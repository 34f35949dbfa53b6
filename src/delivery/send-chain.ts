/** Sends one request until it is decided: telemetry around each try, retry around telemetry, the timeout inside the sink's client. */
import type { Backoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Outcome, SendResult } from "../sink/sink.ts";
import type { Pause } from "./wakeable-timer.ts";
import type { DeliveryListener, Ledger } from "./types.ts";

export type Send = (signal: AbortSignal) => Promise<SendResult>;

export type Retry = Extract<Outcome, { status: "retry" }>;

/** An outcome that ends the attempt; `aborted` when there was no time to get one, or no need. */
export type Decided = Exclude<Outcome, Retry> | { readonly status: "aborted" };

/** Notes every try in the ledger and tells the listener. */
export function withTelemetry(send: Send, ledger: Ledger, listener: DeliveryListener, clock: Clock): Send {
  return async (signal) => {
    const result = await send(signal);
    const { outcome, durationMs, skewMs } = result;
    listener.requested(outcome.code, durationMs / 1000);
    ledger.lastDurationMs = durationMs;
    ledger.nextAttemptMs = undefined;
    if (skewMs !== undefined) ledger.skewMs = skewMs;
    if (outcome.status === "delivered") {
      ledger.lastSuccessMs = clock.now();
    } else {
      ledger.failedRequests++;
      ledger.lastFailure = { time: clock.now(), code: outcome.code, reason: outcome.reason };
    }
    return result;
  };
}

export interface RetryTerms {
  readonly backoff: Backoff;
  readonly pause: Pause;
  readonly clock: Clock;
  readonly ledger: Ledger;
  /** Asked before every further try: false ends the attempt, as when nobody waits for the batch any more. */
  readonly worthwhile: () => boolean;
  /** Whether there is no time to wait before a further try. */
  readonly hurried: () => boolean;
  readonly onRetry: (outcome: Retry, waitMs: number) => void;
}

/** The identical request again until it is decided; a nudge (wake, shutdown) ends a wait early, and a shutdown allows one last try. */
export function withRetry(send: Send, terms: RetryTerms): (signal: AbortSignal) => Promise<Decided> {
  const { backoff, pause, worthwhile, hurried, onRetry } = terms;
  return async (signal) => {
    const isAborted = (): boolean => signal.aborted;
    while (!isAborted()) {
      const { outcome } = await send(signal);
      if (outcome.status !== "retry") return outcome;
      // What failed because it was called off says nothing about the receiver.
      if (isAborted()) break;
      const waitMs = outcome.afterMs ?? backoff.next();
      onRetry(outcome, waitMs);
      if (!worthwhile()) break;
      if (!hurried()) await waitForNext(pause, waitMs, terms, signal);
      if (!worthwhile()) break;
    }
    return { status: "aborted" };
  };
}

/** Waits, and lets everybody know until when. */
export async function waitForNext(
  pause: Pause,
  ms: number,
  { clock, ledger }: Pick<RetryTerms, "clock" | "ledger">,
  signal: AbortSignal,
): Promise<void> {
  ledger.nextAttemptMs = clock.now() + ms;
  await pause.wait(signal, ms);
  ledger.nextAttemptMs = undefined;
}
