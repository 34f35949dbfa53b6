/** Decides who may ask: what stands between a request and its route. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock } from "../runtime/clock.ts";
import {
  createAuthenticator,
  parseCredentials,
  type Authenticator,
  type Compare,
  type Verdict,
} from "./authenticate.ts";
import { createBucket } from "./bucket.ts";
import { replyText } from "./route.ts";
import type { Web, WebState } from "./web.ts";

export interface Protection {
  /** Response headers that the user configured, over the endpoint's own. */
  headers(): readonly (readonly [name: string, value: string])[];
  /** Calls `serve` at once or later, or answers in its place. */
  admit(
    request: IncomingMessage,
    response: ServerResponse,
    serve: () => Promise<void> | undefined,
  ): Promise<void> | undefined;
}

/** Without a web configuration everybody who gets as far as this may ask. */
export const openProtection: Protection = {
  headers: () => [],
  admit: (_request, _response, serve) => serve(),
};

/** Rate limit and passwords as the web configuration has them at each request. */
export function webProtection(web: Web, compare: Compare, clock: Pick<Clock, "monotonic">): Protection {
  const authenticator = createAuthenticator(compare, clock);
  let limited: WebState["rateLimit"] | undefined;
  let bucket = createBucket(0, 0);

  function isWithinRate({ rateLimit }: WebState): boolean {
    if (rateLimit !== limited) bucket = createBucket(rateLimit.burst, rateLimit.intervalMs);
    limited = rateLimit;
    return bucket.take(clock.monotonic());
  }

  return {
    headers() {
      const state = web.current();
      return typeof state === "string" ? [] : state.headers;
    },
    admit(request, response, serve) {
      const settle = (verdict: Verdict): Promise<void> | undefined => {
        if (verdict === "admitted") return serve();
        turnAway(response, verdict);
        return undefined;
      };
      const state = web.current();
      // A server without a configuration is not started, so this is the last line of defence.
      if (typeof state === "string" || !isWithinRate(state)) return settle("busy");
      const verdict = verify(request, state, authenticator);
      return typeof verdict === "string" ? settle(verdict) : verdict.then(settle);
    },
  };
}

function verify(
  { headers, socket }: IncomingMessage,
  { users }: WebState,
  authenticator: Authenticator,
): Verdict | Promise<Verdict> {
  if (users.size === 0) return "admitted";
  const credentials = parseCredentials(headers.authorization);
  if (credentials === undefined) return "refused";
  return authenticator.verify(users, credentials, socket.remoteAddress ?? "");
}

function turnAway(response: ServerResponse, verdict: "refused" | "busy"): void {
  if (verdict === "busy")
    replyText(response, 429, "too many requests or wrong passwords", { "retry-after": "10" });
  else
    replyText(response, 401, "unauthorized", {
      "www-authenticate": 'Basic realm="mac-powermetrics-agent", charset="UTF-8"',
    });
}
