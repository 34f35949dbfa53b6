/** HTTP clients for tests of the sink: one that never answers well, one that answers as the test says. */
import type { HttpClient, HttpReply, HttpRequest, HttpResponse } from "../../../src/runtime/http/client.ts";

export const deadClient: HttpClient = {
  send: () => Promise.resolve({ kind: "failure", code: "connect", reason: "cannot connect", durationMs: 1 }),
  renew: () => undefined,
  [Symbol.asyncDispose]: () => Promise.resolve(),
};

export interface ToldClient extends HttpClient {
  readonly requests: HttpRequest[];
  renewed: number;
  ended: number;
}

/** Gives the same reply to each request and keeps what it was asked. */
export function toldClient(reply: HttpReply): ToldClient {
  const client: ToldClient = {
    requests: [],
    renewed: 0,
    ended: 0,
    send(request) {
      client.requests.push(request);
      return Promise.resolve(reply);
    },
    renew() {
      client.renewed++;
    },
    [Symbol.asyncDispose]() {
      client.ended++;
      return Promise.resolve();
    },
  };
  return client;
}

export const receivedAt = Date.UTC(2026, 0, 1);

export function response(
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body: string | Uint8Array = "",
): HttpResponse {
  return {
    kind: "response",
    status,
    headers,
    body: typeof body === "string" ? Buffer.from(body) : Buffer.from(body),
    truncated: false,
    durationMs: 7,
    receivedAt,
  };
}

/** What a receiver that reads version 2 says about a request. */
export function written(samples: number): Record<string, string> {
  return {
    "x-prometheus-remote-write-samples-written": String(samples),
    "x-prometheus-remote-write-histograms-written": "0",
    "x-prometheus-remote-write-exemplars-written": "0",
  };
}
