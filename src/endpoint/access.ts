/**
 * Decides who may ask. By host name first: a web page can make its own name resolve to 127.0.0.1 (DNS rebinding) and read an endpoint
 * without authentication; the name in `Host` gives it away. Then by rate limit and password.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isIP } from "node:net";
import { isLoopback } from "../runtime/address.ts";
import type { Clock } from "../runtime/clock.ts";
import {
  createAuthenticator,
  createBucket,
  parseCredentials,
  type Authenticator,
  type Compare,
  type Verdict,
} from "./authenticate.ts";
import { replyText } from "./route.ts";
import type { LiveWebConfig, WebState } from "./web-config.ts";

export interface Hosts {
  /**
   * @param host the `Host` header, with or without port; absent in HTTP/1.0, which no browser speaks
   * @param localAddress where the connection arrived
   */
  allows(host: string | undefined, localAddress: string | undefined): boolean;
}

interface HostSettings {
  /** Hosts of the listen addresses. */
  readonly listening: readonly string[];
  /** This machine's own names. */
  readonly own: readonly string[];
  /** Further names; `*` for any, `*.example.com` for all below. */
  readonly allowed: readonly string[];
}

/** Loopback, the listen addresses, the address the connection came in by, the machine's names, and those allowed. */
export function createHosts({ listening, own, allowed }: HostSettings): Hosts {
  const names = new Set([...listening, ...own.flatMap(namesOf), ...allowed].map(canonical));
  names.delete("");
  const suffixes = allowed.filter((name) => name.startsWith("*.")).map((name) => canonical(name.slice(1)));
  return {
    allows(host, localAddress) {
      if (host === undefined || names.has("*")) return true;
      const name = canonical(host);
      return (
        isLoopback(name) ||
        names.has(name) ||
        (name === localAddress?.replace(/^::ffff:/, "") && isIP(name) !== 0) ||
        suffixes.some((suffix) => name.endsWith(suffix))
      );
    },
  };
}

/** A Mac is known by its name, the name without its domain, and that with Bonjour's. */
function namesOf(hostname: string): readonly string[] {
  const [short = ""] = hostname.split(".", 1);
  return short === "" ? [] : [hostname, short, `${short}.local`];
}

/** Lower case, without port, brackets and the root's dot. */
function canonical(host: string): string {
  const text = host.trim().toLowerCase();
  // To recognize IPv6, Node.js compiles an expression for 4 ms: only what has two colons is asked about.
  if (/:.*:/.test(text) && isIP(text) === 6) return text;
  const bracketed = /^\[([^\]]*)\](?::[0-9]*)?$/.exec(text)?.[1];
  return bracketed ?? text.replace(/:[0-9]*$/, "").replace(/\.$/, "");
}

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
export function webProtection(
  web: LiveWebConfig,
  compare: Compare,
  clock: Pick<Clock, "monotonic">,
): Protection {
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
