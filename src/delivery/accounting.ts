/** Counts what became of the requests and samples of one sink, for its state and for the agent's own metrics. */
import type { Clock } from "../runtime/clock.ts";
import type { SendResult } from "../sink/sink.ts";
import type { DeliveryListener, DeliveryState } from "./types.ts";

/** The part of a DeliveryState that is counted here. */
type Counts = Omit<DeliveryState, "status" | "protocol" | "backlog">;

export interface Accounting {
  /** A copy for readers. */
  counts(): Counts;
  requested(result: SendResult): void;
  sent(samples: number): void;
  dropped(samples: number, reason: string): void;
  /** By the wall clock; absent when no attempt is waited for. */
  expectAttempt(atMs?: number): void;
  /** The receiver's time is not known any more. */
  forgetSkew(): void;
}

export function createAccounting(listener: DeliveryListener, clock: Clock): Accounting {
  const dropped: Record<string, number> = {};
  const counts: { -readonly [Key in keyof Counts]: Counts[Key] } = { sent: 0, dropped, failedRequests: 0 };

  return {
    counts: () => ({ ...counts, dropped: { ...dropped } }),
    requested({ outcome, durationMs, skewMs }) {
      listener.requested(outcome.code, durationMs / 1000);
      counts.lastDurationMs = durationMs;
      delete counts.nextAttemptMs;
      if (skewMs !== undefined) counts.skewMs = skewMs;
      if (outcome.status === "delivered") {
        counts.lastSuccessMs = clock.now();
      } else {
        counts.failedRequests++;
        counts.lastFailure = { time: clock.now(), code: outcome.code, reason: outcome.reason };
      }
    },
    sent(samples) {
      counts.sent += samples;
      listener.sent(samples);
    },
    dropped(samples, reason) {
      if (samples === 0) return;
      dropped[reason] = (dropped[reason] ?? 0) + samples;
      listener.dropped(samples, reason);
    },
    expectAttempt(atMs) {
      if (atMs === undefined) delete counts.nextAttemptMs;
      else counts.nextAttemptMs = atMs;
    },
    forgetSkew() {
      delete counts.skewMs;
    },
  };
}
