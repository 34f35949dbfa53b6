/** Counts what became of every sample of a sink: delivered = sent + left out + rejected, each counted once. */
import type { Cursor, SeqRange } from "../journal/types.ts";
import type { Sink } from "../sink/sink.ts";
import type { DeliveryListener, Ledger } from "./types.ts";

/** What became of the samples of a batch. */
export interface Fate {
  /** Taken by the receiver. */
  readonly sent: number;
  /** Left out or refused, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

export interface Account {
  /** Every sample of the batch has met its fate. */
  settle(range: SeqRange, fate: Fate): void;
  /** The batch will never be delivered. */
  discard(range: SeqRange, reason: string): void;
}

export function createAccount(
  cursor: Cursor,
  ledger: Ledger,
  listener: DeliveryListener,
  memory?: Sink["memory"],
): Account {
  function countDropped(samples: number, reason: string): void {
    if (samples === 0) return;
    ledger.dropped[reason] = (ledger.dropped[reason] ?? 0) + samples;
    listener.dropped(samples, reason);
  }

  return {
    settle(range, { sent, dropped }) {
      // In one tick, so that both are written in one transaction.
      if (memory !== undefined || cursor.notes().memory !== undefined)
        cursor.note({ memory: memory?.save() ?? "" });
      const take = createAllowance(cursor.acknowledge(range).samples);
      const taken = take(sent);
      ledger.sent += taken;
      listener.sent(taken);
      for (const [reason, samples] of Object.entries(dropped)) countDropped(take(samples), reason);
    },
    discard: (range, reason) => countDropped(cursor.discard(range, reason).samples, reason),
  };
}

/**
 * The journal may have given up a part of the batch, or all of it, while the request was under way, and has counted that
 * as its own loss: no more is told here than was still owed.
 */
function createAllowance(samples: number): (wanted: number) => number {
  let left = samples;
  return (wanted) => {
    const taken = Math.min(wanted, left);
    left -= taken;
    return taken;
  };
}
