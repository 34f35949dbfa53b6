/** Owns what became of every sample of a sink: delivered = sent + left out + rejected, each counted once. */
import type { Cursor, SeqRange } from "../journal/types.ts";
import type { EncodedBatch } from "../sink/sink.ts";
import type { DeliveryListener, Ledger } from "./state.ts";

/** Samples of a batch that the receiver would not have. */
export interface Refusal {
  readonly samples: number;
  readonly reason: string;
}

export interface Account {
  /** The receiver took the batch, those refused excepted; without a body the encoder left nothing of it. */
  settle(range: SeqRange, body: EncodedBatch | undefined, refusal?: Refusal): void;
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
    settle(range, body, refusal) {
      const left = createAllowance(cursor.acknowledge(range).samples);
      if (body === undefined) {
        countDropped(left.all(), "relabel");
        return;
      }
      const refused = Math.min(refusal?.samples ?? 0, body.samples);
      const taken = left.take(body.samples - refused);
      ledger.sent += taken;
      listener.sent(taken);
      countDropped(left.take(refused), refusal?.reason ?? "rejected");
      for (const [reason, samples] of Object.entries(body.dropped)) countDropped(left.take(samples), reason);
    },
    discard: (range, reason) => countDropped(cursor.discard(range, reason).samples, reason),
  };
}

/**
 * The journal may have given up a part of the batch, or all of it, while the request was under way, and has counted that
 * as its own loss: no more is told here than was still owed.
 */
function createAllowance(samples: number) {
  let left = samples;
  function take(wanted: number): number {
    const taken = Math.min(wanted, left);
    left -= taken;
    return taken;
  }
  return { take, all: () => take(left) };
}
