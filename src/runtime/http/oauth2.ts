/**
 * OAuth 2.0 with client credentials (RFC 6749, section 4.4): a client whose requests carry a token that another client fetches.
 *
 *     send ─► a token that is not about to expire, or a new one ─► request ─┬─ 401 ─► once more with a new token
 *                                                                           └─ anything else
 */
import { causeOf } from "../cause.ts";
import { timeLeft, type Clock } from "../clock.ts";
import { printable } from "../printable.ts";
import type { KnownSecrets } from "../redact.ts";
import type { HttpClient, HttpFailure, HttpReply, HttpRequest } from "./client.ts";
import { basicToken, secretOf } from "./headers.ts";
import type { OauthSettings } from "./schema.ts";

/** A token is renewed this long before it expires, so that it does not do so on its way; as Go's client does. */
const renewEarlyMs = 10_000;

interface Token {
  readonly text: string;
  /** By the monotonic clock. */
  readonly expiresAt: number;
}

type Fetched = Token | HttpFailure;

export function withTokens(
  client: HttpClient,
  issuer: HttpClient,
  settings: OauthSettings,
  clock: Clock,
  known: KnownSecrets,
  warn: (message: string) => void,
): HttpClient {
  const fetchToken = tokenSource(issuer, settings, clock, known, warn);
  let token: Token | undefined;
  /** Requests that come while one is fetched wait for the same. */
  let fetching: Promise<Fetched> | undefined;

  async function current(request: HttpRequest): Promise<Fetched> {
    if (token !== undefined && clock.monotonic() < token.expiresAt) return token;
    fetching ??= fetchToken(request).finally(() => (fetching = undefined));
    const fetched = await fetching;
    token = "kind" in fetched ? undefined : fetched;
    return fetched;
  }

  async function once(request: HttpRequest, left: () => number): Promise<HttpReply> {
    const fetched = await current({ ...request, timeoutMs: left() });
    if ("kind" in fetched) return fetched;
    known.addPassing(fetched.text);
    const authorization = `Bearer ${fetched.text}`;
    return client.send({ ...request, timeoutMs: left(), headers: { ...request.headers, authorization } });
  }

  return {
    async send(request) {
      const left = timeLeft(request.timeoutMs, clock);
      const reply = await once(request, left);
      if (reply.kind !== "response" || reply.status !== 401) return reply;
      // It may have been withdrawn before its time.
      token = undefined;
      return once(request, left);
    },
    renew() {
      client.renew();
      issuer.renew();
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([client[Symbol.asyncDispose](), issuer[Symbol.asyncDispose]()]);
    },
  };
}

/** Fetches a new token, within the time that the request for which it is wanted may take. */
function tokenSource(
  issuer: HttpClient,
  settings: OauthSettings,
  clock: Clock,
  known: KnownSecrets,
  warn: (message: string) => void,
): (request: Pick<HttpRequest, "timeoutMs" | "signal">) => Promise<Fetched> {
  const secret = secretOf(settings.client_secret, settings.client_secret_file, known, warn);
  const url = new URL(settings.token_url);
  /** Where the client's credentials go: issuers take them in a header, and some in the body alone (RFC 6749, section 2.3.1). */
  let inBody = false;

  async function ask(text: string, { timeoutMs, signal }: Pick<HttpRequest, "timeoutMs" | "signal">) {
    const credentials = { client_id: settings.client_id, client_secret: text };
    return issuer.send({
      method: "POST",
      url,
      headers: {
        accept: "application/json",
        "content-type": "application/x-www-form-urlencoded",
        ...(!inBody && { authorization: basic(settings.client_id, text, known) }),
      },
      body: Buffer.from(formOf(settings, inBody ? credentials : {})),
      timeoutMs,
      ...(signal !== undefined && { signal }),
    });
  }

  return async (request) => {
    const started = clock.monotonic();
    const failed = (reason: string): HttpFailure => ({
      kind: "failure",
      code: "credentials",
      reason: `cannot get a token from ${url.origin}: ${reason}`,
      unsent: true,
      durationMs: clock.monotonic() - started,
    });
    let text: string;
    try {
      text = secret?.reveal() ?? "";
    } catch (error) {
      return failed(causeOf(error));
    }
    const left = timeLeft(request.timeoutMs, clock);
    let reply = await ask(text, request);
    if (reply.kind === "response" && (reply.status === 400 || reply.status === 401)) {
      inBody = !inBody;
      reply = await ask(text, { ...request, timeoutMs: left() });
    }
    if (reply.kind === "failure") return { ...failed(reply.reason), code: reply.code };
    if (reply.status !== 200) return failed(`unexpected status: got ${reply.status}${errorIn(reply.body)}`);
    return tokenIn(reply.body, clock.monotonic()) ?? failed("got no access_token in its answer");
  };
}

function formOf(
  { scopes, endpoint_params: params }: OauthSettings,
  credentials: Readonly<Record<string, string>>,
): string {
  const scope = scopes.length === 0 ? {} : { scope: scopes.join(" ") };
  return new URLSearchParams({
    grant_type: "client_credentials",
    ...scope,
    ...params,
    ...credentials,
  }).toString();
}

/** Both are encoded as in a form first, unlike other uses of this scheme (RFC 6749, section 2.3.1). */
function basic(id: string, secret: string, known: KnownSecrets): string {
  const encoded = (text: string): string => encodeURIComponent(text).replaceAll("%20", "+");
  return basicToken(encoded(id), encoded(secret), known);
}

/** What an issuer says of an error (RFC 6749, section 5.2), without its prose. */
function errorIn(body: Buffer): string {
  const { error } = jsonIn(body);
  return typeof error === "string" ? `, ${printable(error.slice(0, 60))}` : "";
}

function tokenIn(body: Buffer, now: number): Token | undefined {
  const { access_token: text, expires_in: seconds } = jsonIn(body);
  if (typeof text !== "string" || !/^[\x21-\x7e]+$/.test(text)) return undefined;
  const livesMs = Number(seconds ?? NaN) * 1000;
  const expiresAt = livesMs > 0 ? now + Math.max(livesMs - renewEarlyMs, livesMs / 2) : Infinity;
  return { text, expiresAt };
}

function jsonIn(body: Buffer): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(body.toString());
    return typeof json === "object" && json !== null ? (json as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
