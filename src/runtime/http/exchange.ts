/** One request on the wire: from the connection to the last byte, a deadline, or a failure; ends exactly once. */
import { startLimit, type Clock, type Timer } from "../clock.ts";
import { AnswerReader, type AnswerHead, type AnswerListener, type Reading } from "./answer.ts";
import type { ConnectionUser } from "./connection.ts";
import type { Lease } from "./connections.ts";
import { faultOf, type Fault } from "./failure.ts";

export interface ExchangeOptions {
  readonly clock: Clock;
  /** The request up to its empty line. */
  readonly head: string;
  readonly body: Uint8Array | undefined;
  readonly connectTimeoutMs: number;
  readonly timeoutMs: number;
  readonly maxBodyBytes: number;
  readonly maxReadBytes: number;
  readonly target: string;
  readonly proxy: string | undefined;
  /** Any of them ends the exchange. */
  readonly signals: readonly AbortSignal[];
}

export interface Answer {
  readonly kind: "answer";
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** There was more of it, or was to be more. */
  readonly truncated: boolean;
  readonly receivedAt: number;
}

/**
 * `stale`: the server had closed a kept connection before it saw the request, which is worth a fresh one. `sent`: the server may have
 * got some of the request. `cut`: what there was of an answer whose head was whole.
 */
export type Ended =
  | Answer
  | {
      readonly kind: "fault";
      readonly fault: Fault;
      readonly stale: boolean;
      readonly sent: boolean;
      readonly cut?: Answer;
    };

/**
 *     open ──connect──► connected ──head──► answering ──last byte──► ended
 *       └──── timeouts, abort, errors: each ends it, and closes the connection ────┘
 */
export function exchange(lease: Lease, options: ExchangeOptions): Promise<Ended> {
  return new Promise((resolve) => {
    new Exchange(lease, options, resolve).begin();
  });
}

class Exchange implements ConnectionUser, AnswerListener {
  readonly #lease: Lease;
  readonly #options: ExchangeOptions;
  readonly #reader: AnswerReader;
  readonly #timers: Timer[] = [];
  /** Absent once it is over. */
  #resolve: ((ended: Ended) => void) | undefined;
  #sent = false;
  /** The system has taken the whole request. */
  #written = false;
  /** Something of an answer has come: the server has seen the request, which is not sent again then. */
  #answering = false;
  #head: (AnswerHead & { readonly receivedAt: number }) | undefined;
  /** What is kept of the body, with room for more. */
  #body = nothing;
  /** Of the body so far, kept or not. */
  #length = 0;
  readonly #link: Link = { to: this };
  readonly #abort = calling(this.#link, "abort");

  constructor(lease: Lease, options: ExchangeOptions, resolve: (ended: Ended) => void) {
    this.#lease = lease;
    this.#options = options;
    this.#resolve = resolve;
    this.#reader = new AnswerReader(this);
  }

  begin(): void {
    const { clock, timeoutMs, connectTimeoutMs, signals } = this.#options;
    const { connection } = this.#lease;
    this.#timers.push(startLimit(clock, timeoutMs, calling(this.#link, "late")));
    if (!connection.isReady) {
      const unconnected = calling(this.#link, "unconnected");
      this.#timers.push(startLimit(clock, connectTimeoutMs, unconnected));
    }
    for (const signal of signals) signal.addEventListener("abort", this.#abort, { once: true });
    connection.use(this);
  }

  late(): void {
    const { target, timeoutMs } = this.#options;
    this.#fail("timeout", `cannot get an answer from ${target}: no whole answer in ${timeoutMs} ms`);
  }

  unconnected(): void {
    if (!this.#lease.connection.isReady) this.#lose(connectTimeout(this.#options));
  }

  abort(): void {
    this.#fail("aborted", `cannot finish the request to ${this.#options.target}: aborted`);
  }

  ready(): void {
    const { head, body } = this.#options;
    this.#sent = true;
    this.#lease.connection.write(head, body, () => (this.#written = true));
  }

  take(bytes: Buffer): void {
    this.#answering = true;
    this.#settle(this.#reader.take(bytes));
  }

  end(): void {
    const reading = this.#reader.end();
    if (reading.status === "whole") this.#settle(reading);
    else if (this.#head !== undefined)
      this.#fail(
        "protocol",
        `unexpected end of the answer from ${this.#options.target}: connection closed in the middle`,
      );
  }

  lost(error: unknown): void {
    const { target, proxy } = this.#options;
    const { isReady, reused } = this.#lease.connection;
    const fault = faultOf(error, { target, proxy, connected: isReady });
    this.#lose(fault, reused && !this.#answering && fault.code === "reset");
  }

  head(head: AnswerHead, isInterim: boolean): void {
    if (!isInterim) this.#head = { ...head, receivedAt: this.#options.clock.now() };
  }

  body(bytes: Buffer): void {
    const { maxBodyBytes, maxReadBytes } = this.#options;
    // A copy, in one piece: a slice would keep the whole read buffer alive, and a buffer for each chunk of a byte would take a hundred.
    this.#reserve(Math.min(this.#length + bytes.length, maxBodyBytes));
    if (this.#length < maxBodyBytes) bytes.copy(this.#body, this.#length);
    this.#length += bytes.length;
    const answer = this.#length > maxReadBytes ? this.#answer(true) : undefined;
    if (answer !== undefined) this.#end(answer);
  }

  /** Twice as much as before, so that a body is copied a few times only. */
  #reserve(length: number): void {
    const { length: had } = this.#body;
    if (length <= had) return;
    const next = Buffer.allocUnsafe(Math.max(length, Math.min(2 * had, this.#options.maxBodyBytes)));
    this.#body.copy(next);
    this.#body = next;
  }

  #settle(reading: Reading): void {
    if (reading.status === "nonsense")
      this.#fail("protocol", `unexpected answer from ${this.#options.target}: ${reading.reason}`);
    if (reading.status !== "whole") return;
    const answer = this.#answer(this.#length > this.#options.maxBodyBytes);
    if (answer !== undefined) this.#end(answer, reading.persistent);
  }

  /** What has come of it; absent before its head. */
  #answer(truncated: boolean): Answer | undefined {
    if (this.#head === undefined) return undefined;
    const { status, headers, receivedAt } = this.#head;
    const body = this.#body.subarray(0, this.#length);
    return { kind: "answer", status, headers, body, truncated, receivedAt };
  }

  #fail(code: Fault["code"], reason: string): void {
    this.#lose({ code, reason });
  }

  #lose(fault: Fault, stale = false): void {
    this.#end({ kind: "fault", fault, stale, sent: this.#sent });
  }

  /** The first call counts. @param keeps whether the answer was read to its end and lets the connection serve on */
  #end(result: Ended, keeps = false): void {
    const resolve = this.#resolve;
    if (resolve === undefined) return;
    this.#resolve = undefined;
    this.#link.to = undefined;
    for (const timer of this.#timers) timer[Symbol.dispose]();
    for (const signal of this.#options.signals) signal.removeEventListener("abort", this.#abort);
    // With a body that was never read, the connection can't serve another request.
    if (keeps && this.#written) this.#lease.keep(this.#head?.headers["keep-alive"]);
    else this.#lease.connection.close();
    const cut = result.kind === "fault" ? this.#answer(true) : undefined;
    resolve(result.kind === "answer" || cut === undefined ? result : { ...result, cut });
  }
}

const nothing = Buffer.alloc(0);

/**
 * What a signal holds of an exchange, which nobody keeps once it is over: V8 links what was in a signal's list to what comes after,
 * so that each exchange, with its batch, would wait for a full collection.
 */
interface Link {
  to: Exchange | undefined;
}

function calling(link: Link, what: "late" | "unconnected" | "abort"): () => void {
  return () => link.to?.[what]();
}

function connectTimeout({ target, proxy, connectTimeoutMs }: ExchangeOptions): Fault {
  const through = proxy === undefined ? "" : ` through proxy ${proxy}`;
  return {
    code: proxy === undefined ? "timeout" : "proxy",
    reason: `cannot connect to ${target}${through}: timed out after ${connectTimeoutMs} ms`,
  };
}
