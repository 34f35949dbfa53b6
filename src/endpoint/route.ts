/** A route of the endpoint: a path, its methods and what answers; and the ways to answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { acceptsGzip } from "./negotiate.ts";

export interface Exchange {
  readonly request: IncomingMessage;
  /** Carries the security headers already; a route may replace them. */
  readonly response: ServerResponse;
  /** What follows the `?`, raw; empty without one. */
  readonly query: string;
  /** Aborts when the endpoint stops: a stream of events ends then. */
  readonly signal: AbortSignal;
}

export interface Route {
  /** Compared with the raw path of the request: `/metrics`. */
  readonly path: string;
  /** GET answers HEAD too. */
  readonly methods: readonly ("GET" | "POST")[];
  /** Answers on the response. A throw is a bug: it is logged and becomes a 500. */
  handle(exchange: Exchange): void | Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: Uint8Array | string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a whole answer with its length; to a HEAD request without the body. */
export function reply(response: ServerResponse, { status, type, body, headers }: Answer): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": typeof body === "string" ? Buffer.byteLength(body) : body.length,
    ...headers,
  });
  response.end(body);
}

/** A status with one line of text that says why. */
export function replyText(
  response: ServerResponse,
  status: number,
  line: string,
  headers?: Answer["headers"],
): void {
  reply(response, {
    status,
    type: "text/plain; charset=utf-8",
    body: `${line}\n`,
    ...(headers && { headers }),
  });
}

/** Below it the body fits into one packet anyway. */
const leastWorthGzip = 1400;

export function wantsGzip({ headers }: IncomingMessage, { length }: Uint8Array): boolean {
  return length >= leastWorthGzip && acceptsGzip(headers["accept-encoding"]);
}

/** Sends an answer compressed where the client takes it: made for this request alone, so at the level that costs least. */
export function replyCompressed({ request, response }: Exchange, answer: Answer): void {
  const plain = typeof answer.body === "string" ? Buffer.from(answer.body) : answer.body;
  const gzip = wantsGzip(request, plain);
  const headers = {
    ...answer.headers,
    vary: "Accept-Encoding",
    ...(gzip && { "content-encoding": "gzip" }),
  };
  reply(response, { ...answer, body: gzip ? gzipSync(plain, { level: 1 }) : plain, headers });
}
