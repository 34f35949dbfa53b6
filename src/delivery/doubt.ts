/**
 * Remembers what may be stored already: a request whose answer never came is sent again, and a Prometheus
 * without an out-of-order window refuses the samples that it holds.
 */
import { touches } from "../journal/ranges.ts";
import type { Cursor, SeqRange } from "../journal/types.ts";
import type { Retry } from "./send-chain.ts";

export interface Doubt {
  /** The receiver may have stored this. */
  raise(range: SeqRange): void;
  /** Whether any of `range` may be there already. */
  covers(range: SeqRange): boolean;
}

/** What was frozen before this process may have been sent by the one before. */
export function createDoubt(cursor: Cursor): Doubt {
  let doubtful: SeqRange | undefined = cursor.frozen();
  return {
    raise(range) {
      doubtful = range;
    },
    covers: (range) => doubtful !== undefined && touches([doubtful], range),
  };
}

/** A receiver that is too busy did not store anything; of every other failure nobody knows. */
export function mayBeStored({ code }: Retry): boolean {
  return code !== "429";
}
