/** One request on the wire: from the socket to the last byte, a deadline, or a failure; ends exactly once. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { asLimit, type Clock } from "../clock.ts";
import { answerReader } from "./answer.ts";
import { faultOf, type Fault } from "./failure.ts";

export interface Terms {
  readonly clock: Clock;
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
 * `stale`: the server had closed a kept connection before it saw the request, which is worth a fresh one. `cut`: what there was of
 * an answer whose head was whole.
 */
export type Ended =
  Answer | { readonly kind: "fault"; readonly fault: Fault; readonly stale: boolean; readonly cut?: Answer };

/**
 *     open ──connect──► connected ──headers──► answering ──last byte──► ended
 *       └──── timeouts, abort, errors: each ends it, and destroys the socket ────┘
 */
export function exchange(request: ClientRequest, terms: Terms): Promise<Ended> {
  return new Promise((resolve) => {
    const stage: Stage = { connected: false, answering: false };
    const stops: (() => void)[] = [];
    let over = false;
    const end: End = (result, whole = false) => {
      if (over) return;
      over = true;
      const cut = result.kind === "fault" ? stage.answer?.() : undefined;
      const ended = cut === undefined ? result : { ...result, cut };
      for (const stop of stops) stop();
      // Without a whole answer, or with a body that was never read, the connection can't serve another request.
      if (!whole || !request.writableFinished) request.destroy();
      resolve(ended);
    };
    stops.push(...limits(terms, stage, end));
    listen(request, terms, stage, end);
    request.end(terms.body);
  });
}

/** The first call counts; `whole` says that the answer was read to its end. */
type End = (ended: Ended, whole?: boolean) => void;

interface Stage {
  connected: boolean;
  /** A byte of an answer has come, be it an interim one. */
  answering: boolean;
  /** What has come of the answer, once its final headers have. */
  answer?: () => Answer;
}

/** Starts what may end the exchange from our side; each function given back stops one of them. */
function limits(terms: Terms, stage: Stage, end: End): (() => void)[] {
  const { clock, connectTimeoutMs, timeoutMs, signals, target } = terms;
  const late = `cannot get an answer from ${target}: no whole answer in ${timeoutMs} ms`;
  const timers = [
    clock.after(timeoutMs, () => end(faulty("timeout", late)), asLimit(timeoutMs)),
    clock.after(
      connectTimeoutMs,
      () => {
        if (!stage.connected) end(connectTimeout(terms));
      },
      asLimit(connectTimeoutMs),
    ),
  ];
  const abort = (): void => end(faulty("aborted", `cannot finish the request to ${target}: aborted`));
  for (const signal of signals) signal.addEventListener("abort", abort, { once: true });
  return [
    ...timers.map((timer) => () => timer[Symbol.dispose]()),
    ...signals.map((signal) => () => signal.removeEventListener("abort", abort)),
  ];
}

/** The listeners stay for good: an error after the end would otherwise have nobody to go to, and end the process. */
function listen(request: ClientRequest, terms: Terms, stage: Stage, end: End): void {
  const { target, proxy } = terms;
  const fail = (error: unknown): void => {
    const fault = faultOf(error, { target, proxy, connected: stage.connected });
    const stale = request.reusedSocket && !stage.answering && fault.code === "reset";
    end({ kind: "fault", fault, stale });
  };
  request.once("socket", (socket) => {
    answerReader(socket).begin({ bodiless: request.method === "HEAD" });
    const connected = (): void => void (stage.connected = true);
    if (request.reusedSocket) connected();
    else socket.once("encrypted" in socket ? "secureConnect" : "connect", connected);
  });
  request.on("information", () => (stage.answering = true));
  request.on("upgrade", (_response, socket) => {
    socket.destroy();
    end(faulty("protocol", `unexpected answer from ${target}: got a switch of protocols, want HTTP`));
  });
  request.on("response", (response) => {
    stage.answering = true;
    stage.answer = receive(response, terms, end);
  });
  request.on("error", fail);
  request.on("close", () => {
    // From the headers on, the response itself knows best whether it was whole.
    if (stage.answer === undefined) fail(Object.assign(new Error("closed"), { code: "ECONNRESET" }));
  });
}

function faulty(code: Fault["code"], reason: string): Ended {
  return { kind: "fault", fault: { code, reason }, stale: false };
}

function connectTimeout({ target, proxy, connectTimeoutMs }: Terms): Ended {
  return proxy === undefined
    ? faulty("timeout", `cannot connect to ${target}: timed out after ${connectTimeoutMs} ms`)
    : faulty(
        "proxy",
        `cannot connect to ${target} through proxy ${proxy}: timed out after ${connectTimeoutMs} ms`,
      );
}

/** Returns what there is of the answer so far. */
function receive(
  response: IncomingMessage,
  { clock, maxBodyBytes, maxReadBytes, target }: Terms,
  end: End,
): () => Answer {
  const receivedAt = clock.now();
  const chunks: Buffer[] = [];
  let length = 0;
  const answer = (truncated: boolean): Answer => ({
    kind: "answer",
    status: response.statusCode ?? 0,
    headers: plainHeaders(response),
    body: Buffer.concat(chunks),
    truncated,
    receivedAt,
  });
  response.on("data", (chunk: Buffer) => {
    // A copy: a slice would keep the whole read buffer alive.
    if (length < maxBodyBytes) chunks.push(Buffer.from(chunk.subarray(0, maxBodyBytes - length)));
    length += chunk.length;
    if (length > maxReadBytes) end(answer(true));
  });
  response.on("end", () => end(answer(length > maxBodyBytes), true));
  // A reset is reported by the request; the response only knows that it was cut short.
  response.on("error", () => undefined);
  response.on("close", () =>
    end(faulty("protocol", `unexpected end of the answer from ${target}: connection closed in the middle`)),
  );
  return () => answer(true);
}

function plainHeaders(response: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, values] of Object.entries(response.headersDistinct))
    if (values !== undefined) headers[name] = values.join(", ");
  return headers;
}
