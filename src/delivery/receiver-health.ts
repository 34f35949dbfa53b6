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
import type { DeliveryStatus } from "./types.ts";

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
/** At most this long between wake, or the end of a long outage, and what follows it. */
const herdMs = 30_000;
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
      if (outageMs > longOutageMs) this.#backlogQuietUntil = clock.monotonic() + this.#herdDelay();
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
    this.#beQuietFor(this.#herdDelay());
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

  #herdDelay(): number {
    return this.#options.random() * herdMs;
  }
}
