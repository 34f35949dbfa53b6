/**
 * One batch from its freezing to the verdict on it; whatever comes of it, the cursor says what still waits.
 *
 *     freeze ─► encode ─► send each body ─┬─ delivered, rejected ─► the next body; after the last one acknowledge, counted
 *                 ▲                       ├─ retry ───────────────► the same bytes again, after a backoff
 *                 │                       ├─ too_large ─► half as many snapshots; of a single one, the body in two halves
 *                 └───────────────────────┼─ switch ────► the same samples in the other protocol, frozen anew
 *                                         └─ refused ───► circuit: leave it alone
 */
import type { Cursor, SeqRange, StoredSnapshot } from "../journal/types.ts";
import type { Logger } from "../runtime/log.ts";
import { untilAccepted } from "../sink/answer.ts";
import { createDrops } from "../sink/drops.ts";
import type { Body, EncodedBatch, Outcome, Sink } from "../sink/sink.ts";
import type { Acceptance } from "./acceptance.ts";
import type { Account } from "./accounting.ts";
import type { Decided, Retry, Send } from "./send-chain.ts";
import type { BatchSize } from "./batch-size.ts";
import type { Doubt } from "./doubt.ts";
import { mayBeStored } from "./doubt.ts";
import type { Relation } from "./receiver-health.ts";
import type { Ledger } from "./types.ts";

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
  readonly acceptance: Acceptance;
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
type TooLarge = Extract<Outcome, { status: "too_large" }>;
/** Not one sample of the body has met its fate. */
type Undecided = Exclude<Decided, Delivered | Rejected>;

interface Decision {
  readonly body: Body;
  /** Too large: a single sample, which nothing can divide. */
  readonly decided: Delivered | Rejected | TooLarge;
}

const settled: Verdict = { status: "settled" };
const again: Verdict = { status: "again" };

/** A frozen batch on its way. */
interface Job {
  readonly snapshots: readonly StoredSnapshot[];
  readonly range: SeqRange;
  readonly protocol: string;
  readonly encoded: EncodedBatch;
  /** Bodies without an answer, in order. */
  readonly left: Body[];
  readonly decisions: Decision[];
  /** The receiver's limit, or ours, had bodies divided. */
  divided: boolean;
}

export function createDispatch(parts: DispatchParts): Dispatch {
  const { sink, cursor, ledger, relation, account, acceptance, size, doubt, log, attempt, onReached } = parts;
  let bugTold = false;
  /** What was interrupted after some of its bodies; it goes on where it was, unless another batch comes first. */
  let interrupted: Job | undefined;

  async function send(snapshots: readonly StoredSnapshot[], signal: AbortSignal): Promise<Verdict> {
    const job = resume(rangeOf(snapshots)) ?? begin(snapshots);
    if ("status" in job) return job;
    const verdict = await sendBodies(job, signal);
    if (verdict.status === "settled") conclude(job);
    else if (job.decisions.length > 0) {
      // Should another batch come first, the bodies before it come again with the rest.
      doubt.raise(job.range);
      interrupted = job;
    }
    return verdict;
  }

  function resume(range: SeqRange): Job | undefined {
    const job = interrupted;
    interrupted = undefined;
    const isSame =
      job?.range.firstSeq === range.firstSeq &&
      job.range.lastSeq === range.lastSeq &&
      job.protocol === ledger.protocol &&
      cursor.frozen()?.firstSeq === range.firstSeq;
    return isSame ? job : undefined;
  }

  function begin(snapshots: readonly StoredSnapshot[]): Job | Verdict {
    const range = rangeOf(snapshots);
    const { protocol } = ledger;
    const bodySamples = size.samples;
    cursor.freeze({ ...range, protocol, ...(bodySamples < Infinity && { bodySamples }) });
    const encoded = encode(snapshots, protocol);
    if (encoded === "bug") return shrink(snapshots, "encode_error");
    const { bodies } = encoded;
    if (snapshots.length > 1 && bodies.some(({ bytes }) => bytes.length > sink.maxBytes))
      return shrink(snapshots, "too_large");
    return { snapshots, range, protocol, encoded, left: [...bodies], decisions: [], divided: false };
  }

  /** Until nothing is left, or something stands in the way. */
  async function sendBodies(job: Job, signal: AbortSignal): Promise<Verdict> {
    const { left, decisions } = job;
    for (let body = left[0]; body !== undefined; body = left[0]) {
      if (isTooMuch(body, job) && divide(body, job)) continue;
      const decided = body.bytes.length > sink.maxBytes ? beyondLimit(body) : await ask(body, job, signal);
      if (decided.status === "too_large" && job.snapshots.length === 1) {
        size.tooManySamples(pointsOf(body));
        if (divide(body, job)) continue;
      } else if (decided.status !== "delivered" && decided.status !== "rejected")
        return standOff(decided, job.snapshots);
      if (decided.status === "delivered" && decided.rejected < pointsOf(body))
        acceptance.accepted(job.protocol);
      onReached();
      left.shift();
      decisions.push({ body, decided });
    }
    return settled;
  }

  function ask(body: Body, job: Job, signal: AbortSignal): Promise<Decided> {
    const send: Send = async (within) => {
      const result = await sink.send(body, job.protocol, within);
      return { ...result, outcome: withCaution(result.outcome, body, job) };
    };
    const terms: AttemptTerms = {
      worthwhile: () => cursor.frozen() !== undefined && !parts.tooOld(job.snapshots),
      onRetry(outcome) {
        if (mayBeStored(outcome)) doubt.raise(job.range);
      },
    };
    return attempt(send, terms, signal);
  }

  /** Nothing is lost to a receiver that has taken nothing yet, nor to mere words about a size. */
  function withCaution(outcome: Outcome, body: Body, { snapshots }: Job): Outcome {
    if (outcome.status !== "too_large")
      return acceptance.proven ? outcome : untilAccepted(outcome, pointsOf(body), sink.type);
    const isFinal = outcome.keep !== true && acceptance.proven;
    if (isFinal || snapshots.length > 1 || sink.halves?.(body) !== undefined) return outcome;
    const { code, reason } = outcome;
    return {
      status: "refused",
      code,
      reason: `${reason}; a single sample can't be made smaller, so it is kept`,
    };
  }

  function isTooMuch(body: Body, { snapshots }: Job): boolean {
    return (snapshots.length === 1 && pointsOf(body) > size.samples) || body.bytes.length > sink.maxBytes;
  }

  /** False where there is nothing left to divide. */
  function divide(body: Body, job: Job): boolean {
    const halves = sink.halves?.(body);
    if (halves === undefined) return false;
    job.left.splice(0, 1, ...halves);
    job.divided = true;
    return true;
  }

  function beyondLimit({ bytes }: Body): TooLarge {
    const reason = `body must have at most ${sink.maxBytes} bytes, got ${bytes.length}`;
    return { status: "too_large", code: "own_limit", reason };
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
      size.tooManySnapshots(snapshots.length);
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
        return keptOut(decided);
      case "switch":
        return switchTo(decided);
      case "aborted":
        return { status: "given_up" };
    }
  }

  function conclude({ range, encoded, decisions, divided }: Job): void {
    const resent = doubt.covers(range);
    const drops = createDrops();
    const reasons = new Set<string>();
    let sent = 0;
    for (const { body, decided } of decisions) {
      const reason = reasonOf(decided, resent);
      const refused = refusedBy(decided, body, resent);
      sent += body.samples - refused;
      drops.add(reason, refused);
      if (decided.status !== "delivered") reasons.add(reason);
    }
    const [reason, ...others] = reasons;
    const isTaken = decisions.some(({ decided }) => decided.status === "delivered");
    if (isTaken) size.delivered(divided);
    else if (reason !== undefined) {
      ledger.protocol = acceptance.best;
      if (others.length === 0) {
        account.discard(range, reason);
        return;
      }
    }
    for (const [other, samples] of Object.entries(encoded.dropped)) drops.add(other, samples);
    account.settle(range, { sent, dropped: drops.counts() });
  }

  /** Samples of the body that the receiver would not have; told in the log. */
  function refusedBy(decided: Decision["decided"], body: Body, resent: boolean): number {
    if (decided.status === "too_large") {
      log.error(`${sink.id} cannot take a single sample, it is too large: ${decided.reason}`, {
        code: decided.code,
      });
      return body.samples;
    }
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

  /** The receiver may know another protocol better than this one. */
  function keptOut({
    reason,
    code,
  }: Pick<Extract<Outcome, { status: "refused" }>, "reason" | "code">): Verdict {
    size.smallest();
    ledger.protocol = acceptance.best;
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

function reasonOf({ status }: Decision["decided"], resent: boolean): string {
  if (status === "too_large") return "too_large";
  return resent ? "rejected_resend" : "rejected";
}

/** Samples as the receiver counts them. */
function pointsOf({ samples, marks = 0 }: Body): number {
  return samples + marks;
}

const alreadyThere = ": most likely it holds the samples since the first time, whose answer was lost";

export function rangeOf(snapshots: readonly StoredSnapshot[]): SeqRange {
  return { firstSeq: snapshots[0]?.seq ?? 0, lastSeq: snapshots.at(-1)?.seq ?? -1 };
}
