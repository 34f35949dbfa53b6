/**
 * The loop that moves one sink's cursor: nothing but its own receiver can delay it.
 *
 *     greet ─► select ─► send ─┬─ settled, again ─► select
 *       ▲        ▲             ├─ stand_back ─────► wait, then select
 *       │        └── wait ◄────┘
 *       └── wake, or all that waits is ahead of the receiver's clock
 *
 * To greet is to ask the receiver for its time with an empty request, and to send what was frozen before.
 *
 * The other files of this folder, in reading order: batch-selection (what goes next), batch-sender (one batch until the verdict on
 * it), send-chain (one request until it is decided), receiver-health (what answers show of the receiver and of our clock), accounting
 * (what became of every sample), latest-only (the loop for a sink without history), deliveries (all loops together, and their ids).
 */
import { touches } from "../journal/ranges.ts";
import type { Cursor, StoredSnapshot } from "../journal/types.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { Pacing } from "../sink/index.ts";
import type { Sink } from "../sink/sink.ts";
import { createAccounting, type Accounting } from "./accounting.ts";
import { batchSamples, selectBatch, type Selection } from "./batch-selection.ts";
import { batchRange, createBatchSender, type BatchSender, type Verdict } from "./batch-sender.ts";
import {
  createClockGuard,
  createReceiverHealth,
  type ClockGuard,
  type ReceiverHealth,
} from "./receiver-health.ts";
import {
  createInterrupts,
  createSendChain,
  createWakeableTimer,
  type Interrupts,
  type WakeableTimer,
} from "./send-chain.ts";
import type { Delivery, DeliveryListener, DeliveryState, DeliveryStatus } from "./types.ts";

export interface DeliveryLoopOptions {
  readonly sink: Sink;
  readonly cursor: Cursor;
  readonly pacing: Extract<Pacing, { kind: "history" }>;
  readonly listener: DeliveryListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A batch goes this much of its deadline early where a common tick comes then, since the machine is awake anyway. */
const earlyShare = 0.05;

/** How often what waits for something other than its deadline is looked at. */
const recheckMs = 30_000;

export function createDeliveryLoop(options: DeliveryLoopOptions): Delivery {
  return new DeliveryLoop(options);
}

class DeliveryLoop implements Delivery {
  readonly #options: DeliveryLoopOptions;
  readonly #accounting: Accounting;
  readonly #guard: ClockGuard;
  readonly #interrupts: Interrupts;
  readonly #health: ReceiverHealth;
  readonly #sender: BatchSender;
  /** Woken by new snapshots, which do not end a wait for the receiver's sake. */
  readonly #idle: WakeableTimer;
  /** The receiver's time was asked for since start or wake. */
  #greeted = false;
  /** It is logged that samples wait for the receiver's clock. */
  #holding = false;
  /** Since when something waits that no batch has picked up yet, by the monotonic clock; absent when nothing does. */
  #waitingSince: number | undefined;
  /** When the drain rate allows the next batch of the backlog, by the monotonic clock. */
  #drainAllowedAt = 0;
  /** The newest snapshot that is dealt with. */
  #deliveredSeq = -1;

  constructor(options: DeliveryLoopOptions) {
    const { sink, cursor, pacing, listener, clock, log } = options;
    const accounting = createAccounting(listener, clock);
    const guard = createClockGuard(sink.id, clock, log);
    const interrupts = createInterrupts(clock, accounting);
    const health = createReceiverHealth(sink, {
      ...options,
      backoff: { minMs: pacing.minBackoffMs, maxMs: pacing.maxBackoffMs },
      memory: cursor,
      protocol: cursor.frozen()?.protocol,
    });
    const request = createSendChain({ guard, accounting, health, interrupts });
    this.#options = options;
    this.#accounting = accounting;
    this.#guard = guard;
    this.#interrupts = interrupts;
    this.#health = health;
    this.#sender = createBatchSender({
      ...options,
      ageLimitMs: pacing.sampleAgeLimitMs,
      accounting,
      health,
      request,
    });
    this.#idle = createWakeableTimer(clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { sink, cursor } = this.#options;
    const interrupts = this.#interrupts;
    sink.memory?.restore(cursor.notes().memory ?? "");
    if (cursor.ranges().length > 0) this.#waitingSince = -Infinity;
    while (!signal.aborted && !(interrupts.finishing && cursor.ranges().length === 0)) {
      const verdict = await (this.#greeted ? this.#step(signal) : this.#greet(signal));
      const isStuck = verdict.status === "stand_back" || verdict.status === "given_up";
      if (isStuck && interrupts.lastTryMade) break;
      if (verdict.status === "stand_back") await interrupts.wait(verdict.ms, signal);
    }
    this.#health.report("stopped");
  }

  async #greet(signal: AbortSignal): Promise<Verdict> {
    const { quietMs } = this.#health;
    if (quietMs > 0 && !this.#interrupts.finishing) return { status: "stand_back", ms: quietMs };
    const { wakes } = this.#interrupts;
    const verdict = await this.#sender.probe(signal);
    this.#greeted = verdict.status === "settled" && wakes === this.#interrupts.wakes;
    return this.#greeted && !signal.aborted ? this.#sendFrozen(signal) : verdict;
  }

  /** A batch that was frozen before a restart or a wake goes out with the same bounds and protocol: the same bytes. */
  async #sendFrozen(signal: AbortSignal): Promise<Verdict> {
    const { cursor } = this.#options;
    const frozen = cursor.frozen();
    if (frozen?.protocol !== this.#health.protocol) return settled;
    const snapshots = cursor.read(frozen, { maxSamples: Infinity, maxSnapshots: Infinity });
    return snapshots.length > 0 ? this.#send(snapshots, signal) : settled;
  }

  async #step(signal: AbortSignal): Promise<Verdict> {
    const { cursor, clock } = this.#options;
    const isWaiting = cursor.ranges().length > 0;
    this.#waitingSince = isWaiting ? (this.#waitingSince ?? clock.monotonic()) : undefined;
    const waits = this.#waits();
    const selection = this.#select(waits);
    this.#health.report(statusWhile[selection.status]);
    this.#logHolding(selection.status === "held", isWaiting);
    switch (selection.status) {
      case "idle":
      case "paced":
        if (!this.#interrupts.finishing)
          await this.#idle.wait(signal, this.#idleMs(waits), { align: "early", rank: 1 });
        return settled;
      case "held":
        return this.#hold(signal);
      case "live":
        return this.#send(selection.snapshots, signal);
      case "backlog": {
        const verdict = await this.#send(selection.snapshots, signal);
        if (verdict.status === "settled") this.#paceBacklog(selection.snapshots);
        return verdict;
      }
    }
  }

  #select(waits: Waits): Selection {
    const { sink, cursor, pacing, clock } = this.#options;
    const { finishing } = this.#interrupts;
    return selectBatch(cursor, {
      now: clock.now(),
      limits: {
        maxSamples: batchSamples(pacing.drainRate, sink),
        // No more snapshots than a body has samples, so that a batch can be divided by series.
        maxSnapshots: Math.min(this.#sender.maxSnapshots, sink.maxSamples),
      },
      liveDue: finishing || waits.liveMs <= earlyShare * pacing.batchDeadlineMs,
      drainAllowed: finishing || waits.drainMs === 0,
      mayOvertake: pacing.mayOvertake,
      deliveredSeq: this.#deliveredSeq,
      newestSent: cursor.notes().newest ?? {},
      newest: this.#guard.newest(),
    });
  }

  /** Read once for a step: what became due between two looks at the clock would be neither sent nor waited for. */
  #waits(): Waits {
    const { pacing, clock } = this.#options;
    const now = clock.monotonic();
    const since = this.#waitingSince;
    return {
      liveMs: since === undefined ? Infinity : Math.max(0, since + pacing.batchDeadlineMs - now),
      drainMs: Math.max(0, this.#drainAllowedAt - now, this.#health.backlogQuietMs),
    };
  }

  /** Until the live batch is due or the backlog may go; when nothing waits, until something is appended. */
  #idleMs({ liveMs, drainMs }: Waits): number | undefined {
    if (this.#waitingSince === undefined) return undefined;
    return Math.min(...[liveMs, drainMs, recheckMs].filter((ms) => ms > 0));
  }

  /** What comes from now on gets a deadline of its own; what is here and not delivered stays as due as it is. */
  async #send(snapshots: readonly StoredSnapshot[], signal: AbortSignal): Promise<Verdict> {
    const { cursor } = this.#options;
    const range = batchRange(snapshots);
    const since = this.#waitingSince;
    if (cursor.ranges().at(-1)?.lastSeq === range.lastSeq) this.#waitingSince = undefined;
    const verdict = await this.#sender.send(snapshots, signal);
    if (verdict.status === "settled") {
      this.#deliveredSeq = Math.max(this.#deliveredSeq, range.lastSeq);
      cursor.note({ newest: newestOf(snapshots, cursor.notes().newest) });
    }
    if (touches(cursor.ranges(), range)) this.#waitingSince = since;
    return verdict;
  }

  /** The drain rate, so that a fleet that comes back does not flood its receiver. */
  #paceBacklog(sent: readonly StoredSnapshot[]): void {
    const { pacing, clock } = this.#options;
    if (pacing.drainRate === 0) return;
    const samples = sent.reduce((total, { values }) => total + values.length, 0);
    this.#drainAllowedAt =
      Math.max(this.#drainAllowedAt, clock.monotonic()) + (samples * 1000) / pacing.drainRate;
  }

  /** The receiver's time is asked anew, unless only an earlier clock's samples wait; those that come meanwhile end the wait. */
  async #hold(signal: AbortSignal): Promise<Verdict> {
    const isLiveHeld = (this.#options.cursor.ranges().at(-1)?.lastSeq ?? 0) > this.#deliveredSeq;
    if (!isLiveHeld) this.#waitingSince = undefined;
    // Waiting is over at the end: this counts as the last try.
    if (this.#interrupts.finishing) this.#interrupts.requesting();
    else await this.#idle.wait(signal, recheckMs);
    if (isLiveHeld) this.#greeted = false;
    return { status: "given_up" };
  }

  /** Once, until nothing waits any more: live samples may go on meanwhile. */
  #logHolding(isHeld: boolean, isWaiting: boolean): void {
    const { sink, cursor, log } = this.#options;
    if (isHeld && !this.#holding) {
      this.#holding = true;
      const { skewMs = 0 } = this.#accounting.counts();
      log.warn(
        `holding samples that are ahead of the clock of ${sink.id}: set this machine's clock, or the receiver's`,
        { skew_s: Math.round(skewMs / 1000), snapshots: cursor.backlog().snapshots },
      );
    }
    if (!this.#holding || isWaiting) return;
    this.#holding = false;
    log.info(`no longer holding samples for ${sink.id}`);
  }

  state(): DeliveryState {
    const { status, protocol } = this.#health;
    return { ...this.#accounting.counts(), status, protocol, backlog: this.#options.cursor.backlog() };
  }

  notify(): void {
    if (this.#waitingSince !== undefined) return;
    this.#waitingSince = this.#options.clock.monotonic();
    this.#idle.wake();
  }

  woke(): void {
    this.#options.sink.renew();
    this.#health.woke();
    this.#greeted = false;
    this.#interrupts.woke();
    this.#idle.wake();
  }

  finish(): void {
    this.#interrupts.finish();
    this.#idle.wake();
  }
}

/** In milliseconds; 0 is now. */
interface Waits {
  /** Until the live batch is due. */
  readonly liveMs: number;
  /** Until a batch of the backlog may go. */
  readonly drainMs: number;
}

const settled: Verdict = { status: "settled" };

const statusWhile: Readonly<Record<Selection["status"], DeliveryStatus>> = {
  idle: "ok",
  live: "ok",
  backlog: "draining",
  paced: "draining",
  held: "holding",
};

function newestOf(
  snapshots: readonly StoredSnapshot[],
  before: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> {
  const newest = { ...before };
  for (const { source, time } of snapshots) newest[source] = Math.max(newest[source] ?? -Infinity, time);
  return newest;
}
