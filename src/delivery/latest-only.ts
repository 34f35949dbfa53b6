/**
 * The loop for a sink without history: only the latest snapshots count, so nothing waits and nothing is sent later.
 *
 *     wait ─► encode what is current ─► send ─┬─ delivered, rejected ─► the next interval
 *      ▲                                      ├─ retry ───────────────► a backoff, then whatever is current by then
 *      └──────────────────────────────────────┴─ refused ─────────────► circuit: leave it alone
 */
import type { Snapshot } from "../meter/snapshot.ts";
import { createBackoff, type BackoffSettings } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { Body, EncodedBatch, Outcome, Sink } from "../sink/sink.ts";
import { withTelemetry } from "./send-chain.ts";
import type { Delivery } from "./loop.ts";
import { createPause } from "./wakeable-timer.ts";
import { createRelation } from "./receiver-health.ts";
import { createLedger, stateOf, type DeliveryListener } from "./types.ts";

interface PushLatestOptions {
  readonly sink: Sink;
  /** Time between two pushes, milliseconds. */
  readonly intervalMs: number;
  readonly backoff?: BackoffSettings;
  /** The last snapshot of each source, none that is older than its source's limit. */
  readonly latest: () => readonly Snapshot[];
  readonly listener: DeliveryListener;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** Nothing is lost by waiting: a later push tells all that an earlier one would have. */
const patientBackoff: BackoffSettings = { minMs: 1000, maxMs: 60_000 };
/** At most this long between wake and the first push. */
const herdMs = 30_000;
/** After the first snapshot the other sources get this long, or a push would take their series from the group. */
const gatherMs = 5000;

export function createLatestOnly(options: PushLatestOptions): Delivery {
  const { sink, intervalMs, latest, listener, clock, random, log } = options;
  const ledger = createLedger(sink.protocols[0]);
  const backoff = createBackoff(random, options.backoff ?? patientBackoff);
  const relation = createRelation(sink.id, { ledger, backoff, clock, log });
  const pause = createPause(clock);
  let finishing = false;
  /** By the monotonic clock; absent while there is nothing to push. */
  let dueAt: number | undefined;
  /** Nothing before then, whatever is due: the random delay that spreads a herd. */
  let holdUntil = 0;
  let rejection: string | undefined;

  async function push(signal: AbortSignal): Promise<void> {
    const startedAt = clock.monotonic();
    const {
      bodies: [body],
      dropped: left,
    } = sink.encode({ snapshots: latest() }, ledger.protocol);
    if (body === undefined) {
      dueAt = undefined;
      return;
    }
    const send = withTelemetry((within) => sink.send(body, ledger.protocol, within), ledger, listener, clock);
    const { outcome } = await send(signal);
    dueAt = Math.max(startedAt + intervalMs, clock.monotonic());
    if (!signal.aborted) conclude(outcome, body, left);
  }

  function conclude(outcome: Outcome, body: Body, left: EncodedBatch["dropped"]): void {
    switch (outcome.status) {
      case "delivered":
        relation.reached();
        rejection = undefined;
        sent(body, outcome.rejected);
        for (const [reason, samples] of Object.entries(left)) dropped(samples, reason);
        return;
      case "retry": {
        const waitMs = outcome.afterMs ?? backoff.next();
        relation.failed(outcome.reason, outcome.code, waitMs);
        waitFor(waitMs);
        ledger.nextAttemptMs = clock.now() + waitMs;
        return;
      }
      case "refused":
        waitFor(relation.refused(outcome.reason, outcome.code));
        return;
      case "rejected":
      case "too_large":
      case "switch":
        // The next interval brings other values, which it may like better.
        if (rejection !== outcome.reason)
          log.error(`${sink.id} rejected ${body.samples} samples: ${outcome.reason}`, { code: outcome.code });
        rejection = outcome.reason;
        ledger.status = "retrying";
        dropped(body.samples, "rejected");
    }
  }

  function waitFor(ms: number): void {
    dueAt = clock.monotonic() + ms;
  }

  function sent(body: Body, rejected: number): void {
    const taken = body.samples - Math.min(rejected, body.samples);
    ledger.sent += taken;
    listener.sent(taken);
    dropped(body.samples - taken, "rejected");
  }

  function dropped(samples: number, reason: string): void {
    if (samples === 0) return;
    ledger.dropped[reason] = (ledger.dropped[reason] ?? 0) + samples;
    listener.dropped(samples, reason);
  }

  /** The group goes with the agent; where it is to stay, it gets the last values. */
  async function sayGoodbye(signal: AbortSignal): Promise<void> {
    if (sink.retire === undefined) {
      await push(signal);
      return;
    }
    const { outcome } = await sink.retire(signal);
    if (outcome.status !== "delivered") log.warn(`cannot say goodbye to ${sink.id}: ${outcome.reason}`);
  }

  return {
    sink: sink.id,
    state: () => stateOf(ledger, { snapshots: 0, bytes: 0 }),
    notify() {
      if (dueAt !== undefined) return;
      waitFor(Math.min(gatherMs, intervalMs));
      pause.nudge();
    },
    woke() {
      sink.renew();
      backoff.reset();
      ledger.skewMs = undefined;
      holdUntil = clock.monotonic() + random() * herdMs;
      pause.nudge();
    },
    finish() {
      finishing = true;
      pause.nudge();
    },
    async run(signal) {
      while (!signal.aborted && !finishing) {
        const waitMs = dueAt === undefined ? undefined : Math.max(dueAt, holdUntil) - clock.monotonic();
        if (waitMs === undefined || waitMs > 0) await pause.wait(signal, waitMs);
        else await push(signal);
      }
      if (!signal.aborted) await sayGoodbye(signal);
      ledger.status = "stopped";
    },
  };
}
