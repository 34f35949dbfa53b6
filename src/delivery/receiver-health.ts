/**
 * How a receiver is doing by its answers: the status to report, the protocol to speak, and how long to leave it alone.
 *
 *     starting ─► ok ⇄ retrying   waits 0.1, 0.2, 0.4 … 30 s (as configured), or as long as the receiver asks for
 *                 ⇅
 *              refused            waits 1, 2, 4, 8 and from then on 15 minutes (the circuit is open)
 *
 * It also remembers, across restarts, in which protocols the receiver has taken samples of this block. Until it has taken
 * some, a refusal may as well be about the address, the form or the credentials, so it costs no samples.
 */
import type { Cursor } from "../journal/types.ts";
import { createBackoff, type Backoff, type BackoffSettings } from "../runtime/backoff.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Random } from "../runtime/random.ts";
import type { Outcome, Sink } from "../sink/sink.ts";
import { mostSkewMs, type DeliveryStatus } from "./types.ts";

type Receiver = Pick<Sink, "id" | "target" | "protocols">;

interface ReceiverHealthOptions {
  readonly backoff: BackoffSettings;
  /** Where accepted protocols are remembered. */
  readonly memory: Pick<Cursor, "accepted" | "accept">;
  /** To begin with; the preferred one when absent, or not configured any more. */
  readonly protocol?: string | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

type Retry = Extract<Outcome, { status: "retry" }>;
type Refused = Extract<Outcome, { status: "refused" }>;
type Switch = Extract<Outcome, { status: "switch" }>;

/** An outage after which a whole fleet may come back at once. */
const longOutageMs = 5 * 60_000;
/** So that not all come at once: at most this long between wake, or the end of a long outage, and what follows it. */
const longestJitterMs = 30_000;
const firstProbeMs = 60_000;
const lastProbeMs = 15 * 60_000;
/** Switches in a row without a delivery before the receiver is taken for broken. */
const switchLimit = 4;

export function createReceiverHealth(receiver: Receiver, options: ReceiverHealthOptions): ReceiverHealth {
  return new ReceiverHealth(receiver, options);
}

export type { ReceiverHealth };

class ReceiverHealth {
  readonly #receiver: Receiver;
  readonly #options: ReceiverHealthOptions;
  readonly #backoff: Backoff;
  #status: DeliveryStatus = "starting";
  #protocol: string;
  #failingSince: number | undefined;
  /** In a row. */
  #refusals = 0;
  #switches = 0;
  /** By the monotonic clock: no request before then, and nothing of the backlog. */
  #quietUntil = 0;
  #backlogQuietUntil = 0;

  constructor(receiver: Receiver, options: ReceiverHealthOptions) {
    this.#receiver = receiver;
    this.#options = options;
    this.#backoff = createBackoff(options.random, options.backoff);
    this.#protocol = receiver.protocols.find((one) => one === options.protocol) ?? receiver.protocols[0];
  }

  get status(): DeliveryStatus {
    return this.#status;
  }

  /** The protocol to speak. */
  get protocol(): string {
    return this.#protocol;
  }

  /** Whether it has taken samples of this block in any protocol that is configured. */
  get proven(): boolean {
    return this.#accepted().length > 0;
  }

  /** Milliseconds in which nothing may be sent: it asked for that, or the machine woke with a whole fleet. */
  get quietMs(): number {
    return Math.max(0, this.#quietUntil - this.#options.clock.monotonic());
  }

  /** Milliseconds in which nothing of the backlog may be sent: an outage ended for a whole fleet. */
  get backlogQuietMs(): number {
    return Math.max(0, this.#backlogQuietUntil - this.#options.clock.monotonic());
  }

  /** It took samples. */
  accept(protocol: string): void {
    this.#options.memory.accept(`${this.#receiver.target} ${protocol}`);
  }

  /** It read a request and judged it. */
  reached(): void {
    const { clock, log } = this.#options;
    if (this.#failingSince !== undefined) {
      const outageMs = clock.now() - this.#failingSince;
      log.info(`reached ${this.#receiver.id} again`, { outage_ms: outageMs });
      if (outageMs > longOutageMs) this.#backlogQuietUntil = clock.monotonic() + this.#jitter();
    }
    this.#failingSince = undefined;
    this.#refusals = this.#switches = 0;
    this.#backoff.reset();
    this.#status = "ok";
  }

  /** What the loop is at, which is reported unless the receiver fails. */
  report(status: DeliveryStatus): void {
    if (this.#failingSince === undefined || status === "stopped") this.#status = status;
  }

  /** How long to wait before the next try, in milliseconds. */
  failed({ code, reason, afterMs }: Retry): number {
    const waitMs = afterMs ?? this.#backoff.next();
    if (afterMs !== undefined) this.#beQuietFor(afterMs);
    if (this.#failingSince === undefined)
      this.#options.log.warn(`cannot deliver to ${this.#receiver.id}: ${reason}`, {
        code,
        retry_in_ms: Math.round(waitMs),
      });
    this.#fail("retrying");
    return waitMs;
  }

  /** How long to leave it alone, in milliseconds; it may know another protocol better than this one. */
  refused({ code, reason }: Refused): number {
    const waitMs = Math.min(firstProbeMs * 2 ** this.#refusals++, lastProbeMs);
    this.#options.log.error(`cannot deliver to ${this.#receiver.id}, it refuses us: ${reason}`, {
      code,
      probe_in_s: Math.round(waitMs / 1000),
    });
    this.#switches = 0;
    this.#fail("refused");
    this.fallBack();
    return waitMs;
  }

  /** How long to leave it alone, in milliseconds: 0, unless it only ever sends us from one protocol to the other. */
  switchTo({ protocol, reason }: Switch): number {
    const { log, backoff } = this.#options;
    this.#switches++;
    if (this.#switches <= switchLimit) {
      log.info(`switching ${this.#receiver.id} to ${protocol}: ${reason}`);
      this.#protocol = protocol;
      return 0;
    }
    log.error(`cannot agree with ${this.#receiver.id} on a protocol: ${reason}`);
    this.#switches = 0;
    this.#fail("retrying");
    return backoff.maxMs;
  }

  /** Goes on in the last protocol in which samples were taken, or else in the preferred one. */
  fallBack(): void {
    this.#protocol = this.#accepted().at(-1) ?? this.#receiver.protocols[0];
  }

  woke(): void {
    this.#backoff.reset();
    this.#beQuietFor(this.#jitter());
  }

  #accepted(): readonly string[] {
    const { target, protocols } = this.#receiver;
    const keys = new Map(protocols.map((protocol) => [`${target} ${protocol}`, protocol]));
    return this.#options.memory.accepted().flatMap((key) => keys.get(key) ?? []);
  }

  #fail(status: "retrying" | "refused"): void {
    this.#failingSince ??= this.#options.clock.now();
    this.#status = status;
  }

  #beQuietFor(ms: number): void {
    this.#quietUntil = Math.max(this.#quietUntil, this.#options.clock.monotonic() + ms);
  }

  #jitter(): number {
    return this.#options.random() * longestJitterMs;
  }
}

export interface ClockGuard {
  /** Learns the receiver's time from its answer: ours plus `skewMs`. False when no clock that is set can show it. */
  observe(skewMs: number): boolean;
  /** The newest sample time that may be sent now; unlimited while the receiver's time is not known. */
  newest(): number;
}

/** Samples this far ahead of the receiver are held; Prometheus itself refuses from 10 minutes on. */
const aheadLimitMs = 5 * 60_000;
/** No version of this program is older: a clock that is has lost its battery. */
const builtMs = Date.UTC(2025, 6, 1);
/** A sample is never taken later than now, but clocks are read one after the other. */
const slackMs = 1000;

/**
 * Guards receivers against a wrong clock here. A sample far in the receiver's future would be accepted by some and make every
 * healthy host's samples "out of bounds" afterwards, so such samples are held until their time has come.
 */
export function createClockGuard(receiver: string, clock: Clock, log: Logger): ClockGuard {
  /** Our wall clock minus our monotonic clock at the start: what is set since then may be wrong. */
  const started = clock.now() - clock.monotonic();
  /** The receiver's time minus our monotonic clock, which nobody sets: our wall clock may be wrong from now on. */
  let offset: number | undefined;
  /** Once, until a time is believed again. */
  let isDisbeliefLogged = false;

  /**
   * After this program was made, and within a day of a time that we had reason to believe, unless we have none. Beyond, either clock
   * may be the wrong one. Holding samples for a receiver's wrong clock would hold all of them for ever, so none are held.
   */
  function isBelieved(time: number): boolean {
    if (time < builtMs) return false;
    const ours = [clock.now(), clock.monotonic() + started].filter((one) => one >= builtMs);
    const known = offset === undefined ? ours : [...ours, clock.monotonic() + offset];
    return known.length === 0 || known.some((one) => Math.abs(time - one) <= mostSkewMs);
  }

  function logDisbelief(time: number): void {
    if (isDisbeliefLogged) return;
    isDisbeliefLogged = true;
    const [theirs, ours] = [time, clock.now()].map((one) => new Date(one).toISOString());
    log.warn(
      `unexpected time at ${receiver}: got ${theirs}, want at most 24 h from ${ours}; no samples are held back: set this machine's clock or the receiver's`,
      { skew_s: Math.round((time - clock.now()) / 1000) },
    );
  }

  return {
    observe(skewMs) {
      const time = clock.now() + skewMs;
      if (isBelieved(time)) {
        offset = time - clock.monotonic();
        isDisbeliefLogged = false;
      } else logDisbelief(time);
      return time >= builtMs;
    },
    // Ahead of both clocks is what a clock left behind that was set back since: sent now, it would put later samples out of order.
    newest() {
      if (offset === undefined) return Infinity;
      const theirs = clock.monotonic() + offset;
      return Math.min(theirs + aheadLimitMs, Math.max(theirs, clock.now()) + slackMs);
    },
  };
}
