/**
 * Owns one batch from its freezing to the verdict on it; whatever comes of it, the cursor tells what still waits.
 *
 *     freeze ─► encode ─► send each body ─┬─ delivered, rejected ─► the next body; after the last one acknowledge, counted
 *                 ▲                       ├─ retry ───────────────► the same bytes again, after a backoff
 *                 │                       ├─ too_large ─► half as much ┐
 *                 └───────────────────────┼─ switch ────► other protocol ┘ frozen anew
 *                                         └─ refused ───► circuit: leave it alone
 */
import type { Cursor, SeqRange, StoredSnapshot } from "../journal/types.ts";
import type { Logger } from "../runtime/log.ts";
import { createDrops } from "../sink/drops.ts";
import type { Body, EncodedBatch, Outcome, Sink } from "../sink/sink.ts";
import type { Account } from "./account.ts";
import type { Decided, Retry, Send } from "./attempt.ts";
import type { BatchSize } from "./batch-size.ts";
import type { Doubt } from "./doubt.ts";
import { mayBeStored } from "./doubt.ts";
import type { Relation } from "./relation.ts";
import type { Ledger } from "./state.ts";

export type Verdict =
  /** Delivered or dropped: on to the next. */
  | { readonly status: "settled" }
  /** The same samples at once, in smaller portions or in another protocol. */
  | { readonly status: "again" }
  | { readonly status: "stand_back"; readonly ms: number }
  /** Nobody waits for an answer any more. */
  | { readonly status: "given_up" };

export interface DispatchParts {
  readonly sink: Sink;
  readonly cursor: Cursor;
  readonly ledger: Ledger;
  readonly relation: Relation;
  readonly account: Account;
  readonly size: BatchSize;
  readonly doubt: Doubt;
  readonly log: Logger;
  /** How long to leave a receiver alone that sends us from one protocol to the other. */
  readonly disagreementMs: number;
  /** Asked before every retry, besides whether the batch is still owed. */
  readonly tooOld: (snapshots: readonly StoredSnapshot[]) => boolean;
  readonly attempt: (send: Send, terms: AttemptTerms, signal: AbortSignal) => Promise<Decided>;
  readonly onReached: () => void;
}

export interface AttemptTerms {
  readonly worthwhile: () => boolean;
  readonly onRetry: (outcome: Retry) => void;
}

export interface Dispatch {
  send(snapshots: readonly StoredSnapshot[], signal: AbortSignal): Promise<Verdict>;
  /** An empty request: settled when it was answered, and the receiver's time is known. */
  probe(signal: AbortSignal): Promise<Verdict>;
}

type Delivered = Extract<Outcome, { status: "delivered" }>;
type Rejected = Extract<Outcome, { status: "rejected" }>;
/** Not one sample of the body has met its fate. */
type Undecided = Exclude<Decided, Delivered | Rejected>;

interface Decision {
  readonly body: Body;
  readonly decided: Delivered | Rejected;
}

const settled: Verdict = { status: "settled" };
const again: Verdict = { status: "again" };

export function createDispatch(parts: DispatchParts): Dispatch {
  const { sink, cursor, ledger, relation, account, size, doubt, log, attempt, onReached } = parts;
  let bugTold = false;

  async function send(snapshots: readonly StoredSnapshot[], signal: AbortSignal): Promise<Verdict> {
    const range = rangeOf(snapshots);
    const { protocol } = ledger;
    cursor.freeze({ ...range, protocol });
    const encoded = encode(snapshots, protocol);
    if (encoded === "bug") return shrink(snapshots, "encode_error");
    const { bodies } = encoded;
    if (snapshots.length > 1 && bodies.some(({ bytes }) => bytes.length > sink.maxBytes))
      return shrink(snapshots, "too_large");
    const terms: AttemptTerms = {
      worthwhile: () => cursor.frozen() !== undefined && !parts.tooOld(snapshots),
      onRetry(outcome) {
        if (mayBeStored(outcome)) doubt.raise(range);
      },
    };
    const decisions: Decision[] = [];
    for (const body of bodies) {
      const decided = await attempt((within) => sink.send(body, protocol, within), terms, signal);
      if (decided.status !== "delivered" && decided.status !== "rejected") {
        // The bodies before it come again with the rest.
        if (decisions.length > 0) doubt.raise(range);
        return standOff(decided, snapshots);
      }
      onReached();
      decisions.push({ body, decided });
    }
    conclude(range, encoded, decisions);
    return settled;
  }

  /** A bug costs the snapshots that bring it to light, and no others. */
  function encode(snapshots: readonly StoredSnapshot[], protocol: string): EncodedBatch | "bug" {
    try {
      const encoded = sink.encode({ snapshots }, protocol);
      bugTold = false;
      return encoded;
    } catch (error) {
      if (!bugTold) log.error(`cannot encode a batch for ${sink.id}`, { error });
      bugTold = true;
      return "bug";
    }
  }

  /** Half as much next time; what is too much alone will never be delivered. */
  function shrink(snapshots: readonly StoredSnapshot[], reason: string): Verdict {
    if (snapshots.length > 1) {
      size.tooLarge(snapshots.length);
      return again;
    }
    account.discard(rangeOf(snapshots), reason);
    return settled;
  }

  function standOff(decided: Undecided, snapshots: readonly StoredSnapshot[]): Verdict {
    switch (decided.status) {
      case "too_large":
        return shrink(snapshots, "too_large");
      case "refused":
        size.smallest();
        return keptOut(decided);
      case "switch":
        return switchTo(decided);
      case "aborted":
        return { status: "given_up" };
    }
  }

  function conclude(range: SeqRange, { dropped }: EncodedBatch, decisions: readonly Decision[]): void {
    const resent = doubt.covers(range);
    const reason = resent ? "rejected_resend" : "rejected";
    const drops = createDrops();
    let sent = 0;
    for (const { body, decided } of decisions) {
      const refused = refusedBy(decided, body, resent);
      sent += body.samples - refused;
      drops.add(reason, refused);
    }
    if (decisions.some(({ decided }) => decided.status === "delivered")) size.delivered();
    else if (decisions.length > 0) {
      account.discard(range, reason);
      return;
    }
    for (const [other, samples] of Object.entries(dropped)) drops.add(other, samples);
    account.settle(range, { sent, dropped: drops.counts() });
  }

  /** Samples of the body that the receiver would not have; told in the log. */
  function refusedBy(decided: Delivered | Rejected, body: Body, resent: boolean): number {
    if (decided.status === "rejected") {
      const { reason, code } = decided;
      if (resent) log.info(`${sink.id} rejected a batch sent again${alreadyThere}`, { reason, code });
      else log.error(`${sink.id} rejected ${body.samples} samples: ${reason}`, { code });
      return body.samples;
    }
    const { rejected, reason } = decided;
    if (resent && rejected > 0)
      log.info(`${sink.id} took a part of a batch sent again${alreadyThere}`, { rejected, reason });
    else if (reason !== undefined)
      log.warn(`${sink.id} ${rejected > 0 ? "took a part only" : "took it with a warning"}: ${reason}`, {
        rejected,
      });
    return Math.min(rejected, body.samples);
  }

  function keptOut({ reason, code }: Extract<Outcome, { status: "refused" }>): Verdict {
    return { status: "stand_back", ms: relation.refused(reason, code) };
  }

  function switchTo({ protocol, reason }: Extract<Outcome, { status: "switch" }>): Verdict {
    return relation.switchTo(protocol, reason) ? again : { status: "stand_back", ms: parts.disagreementMs };
  }

  return {
    send,
    async probe(signal) {
      const send: Send = (within) => sink.probe(ledger.protocol, within);
      const decided = await attempt(send, { worthwhile: () => true, onRetry: () => undefined }, signal);
      switch (decided.status) {
        case "delivered":
          onReached();
          return settled;
        case "rejected":
        case "too_large":
          // A receiver that dislikes an empty request may still like a full one.
          return settled;
        case "refused":
          return keptOut(decided);
        case "switch":
          return switchTo(decided);
        case "aborted":
          return { status: "given_up" };
      }
    },
  };
}

const alreadyThere = ": most likely it holds the samples since the first time, whose answer was lost";

export function rangeOf(snapshots: readonly StoredSnapshot[]): SeqRange {
  return { firstSeq: snapshots[0]?.seq ?? 0, lastSeq: snapshots.at(-1)?.seq ?? -1 };
}
