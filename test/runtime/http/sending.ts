/** Sends requests by the client in tests, and checks its replies. */
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { systemClock } from "../../../src/runtime/clock.ts";
import {
  createHttpClient,
  type HttpClient,
  type HttpClientDeps,
  type HttpFailure,
  type HttpLimits,
  type HttpReply,
  type HttpRequest,
  type HttpResponse,
} from "../../../src/runtime/http/client.ts";
import type { HttpSettings } from "../../../src/runtime/http/schema.ts";

export function client(
  t: TestContext,
  settings: HttpSettings = {},
  deps: Partial<HttpClientDeps> = {},
  limits?: HttpLimits,
): HttpClient {
  const made = createHttpClient(settings, { clock: systemClock, env: {}, ...deps }, limits);
  t.after(() => made[Symbol.asyncDispose]());
  return made;
}

export function post(url: URL, more: Partial<HttpRequest> = {}): HttpRequest {
  return {
    method: "POST",
    url,
    headers: { "content-type": "text/plain" },
    body: Buffer.from("hello"),
    timeoutMs: 5000,
    ...more,
  };
}

export function answered(reply: HttpReply): HttpResponse {
  assert.equal(reply.kind, "response", JSON.stringify(reply));
  return reply;
}

export function failed(reply: HttpReply, code: HttpFailure["code"], reason: RegExp): void {
  assert.equal(reply.kind, "failure", JSON.stringify(reply));
  const failure = reply;
  assert.equal(failure.code, code, failure.reason);
  assert.match(failure.reason, reason);
}
