/** Counts what became of the requests and samples of one sink, for its state and for the agent's own metrics. */
import type { Cursor, SeqRange } from "../journal/types.ts";
import type { Clock } from "../runtime/clock.ts";
import type { SendResult, Sink } from "../sink/sink.ts";
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

/** Ends what a cursor waits for, and counts each sample of it once: delivered = sent + left out + rejected. */
export interface BatchAccount {
  /** So many samples of the batch were sent, the others left out or rejected, by reason. */
  settle(range: SeqRange, sent: number, dropped: Readonly<Record<string, number>>): void;
  /** Nothing of the batch will be delivered. */
  discard(range: SeqRange, reason: string): void;
}

export function createBatchAccount(
  { memory }: Pick<Sink, "memory">,
  cursor: Cursor,
  accounting: Accounting,
): BatchAccount {
  return {
    settle(range, sent, dropped) {
      const remembers = memory !== undefined || cursor.notes().memory !== undefined;
      const changes = remembers ? { memory: memory?.save() ?? "" } : {};
      // The journal may have given up some of the batch during the request, and has counted that as its own loss.
      let owed = cursor.acknowledge(range, changes).samples;
      const take = (samples: number): number => {
        const taken = Math.min(samples, owed);
        owed -= taken;
        return taken;
      };
      accounting.sent(take(sent));
      for (const [reason, samples] of Object.entries(dropped)) accounting.dropped(take(samples), reason);
    },
    discard: (range, reason) => accounting.dropped(cursor.discard(range, reason).samples, reason),
  };
}
