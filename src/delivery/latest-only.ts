/**
 * The loop for a sink without history: only the latest snapshots count, so nothing waits and nothing is sent later.
 *
 *     wait ─► encode what is current ─► send ─┬─ delivered, rejected ─► the next interval
 *      ▲                                      ├─ retry ───────────────► a backoff, then whatever is current by then
 *      └──────────────────────────────────────┴─ refused ─────────────► 1, 2, 4 … 15 minutes
 */
import type { Snapshot } from "../meter/snapshot.ts";
import type { BackoffSettings } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { Body, EncodedBatch, Outcome, Sink } from "../sink/sink.ts";
import { createAccounting, type Accounting } from "./accounting.ts";
import { createReceiverHealth, type ReceiverHealth } from "./receiver-health.ts";
import type { Delivery, DeliveryListener, DeliveryState } from "./types.ts";
import { createWakeableTimer, type WakeableTimer } from "./send-chain.ts";

interface LatestOnlyOptions {
  readonly sink: Sink;
  /** Time between two pushes, milliseconds. */
  readonly intervalMs: number;
  /** The last snapshot of each source, none that is older than its source's limit. */
  readonly latest: () => readonly Snapshot[];
  readonly listener: DeliveryListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Nothing is lost by waiting: a later push has all that an earlier one would have had. */
const backoff: BackoffSettings = { minMs: 1000, maxMs: 60_000 };
/** After the first snapshot the other sources get this long, or a push would take their series from the group. */
const gatherMs = 5000;
/** A Pushgateway has one protocol. */
const memory = { accepted: () => [], accept: () => undefined };

export function createLatestOnly(options: LatestOnlyOptions): Delivery {
  return new LatestOnly(options);
}

class LatestOnly implements Delivery {
  readonly #options: LatestOnlyOptions;
  readonly #accounting: Accounting;
  readonly #health: ReceiverHealth;
  readonly #timer: WakeableTimer;
  #finishing = false;
  /** By the monotonic clock; absent while there is nothing to push. */
  #dueAt: number | undefined;
  /** The last push was rejected for this, which is logged once. */
  #rejection: string | undefined;

  constructor(options: LatestOnlyOptions) {
    const { sink, listener, clock } = options;
    this.#options = options;
    this.#accounting = createAccounting(listener, clock);
    this.#health = createReceiverHealth(sink, { ...options, backoff, memory });
    this.#timer = createWakeableTimer(clock);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#finishing) {
      const waitMs = this.#waitMs();
      if (waitMs === undefined || waitMs > 0) await this.#timer.wait(signal, waitMs);
      else await this.#push(signal);
    }
    if (!signal.aborted) await this.#sayGoodbye(signal);
    this.#health.report("stopped");
  }

  /** Until the next push; absent while there is nothing to push. */
  #waitMs(): number | undefined {
    if (this.#dueAt === undefined) return undefined;
    return Math.max(this.#dueAt - this.#options.clock.monotonic(), this.#health.quietMs);
  }

  async #push(signal: AbortSignal): Promise<void> {
    const { sink, latest, intervalMs, clock } = this.#options;
    const { protocol } = this.#health;
    const startedAt = clock.monotonic();
    const { bodies, dropped } = sink.encode({ snapshots: latest() }, protocol);
    const [body] = bodies;
    if (body === undefined) {
      this.#dueAt = undefined;
      return;
    }
    const result = await sink.send(body, protocol, signal);
    this.#accounting.requested(result);
    this.#dueAt = Math.max(startedAt + intervalMs, clock.monotonic());
    if (!signal.aborted) this.#conclude(result.outcome, body, dropped);
  }

  #conclude(outcome: Outcome, body: Body, leftOut: EncodedBatch["dropped"]): void {
    const { sink, log } = this.#options;
    switch (outcome.status) {
      case "delivered": {
        const rejected = Math.min(outcome.rejected, body.samples);
        this.#health.reached();
        this.#rejection = undefined;
        this.#accounting.sent(body.samples - rejected);
        this.#accounting.dropped(rejected, "rejected");
        for (const [reason, samples] of Object.entries(leftOut)) this.#accounting.dropped(samples, reason);
        return;
      }
      case "retry":
        this.#standBack(this.#health.failed(outcome));
        return;
      case "refused":
        this.#standBack(this.#health.refused(outcome));
        return;
      case "rejected":
      case "too_large":
      case "switch":
        // The next interval brings other values, which it may like better.
        if (this.#rejection !== outcome.reason)
          log.error(`${sink.id} rejected ${body.samples} samples: ${outcome.reason}`, {
            code: outcome.code,
          });
        this.#rejection = outcome.reason;
        this.#health.reached();
        this.#health.report("retrying");
        this.#accounting.dropped(body.samples, "rejected");
    }
  }

  #standBack(ms: number): void {
    const { clock } = this.#options;
    this.#dueAt = clock.monotonic() + ms;
    this.#accounting.expectAttempt(clock.now() + ms);
  }

  /** The group goes with the agent; where it is to stay, it gets the last values. */
  async #sayGoodbye(signal: AbortSignal): Promise<void> {
    const { sink, log } = this.#options;
    if (sink.retire === undefined) {
      await this.#push(signal);
      return;
    }
    const { outcome } = await sink.retire(signal);
    if (outcome.status !== "delivered") log.warn(`cannot say goodbye to ${sink.id}: ${outcome.reason}`);
  }

  state(): DeliveryState {
    const { status, protocol } = this.#health;
    return { ...this.#accounting.counts(), status, protocol, backlog: { snapshots: 0, bytes: 0 } };
  }

  notify(): void {
    if (this.#dueAt !== undefined) return;
    const { clock, intervalMs } = this.#options;
    this.#dueAt = clock.monotonic() + Math.min(gatherMs, intervalMs);
    this.#timer.wake();
  }

  woke(): void {
    this.#options.sink.renew();
    this.#health.woke();
    this.#accounting.forgetSkew();
    this.#timer.wake();
  }

  finish(): void {
    this.#finishing = true;
    this.#timer.wake();
  }
}
