/**
 * Owns the loop that moves one sink's cursor: nothing but its own receiver can delay it.
 *
 *     wait ─► pick ─► freeze ─► encode ─► send ─┬─ delivered ─► acknowledge
 *      ▲                          ▲             ├─ retry ─────► the same bytes again, after a backoff
 *      │                          │             ├─ rejected ──► discard, counted
 *      │                          │             ├─ too_large ─► half as much ┐
 *      │                          └─────────────┼─ switch ────► other protocol ┘ frozen anew
 *      └────────────────────────────────────────┴─ refused ───► circuit: leave it alone, then probe
 */
import { touches } from "../journal/ranges.ts";
import type { Cursor, SeqRange, StoredSnapshot } from "../journal/types.ts";
import { createBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { Pacing } from "../sink/pacing.ts";
import type { EncodedBatch, Sink } from "../sink/sink.ts";
import { createAccount } from "./account.ts";
import { createBatchSize } from "./batch-size.ts";
import { withRetry, withTelemetry, type Decided, type Send } from "./attempt.ts";
import { newestSendable } from "./clock-guard.ts";
import { createDrainPace } from "./drain.ts";
import { createPause } from "./pause.ts";
import { pickBatch } from "./pick.ts";
import { createRelation } from "./relation.ts";
import { createLedger, stateOf, type DeliveryListener, type DeliveryState } from "./state.ts";

export interface DeliveryOptions {
  readonly sink: Sink;
  readonly cursor: Cursor;
  readonly pacing: Extract<Pacing, { kind: "history" }>;
  readonly listener: DeliveryListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface Delivery {
  readonly sink: string;
  state(): DeliveryState;
  /** Something was appended to the journal. */
  notify(): void;
  /** The machine woke: new connections, a fresh backoff, and a random delay before the backlog. */
  woke(): void;
  /** Delivers what waits without waiting for anything, and ends at the first failure; `run` resolves then. */
  finish(): void;
  /** Until the signal aborts or `finish` is done; never rejects for what a receiver or the network does. */
  run(signal: AbortSignal): Promise<void>;
}

/** At most this long between wake, or the end of a long outage, and the backlog's first batch. */
const herdMs = 30_000;
/** An outage after which a whole fleet may come back at once. */
const longOutageMs = 5 * 60_000;
/** How often snapshots that are ahead of the receiver's clock are looked at. */
const heldRecheckMs = 30_000;

export function createDelivery(options: DeliveryOptions): Delivery {
  const { sink, cursor, pacing, listener, clock, random, log } = options;
  const ledger = createLedger(cursor.frozen()?.protocol ?? sink.protocols[0]);
  const backoff = createBackoff(random, { minMs: pacing.minBackoffMs, maxMs: pacing.maxBackoffMs });
  const relation = createRelation(sink.id, { ledger, backoff, clock, log });
  const account = createAccount(cursor, ledger, listener);
  const pace = createDrainPace(pacing.drainRate);
  /** Ended by new snapshots; a wait for the receiver's sake is not. */
  const idle = createPause(clock);
  const patience = createPause(clock);
  let finishing = false;
  /** Since when something waits that no batch has picked up yet, by the monotonic clock; absent when nothing does. */
  let waitingSince: number | undefined;
  let deliveredSeq = -1;
  const size = createBatchSize();

  /** One request, told and retried; see attempt.ts for what wraps what. */
  function attempt(send: Send, signal: AbortSignal, worthwhile: () => boolean): Promise<Decided> {
    return withRetry(withTelemetry(send, ledger, listener, clock), {
      backoff,
      pause: patience,
      clock,
      ledger,
      worthwhile: () => !finishing && worthwhile(),
      onRetry: ({ reason, code }, waitMs) => relation.failed(reason, code, waitMs),
    })(signal);
  }

  /** True once the receiver may be sent to: it answered an empty request, and so told its time. */
  async function probe(signal: AbortSignal): Promise<boolean> {
    const decided = await attempt(
      (within) => sink.probe(ledger.protocol, within),
      signal,
      () => true,
    );
    switch (decided.status) {
      case "delivered":
        succeeded();
        return true;
      case "switch":
        if (!relation.switchTo(decided.protocol, decided.reason))
          await standBack(pacing.maxBackoffMs, signal);
        return false;
      case "refused":
        await standBack(relation.refused(decided.reason, decided.code), signal);
        return false;
      case "rejected":
      case "too_large":
        // A receiver that dislikes an empty request may still like a full one.
        return true;
      case "aborted":
        return false;
    }
  }

  function succeeded(): void {
    if (relation.succeeded() > longOutageMs) pace.holdUntil(clock.monotonic() + random() * herdMs);
  }

  async function standBack(ms: number, signal: AbortSignal): Promise<void> {
    if (!finishing) await patience.wait(signal, ms);
  }

  /** Freezes, encodes and sends; whatever comes of it, the cursor tells what still waits. */
  async function deliver(snapshots: readonly StoredSnapshot[], signal: AbortSignal): Promise<void> {
    const range = rangeOf(snapshots);
    const { protocol } = ledger;
    cursor.freeze({ ...range, protocol });
    const body = sink.encode({ snapshots }, protocol);
    if (body === undefined) {
      settle(range, undefined, 0);
    } else if (body.bytes.length > sink.maxBytes && snapshots.length > 1) {
      size.tooLarge(snapshots.length);
    } else {
      const stillOwed = (): boolean => cursor.frozen() !== undefined;
      const decided = await attempt((within) => sink.send(body, protocol, within), signal, stillOwed);
      await conclude(decided, { snapshots, range, body }, signal);
    }
  }

  async function conclude(
    decided: Decided,
    { snapshots, range, body }: { snapshots: readonly StoredSnapshot[]; range: SeqRange; body: EncodedBatch },
    signal: AbortSignal,
  ): Promise<void> {
    switch (decided.status) {
      case "delivered":
        succeeded();
        if (decided.reason !== undefined) {
          log.warn(`${sink.id} took a part only: ${decided.reason}`, { rejected: decided.rejected });
        }
        settle(range, body, decided.rejected);
        size.delivered();
        return;
      case "rejected":
        log.error(`${sink.id} rejected ${body.samples} samples: ${decided.reason}`, { code: decided.code });
        discard(range, "rejected");
        return;
      case "too_large":
        if (snapshots.length === 1) discard(range, "too_large");
        else size.tooLarge(snapshots.length);
        return;
      case "switch":
        if (!relation.switchTo(decided.protocol, decided.reason))
          await standBack(pacing.maxBackoffMs, signal);
        return;
      case "refused":
        size.smallest();
        await standBack(relation.refused(decided.reason, decided.code), signal);
        return;
      case "aborted":
        return;
    }
  }

  function settle(range: SeqRange, body: EncodedBatch | undefined, rejected: number): void {
    account.settle(range, body, rejected);
    deliveredSeq = Math.max(deliveredSeq, range.lastSeq);
  }

  function discard(range: SeqRange, reason: string): void {
    account.discard(range, reason);
    deliveredSeq = Math.max(deliveredSeq, range.lastSeq);
  }

  async function step(signal: AbortSignal): Promise<void> {
    const now = clock.monotonic();
    const drainWaitMs = pace.waitMs(now);
    waitingSince = cursor.ranges().length === 0 ? undefined : (waitingSince ?? now);
    const picked = pickBatch(cursor, {
      now: clock.now(),
      limits: { maxSamples: sink.maxSamples, maxSnapshots: size.limit },
      liveDue: finishing || liveWaitMs(now) === 0,
      drainAllowed: finishing || drainWaitMs === 0,
      mayOvertake: pacing.mayOvertake,
      deliveredSeq,
      newest: newestSendable(clock.now(), ledger.skewMs),
    });
    switch (picked.status) {
      case "idle":
        ledger.status = drainWaitMs > 0 ? "draining" : "ok";
        if (!finishing) await idle.wait(signal, idleMs(drainWaitMs));
        return;
      case "held":
        ledger.status = "holding";
        if (!finishing) await idle.wait(signal, heldRecheckMs);
        return;
      case "batch":
        if (dropTooOld(picked.snapshots)) return;
        if (picked.kind === "backlog") ledger.status = "draining";
        await deliverNewest(picked.snapshots, signal);
        if (picked.kind === "backlog") pace.sent(samplesOf(picked.snapshots), clock.monotonic());
    }
  }

  /** What comes from now on gets a deadline of its own; what is here and not delivered stays as due as it is. */
  async function deliverNewest(snapshots: readonly StoredSnapshot[], signal: AbortSignal): Promise<void> {
    const range = rangeOf(snapshots);
    const since = waitingSince;
    if (cursor.ranges().at(-1)?.lastSeq === range.lastSeq) waitingSince = undefined;
    await deliver(snapshots, signal);
    if (touches(cursor.ranges(), range)) waitingSince = since;
  }

  /** Until the live batch is due; 0 when it is. */
  function liveWaitMs(now: number): number {
    return waitingSince === undefined ? Infinity : Math.max(0, waitingSince + pacing.batchDeadlineMs - now);
  }

  /** Until the live batch is due or the pace allows; without either, until a nudge. */
  function idleMs(drainWaitMs: number): number | undefined {
    const waits = [liveWaitMs(clock.monotonic()), drainWaitMs].filter((ms) => ms > 0 && ms < Infinity);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  function dropTooOld(snapshots: readonly StoredSnapshot[]): boolean {
    const limit = pacing.sampleAgeLimitMs;
    const old = limit === 0 ? [] : snapshots.filter(({ time }) => clock.now() - time > limit);
    for (const snapshot of old) discard(rangeOf([snapshot]), "too_old");
    return old.length > 0;
  }

  /** A batch that was frozen before a restart goes out with the same bounds and protocol: the same bytes. */
  async function deliverFrozen(signal: AbortSignal): Promise<void> {
    const frozen = cursor.frozen();
    if (frozen?.protocol !== ledger.protocol) return;
    const snapshots = cursor.read(frozen, { maxSamples: Infinity, maxSnapshots: Infinity });
    if (snapshots.length > 0) await deliver(snapshots, signal);
  }

  /** Nothing is left, or the receiver fails and this is no time to wait for it. */
  function finished(): boolean {
    return (
      finishing && (cursor.ranges().length === 0 || !["ok", "draining", "starting"].includes(ledger.status))
    );
  }

  return {
    sink: sink.id,
    state: () => stateOf(ledger, cursor.backlog()),
    notify() {
      if (waitingSince !== undefined) return;
      waitingSince = clock.monotonic();
      idle.nudge();
    },
    woke() {
      sink.renew();
      backoff.reset();
      ledger.skewMs = undefined;
      pace.holdUntil(clock.monotonic() + random() * herdMs);
      patience.nudge();
      idle.nudge();
    },
    finish() {
      finishing = true;
      patience.nudge();
      idle.nudge();
    },
    async run(signal) {
      while (!signal.aborted && !(await probe(signal)) && !finishing);
      if (!signal.aborted && !finished()) await deliverFrozen(signal);
      if (cursor.ranges().length > 0) waitingSince = -Infinity;
      while (!signal.aborted && !finished()) await step(signal);
      ledger.status = "stopped";
    },
  };
}

function rangeOf(snapshots: readonly StoredSnapshot[]): SeqRange {
  return { firstSeq: snapshots[0]?.seq ?? 0, lastSeq: snapshots.at(-1)?.seq ?? -1 };
}

function samplesOf(snapshots: readonly StoredSnapshot[]): number {
  return snapshots.reduce((total, { values }) => total + values.length, 0);
}
