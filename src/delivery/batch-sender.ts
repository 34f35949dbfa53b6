/**
 * Sends one batch: freezes it, encodes it, sends its bodies and settles what became of each sample. The cursor keeps what still waits.
 *
 *     freeze ─► encode ─► send each body ─┬─ delivered, rejected ─► the next body; after the last one acknowledge, counted
 *                 ▲                       ├─ retry ───────────────► the same bytes again, after a backoff
 *                 │                       ├─ too_large ─► half as many snapshots; of a single one, the body in two halves
 *                 └───────────────────────┼─ switch ────► the same samples in the other protocol, frozen anew
 *                                         └─ refused ───► leave the receiver alone, keep the batch
 */
import { touches } from "../journal/ranges.ts";
import type { Cursor, SeqRange, StoredSnapshot } from "../journal/types.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { untilAccepted } from "../sink/answer.ts";
import { createDrops, type Body, type EncodedBatch, type Outcome, type Sink } from "../sink/sink.ts";
import { createBatchAccount, type Accounting, type BatchAccount } from "./accounting.ts";
import { createBatchSize, type BatchSize } from "./batch-selection.ts";
import type { ReceiverHealth } from "./receiver-health.ts";
import type { Decided, Send, SendChain } from "./send-chain.ts";

export type Verdict =
  /** Delivered or dropped: on to the next. */
  | { readonly status: "settled" }
  /** The same samples at once, in smaller portions or in another protocol. */
  | { readonly status: "again" }
  | { readonly status: "stand_back"; readonly ms: number }
  /** There was no time to get an answer, or no need. */
  | { readonly status: "given_up" };

interface BatchSenderDeps {
  readonly sink: Sink;
  readonly cursor: Cursor;
  readonly health: ReceiverHealth;
  readonly accounting: Accounting;
  readonly request: SendChain;
  /** Snapshots older than this are dropped instead of sent; 0 sends everything. */
  readonly ageLimitMs: number;
  readonly clock: Clock;
  readonly log: Logger;
}

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

interface Decision {
  readonly body: Body;
  /** Too large: a single sample, which nothing can divide. */
  readonly decided: Extract<Outcome, { status: "delivered" | "rejected" | "too_large" }>;
}

const settled: Verdict = { status: "settled" };
const again: Verdict = { status: "again" };

export function createBatchSender(deps: BatchSenderDeps): BatchSender {
  return new BatchSender(deps);
}

export type { BatchSender };

class BatchSender {
  readonly #deps: BatchSenderDeps;
  readonly #account: BatchAccount;
  readonly #size: BatchSize;
  /**
   * What the receiver may hold already: sent without an answer, or frozen before this process, which may have sent it. A Prometheus
   * without an out-of-order window refuses what it holds, and then nothing is lost.
   */
  #maybeStored: SeqRange | undefined;
  /** A batch that was interrupted after some of its bodies goes on where it was, unless another one comes first. */
  #interrupted: Job | undefined;
  /** A bug in encoding is logged once, until a batch can be encoded again. */
  #encodingFails = false;

  constructor(deps: BatchSenderDeps) {
    this.#deps = deps;
    this.#account = createBatchAccount(deps.sink, deps.cursor, deps.accounting);
    this.#maybeStored = deps.cursor.frozen();
    this.#size = createBatchSize(deps.cursor.frozen()?.bodySamples);
  }

  /** Most snapshots in the next batch. */
  get maxSnapshots(): number {
    return this.#size.snapshots;
  }

  /** An empty request: settled when it was answered, and the receiver's time is known. */
  async probe(signal: AbortSignal): Promise<Verdict> {
    const { sink, health, request } = this.#deps;
    const decided = await request((within) => sink.probe(health.protocol, within), signal);
    switch (decided.status) {
      case "delivered":
        health.reached();
        return settled;
      case "rejected":
      case "too_large":
        // A receiver that dislikes an empty request may still like a full one.
        return settled;
      default:
        return this.#standBack(decided);
    }
  }

  async send(snapshots: readonly StoredSnapshot[], signal: AbortSignal): Promise<Verdict> {
    if (this.#dropTooOld(snapshots)) return again;
    const job = this.#resume(batchRange(snapshots)) ?? this.#begin(snapshots);
    if ("status" in job) return job;
    const verdict = await this.#sendBodies(job, signal);
    if (verdict.status === "settled") this.#conclude(job);
    else if (job.decisions.length > 0) {
      // Should another batch come first, the bodies before it come again with the rest.
      this.#maybeStored = job.range;
      this.#interrupted = job;
    }
    return verdict;
  }

  #dropTooOld(snapshots: readonly StoredSnapshot[]): boolean {
    const old = snapshots.filter((one) => this.#isTooOld(one));
    for (const snapshot of old) this.#account.discard(batchRange([snapshot]), "too_old");
    return old.length > 0;
  }

  #isTooOld({ time }: StoredSnapshot): boolean {
    const { ageLimitMs, clock } = this.#deps;
    return ageLimitMs > 0 && clock.now() - time > ageLimitMs;
  }

  #resume(range: SeqRange): Job | undefined {
    const { cursor, health } = this.#deps;
    const job = this.#interrupted;
    this.#interrupted = undefined;
    const isSame =
      job?.range.firstSeq === range.firstSeq &&
      job.range.lastSeq === range.lastSeq &&
      job.protocol === health.protocol &&
      cursor.frozen()?.firstSeq === range.firstSeq;
    return isSame ? job : undefined;
  }

  #begin(snapshots: readonly StoredSnapshot[]): Job | Verdict {
    const { sink, cursor, health } = this.#deps;
    const { protocol } = health;
    const { samples: bodySamples } = this.#size;
    const range = batchRange(snapshots);
    cursor.freeze({ ...range, protocol, ...(bodySamples < Infinity && { bodySamples }) });
    const encoded = this.#encode(snapshots, protocol);
    if (encoded === "failed") return this.#shrink(snapshots, "encode_error");
    const { bodies } = encoded;
    if (snapshots.length > 1 && bodies.some(({ bytes }) => bytes.length > sink.maxBytes))
      return this.#shrink(snapshots, "too_large");
    return { snapshots, range, protocol, encoded, left: [...bodies], decisions: [], divided: false };
  }

  /** A bug costs the snapshots that bring it to light, and no others. */
  #encode(snapshots: readonly StoredSnapshot[], protocol: string): EncodedBatch | "failed" {
    const { sink, log } = this.#deps;
    try {
      const encoded = sink.encode({ snapshots }, protocol);
      this.#encodingFails = false;
      return encoded;
    } catch (error) {
      if (!this.#encodingFails) log.error(`cannot encode a batch for ${sink.id}`, { error });
      this.#encodingFails = true;
      return "failed";
    }
  }

  /** Until nothing is left, or something stands in the way. */
  async #sendBodies(job: Job, signal: AbortSignal): Promise<Verdict> {
    const { left, decisions, snapshots } = job;
    const { sink, health } = this.#deps;
    for (let body = left[0]; body !== undefined; body = left[0]) {
      const isTooLong = body.bytes.length > sink.maxBytes;
      const isTooMuch = snapshots.length === 1 && pointsOf(body) > this.#size.samples;
      if ((isTooLong || isTooMuch) && this.#divide(body, job)) continue;
      const decided = isTooLong ? beyondLimit(body, sink.maxBytes) : await this.#request(body, job, signal);
      if (decided.status === "too_large") {
        if (snapshots.length > 1) return this.#shrink(snapshots, "too_large");
        this.#size.tooManySamples(pointsOf(body));
        if (this.#divide(body, job)) continue;
      } else if (decided.status !== "delivered" && decided.status !== "rejected")
        return this.#standBack(decided);
      if (decided.status === "delivered" && decided.rejected < pointsOf(body)) health.accept(job.protocol);
      health.reached();
      left.shift();
      decisions.push({ body, decided });
    }
    return settled;
  }

  /** False where there is nothing left to divide. */
  #divide(body: Body, job: Job): boolean {
    const halves = this.#deps.sink.halves?.(body);
    if (halves === undefined) return false;
    job.left.splice(0, 1, ...halves);
    job.divided = true;
    return true;
  }

  #request(body: Body, job: Job, signal: AbortSignal): Promise<Decided> {
    const { sink, cursor, request } = this.#deps;
    const send: Send = async (within) => {
      const result = await sink.send(body, job.protocol, within);
      const outcome = this.#cautious(result.outcome, body, job);
      if (outcome.status === "retry" && outcome.notStored !== true) this.#maybeStored = job.range;
      return { ...result, outcome };
    };
    const isWanted = (): boolean =>
      cursor.frozen() !== undefined && !job.snapshots.some((one) => this.#isTooOld(one));
    return request(send, signal, isWanted);
  }

  /** No sample is dropped at a receiver that has taken none yet, nor for a size that only its message speaks of. */
  #cautious(outcome: Outcome, body: Body, { snapshots }: Job): Outcome {
    const { sink, health } = this.#deps;
    if (outcome.status !== "too_large")
      return health.proven ? outcome : untilAccepted(outcome, pointsOf(body), sink.type);
    const isFinal = outcome.keep !== true && health.proven;
    if (isFinal || snapshots.length > 1 || sink.halves?.(body) !== undefined) return outcome;
    const { code, reason } = outcome;
    return {
      status: "refused",
      code,
      reason: `${reason}; a single sample can't be made smaller, so it is kept`,
    };
  }

  /** Half as many snapshots next time; a single one is discarded. */
  #shrink(snapshots: readonly StoredSnapshot[], reason: string): Verdict {
    if (snapshots.length > 1) {
      this.#size.tooManySnapshots(snapshots.length);
      return again;
    }
    this.#account.discard(batchRange(snapshots), reason);
    return settled;
  }

  #standBack(decided: Exclude<Decided, Decision["decided"]>): Verdict {
    const { health } = this.#deps;
    switch (decided.status) {
      case "refused":
        this.#size.smallest();
        return { status: "stand_back", ms: health.refused(decided) };
      case "switch": {
        const ms = health.switchTo(decided);
        return ms === 0 ? again : { status: "stand_back", ms };
      }
      case "aborted":
        return { status: "given_up" };
    }
  }

  /** Every body has its answer: the batch is acknowledged, or discarded where nothing of it was taken. */
  #conclude({ range, encoded, decisions, divided }: Job): void {
    const resent = this.#maybeStored !== undefined && touches([this.#maybeStored], range);
    const drops = createDrops();
    const reasons = new Set<string>();
    let sent = 0;
    for (const decision of decisions) {
      const { body, decided } = decision;
      const reason = reasonOf(decided, resent);
      const refused = this.#refusedBy(decision, resent);
      sent += body.samples - refused;
      drops.add(reason, refused);
      if (decided.status !== "delivered") reasons.add(reason);
    }
    const [reason, ...others] = reasons;
    if (decisions.some(({ decided }) => decided.status === "delivered")) this.#size.delivered(divided);
    else if (reason !== undefined) {
      this.#deps.health.fallBack();
      if (others.length === 0) {
        this.#account.discard(range, reason);
        return;
      }
    }
    for (const [other, samples] of Object.entries(encoded.dropped)) drops.add(other, samples);
    this.#account.settle(range, sent, drops.counts());
  }

  /** Logs what the receiver would not have of a body; the number of its samples. */
  #refusedBy({ body, decided }: Decision, resent: boolean): number {
    const { sink, log } = this.#deps;
    const { status, code, reason = "" } = decided;
    const refused = status === "delivered" ? Math.min(decided.rejected, body.samples) : body.samples;
    const fields = { code, rejected: refused };
    if (status === "too_large")
      log.error(`${sink.id} cannot take a single sample, it is too large: ${reason}`, fields);
    else if (resent && refused > 0)
      log.info(`${sink.id} rejected samples sent again, most likely it has them: ${reason}`, fields);
    else if (status === "rejected") log.error(`${sink.id} rejected ${refused} samples: ${reason}`, fields);
    else if (refused > 0) log.warn(`${sink.id} took a part only: ${reason}`, fields);
    else if (reason !== "") log.warn(`${sink.id} took it with a warning: ${reason}`, fields);
    return refused;
  }
}

function beyondLimit({ bytes }: Body, maxBytes: number): Extract<Outcome, { status: "too_large" }> {
  const reason = `body must have at most ${maxBytes} bytes, got ${bytes.length}`;
  return { status: "too_large", code: "own_limit", reason };
}

function reasonOf({ status }: Decision["decided"], resent: boolean): string {
  if (status === "too_large") return "too_large";
  return resent ? "rejected_resend" : "rejected";
}

/** Samples as the receiver counts them. */
function pointsOf({ samples, marks = 0 }: Body): number {
  return samples + marks;
}

export function batchRange(snapshots: readonly StoredSnapshot[]): SeqRange {
  return { firstSeq: snapshots[0]?.seq ?? 0, lastSeq: snapshots.at(-1)?.seq ?? -1 };
}
