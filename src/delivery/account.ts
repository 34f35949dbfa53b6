/** Owns what became of every sample of a sink: delivered = sent + left out + rejected, each counted once. */
import type { Cursor, SeqRange } from "../journal/types.ts";
import type { EncodedBatch } from "../sink/sink.ts";
import type { DeliveryListener, Ledger } from "./state.ts";

export interface Account {
  /** The receiver took the batch, `rejected` of its samples excepted; without a body the encoder left nothing of it. */
  settle(range: SeqRange, body: EncodedBatch | undefined, rejected: number): void;
  /** The batch will never be delivered. */
  discard(range: SeqRange, reason: string): void;
}

export function createAccount(cursor: Cursor, ledger: Ledger, listener: DeliveryListener): Account {
  function countDropped(samples: number, reason: string): void {
    if (samples === 0) return;
    ledger.dropped[reason] = (ledger.dropped[reason] ?? 0) + samples;
    listener.dropped(samples, reason);
  }

  return {
    settle(range, body, rejected) {
      const { samples } = cursor.acknowledge(range);
      // The journal may have given the batch up, and counted it, while the request was under way.
      if (samples === 0) return;
      if (body === undefined) {
        countDropped(samples, "relabel");
        return;
      }
      const refused = Math.min(rejected, body.samples);
      ledger.sent += body.samples - refused;
      listener.sent(body.samples - refused);
      countDropped(refused, "rejected");
      for (const [reason, leftOut] of Object.entries(body.dropped)) countDropped(leftOut, reason);
    },
    discard: (range, reason) => countDropped(cursor.discard(range, reason).samples, reason),
  };
}
