/**
 * The loop that moves one sink's cursor: nothing but its own receiver can delay it.
 *
 *     greet ─► pick ─► dispatch ─┬─ settled, again ─► pick
 *       ▲        ▲               ├─ stand_back ─────► wait, then pick
 *       │        └── wait ◄──────┘
 *       └── wake, or all that waits is ahead of the receiver's clock
 *
 * To greet is to ask the receiver for its time with an empty request, and to send what was frozen before.
 */
import { touches } from "../journal/ranges.ts";
import type { Cursor, ReadLimits, StoredSnapshot } from "../journal/types.ts";
import { createBackoff } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { Pacing } from "../sink/pacing.ts";
import type { Sink } from "../sink/sink.ts";
import { createAcceptance } from "./acceptance.ts";
import { createAccount } from "./accounting.ts";
import { waitForNext, withRetry, withTelemetry, type Decided, type Send } from "./send-chain.ts";
import { createBatchSize } from "./batch-size.ts";
import { createClockGuard, withClockGuard } from "./clock-guard.ts";
import { createDispatch, rangeOf, type AttemptTerms, type Verdict } from "./batch-sender.ts";
import { createDoubt } from "./doubt.ts";
import { batchSamples, createDrainPace } from "./drain.ts";
import { createPause } from "./wakeable-timer.ts";
import { pickBatch, type Pick } from "./batch-selection.ts";
import { createRelation } from "./receiver-health.ts";
import { createLedger, stateOf, type DeliveryListener, type DeliveryState } from "./types.ts";

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
  /** The machine woke: new connections, a fresh backoff, and a random delay before the first request. */
  woke(): void;
  /** Delivers what waits without waiting for anything, and ends at the first request from now on that fails; `run` resolves then. */
  finish(): void;
  /** Until the signal aborts or `finish` is done; never rejects for what a receiver or the network does. */
  run(signal: AbortSignal): Promise<void>;
}

/** At most this long between wake, or the end of a long outage, and the first request that follows. */
const herdMs = 30_000;
/** An outage after which a whole fleet may come back at once. */
const longOutageMs = 5 * 60_000;
/** How often what waits for something other than its deadline is looked at. */
const recheckMs = 30_000;

export function createDeliveryLoop(options: DeliveryOptions): Delivery {
  const { sink, cursor, pacing, listener, clock, random, log } = options;
  const ledger = createLedger(protocolOf(sink, cursor));
  const backoff = createBackoff(random, { minMs: pacing.minBackoffMs, maxMs: pacing.maxBackoffMs });
  const relation = createRelation(sink.id, { ledger, backoff, clock, log });
  const pace = createDrainPace(pacing.drainRate);
  const guard = createClockGuard(clock);
  const size = createBatchSize(cursor.frozen()?.bodySamples);
  const account = createAccount(cursor, ledger, listener, sink.memory);
  /** Ended by new snapshots; a wait for the receiver's sake is not. */
  const idle = createPause(clock);
  const patience = createPause(clock);
  const dispatch = createDispatch({
    sink,
    cursor,
    ledger,
    relation,
    account,
    acceptance: createAcceptance(sink, cursor),
    size,
    doubt: createDoubt(cursor),
    log,
    disagreementMs: pacing.maxBackoffMs,
    tooOld: (snapshots) => snapshots.some(isTooOld),
    attempt,
    onReached() {
      if (relation.reached() > longOutageMs) pace.holdUntil(clock.monotonic() + random() * herdMs);
    },
  });
  let finishing = false;
  /** A request began since `finish`: there is none after it while the receiver fails. */
  let triedLast = false;
  /** The last request brought nothing: no time to wait for a better one when finishing. */
  let stuck = false;
  /** The receiver has told its time since start or wake. */
  let greeted = false;
  /** Samples wait for the receiver's clock, and the log says so. */
  let holding = false;
  let wakes = 0;
  /** Nothing at all before then, by the monotonic clock. */
  let quietUntil = 0;
  /** Since when something waits that no batch has picked up yet, by the monotonic clock; absent when nothing does. */
  let waitingSince: number | undefined;
  /** The newest snapshot that is dealt with. */
  let deliveredSeq = -1;

  /** One request, told and retried; see send-chain.ts for what wraps what. */
  function attempt(send: Send, { worthwhile, onRetry }: AttemptTerms, signal: AbortSignal): Promise<Decided> {
    const wakesBefore = wakes;
    const noted: Send = (within) => {
      triedLast = finishing;
      return send(within);
    };
    return withRetry(withTelemetry(withClockGuard(noted, guard, log), ledger, listener, clock), {
      backoff,
      pause: patience,
      clock,
      ledger,
      worthwhile: () => !triedLast && wakes === wakesBefore && worthwhile(),
      hurried: () => finishing,
      onRetry(outcome, waitMs) {
        relation.failed(outcome.reason, outcome.code, waitMs);
        if (outcome.afterMs !== undefined) beQuietFor(outcome.afterMs);
        onRetry(outcome);
      },
    })(signal);
  }

  function beQuietFor(ms: number): void {
    quietUntil = Math.max(quietUntil, clock.monotonic() + ms);
  }

  async function greet(signal: AbortSignal): Promise<void> {
    const waitMs = quietUntil - clock.monotonic();
    if (waitMs > 0 && !finishing) {
      await waitForNext(patience, waitMs, { clock, ledger }, signal);
      return;
    }
    const wakesBefore = wakes;
    const verdict = await dispatch.probe(signal);
    greeted = verdict.status === "settled" && wakes === wakesBefore;
    await heed(verdict, signal);
    if (greeted && !signal.aborted) await sendFrozen(signal);
  }

  /** A batch that was frozen before a restart or a wake goes out with the same bounds and protocol: the same bytes. */
  async function sendFrozen(signal: AbortSignal): Promise<void> {
    const frozen = cursor.frozen();
    if (frozen?.protocol !== ledger.protocol) return;
    const snapshots = cursor.read(frozen, { maxSamples: Infinity, maxSnapshots: Infinity });
    if (snapshots.length > 0 && !dropTooOld(snapshots)) await send(snapshots, signal);
  }

  async function step(signal: AbortSignal): Promise<void> {
    const now = clock.monotonic();
    waitingSince = cursor.ranges().length === 0 ? undefined : (waitingSince ?? now);
    const picked = pick(now);
    if (!relation.failing) ledger.status = statusFor(picked);
    noteHolding(picked);
    switch (picked.status) {
      case "idle":
      case "paced":
        if (!finishing) await idle.wait(signal, idleMs(now));
        return;
      case "held":
        stuck = true;
        triedLast = finishing;
        await hold(signal);
        return;
      case "batch":
        if (dropTooOld(picked.snapshots)) return;
        await send(picked.snapshots, signal);
        if (picked.kind === "backlog") pace.sent(samplesOf(picked.snapshots), clock.monotonic());
    }
  }

  /** Whether what comes now is ahead of the receiver's clock, too, and not only what an earlier clock left behind. */
  function isHeldLive(): boolean {
    return (cursor.ranges().at(-1)?.lastSeq ?? 0) > deliveredSeq;
  }

  /** Said once, until nothing waits any more: live samples may go on meanwhile. */
  function noteHolding(picked: Pick): void {
    if (picked.status === "held" && !holding) {
      holding = true;
      log.warn(
        `holding samples that are ahead of the clock of ${sink.id}: set this machine's clock, or the receiver's`,
        {
          skew_s: Math.round((ledger.skewMs ?? 0) / 1000),
          snapshots: cursor.backlog().snapshots,
        },
      );
    }
    if (!holding || cursor.ranges().length > 0) return;
    holding = false;
    log.info(`no longer holding samples for ${sink.id}`);
  }

  /** The receiver's time is asked anew, unless only an earlier clock's samples wait; those that come meanwhile end the wait. */
  async function hold(signal: AbortSignal): Promise<void> {
    const live = isHeldLive();
    if (!live) waitingSince = undefined;
    if (!finishing) await idle.wait(signal, recheckMs);
    if (live) greeted = false;
  }

  function pick(now: number): Pick {
    return pickBatch(cursor, {
      now: clock.now(),
      limits: limits(),
      liveDue: finishing || liveWaitMs(now) === 0,
      drainAllowed: finishing || pace.waitMs(now) === 0,
      mayOvertake: pacing.mayOvertake,
      deliveredSeq,
      newestSent: cursor.notes().newest ?? {},
      newest: guard.newest(),
    });
  }

  /** No more snapshots than a body has samples, so that a batch can be divided by series. */
  function limits(): ReadLimits {
    return {
      maxSamples: batchSamples(pacing.drainRate, sink),
      maxSnapshots: Math.min(size.snapshots, sink.maxSamples),
    };
  }

  /** What comes from now on gets a deadline of its own; what is here and not delivered stays as due as it is. */
  async function send(snapshots: readonly StoredSnapshot[], signal: AbortSignal): Promise<void> {
    const range = rangeOf(snapshots);
    const since = waitingSince;
    if (cursor.ranges().at(-1)?.lastSeq === range.lastSeq) waitingSince = undefined;
    const verdict = await dispatch.send(snapshots, signal);
    if (verdict.status === "settled") {
      deliveredSeq = Math.max(deliveredSeq, range.lastSeq);
      cursor.note({ newest: newestOf(snapshots, cursor.notes().newest) });
    }
    if (touches(cursor.ranges(), range)) waitingSince = since;
    await heed(verdict, signal);
  }

  async function heed(verdict: Verdict, signal: AbortSignal): Promise<void> {
    stuck = verdict.status === "stand_back" || verdict.status === "given_up";
    if (verdict.status !== "stand_back" || finishing) return;
    await waitForNext(patience, verdict.ms, { clock, ledger }, signal);
  }

  /** Until the live batch is due; 0 when it is. */
  function liveWaitMs(now: number): number {
    return waitingSince === undefined ? Infinity : Math.max(0, waitingSince + pacing.batchDeadlineMs - now);
  }

  /** Until the live batch is due or the pace allows; when nothing waits, until a nudge. */
  function idleMs(now: number): number | undefined {
    if (waitingSince === undefined) return undefined;
    return Math.min(...[liveWaitMs(now), pace.waitMs(now), recheckMs].filter((ms) => ms > 0));
  }

  function isTooOld({ time }: StoredSnapshot): boolean {
    return pacing.sampleAgeLimitMs > 0 && clock.now() - time > pacing.sampleAgeLimitMs;
  }

  function dropTooOld(snapshots: readonly StoredSnapshot[]): boolean {
    const old = snapshots.filter(isTooOld);
    for (const snapshot of old) account.discard(rangeOf([snapshot]), "too_old");
    return old.length > 0;
  }

  /** Nothing is left, or the receiver failed once more and this is no time to wait for it. */
  function finished(): boolean {
    return finishing && ((stuck && triedLast) || cursor.ranges().length === 0);
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
      wakes++;
      greeted = false;
      beQuietFor(random() * herdMs);
      patience.nudge();
      idle.nudge();
    },
    finish() {
      finishing = true;
      patience.nudge();
      idle.nudge();
    },
    async run(signal) {
      sink.memory?.restore(cursor.notes().memory ?? "");
      if (cursor.ranges().length > 0) waitingSince = -Infinity;
      while (!signal.aborted && !finished()) await (greeted ? step(signal) : greet(signal));
      ledger.status = "stopped";
    },
  };
}

/** What was frozen goes out as it was, unless the sink was configured to speak otherwise since. */
function protocolOf({ protocols }: Sink, cursor: Cursor): string {
  const { protocol } = cursor.frozen() ?? {};
  return protocol !== undefined && protocols.includes(protocol) ? protocol : protocols[0];
}

function newestOf(
  snapshots: readonly StoredSnapshot[],
  before: Readonly<Record<string, number>> = {},
): Readonly<Record<string, number>> {
  const newest = { ...before };
  for (const { source, time } of snapshots) newest[source] = Math.max(newest[source] ?? -Infinity, time);
  return newest;
}

function statusFor(picked: Pick): DeliveryState["status"] {
  switch (picked.status) {
    case "held":
      return "holding";
    case "paced":
      return "draining";
    case "idle":
      return "ok";
    case "batch":
      return picked.kind === "backlog" ? "draining" : "ok";
  }
}

function samplesOf(snapshots: readonly StoredSnapshot[]): number {
  return snapshots.reduce((total, { values }) => total + values.length, 0);
}
