/** The headers of a request, with credentials as their files hold them now, and the dates in those of an answer. */
import type { KnownSecrets } from "../redact.ts";
import { fileSecret, type Secret } from "../secret.ts";
import type { HttpRequest } from "./client.ts";
import { credentialsIn } from "./receiver-url.ts";
import type { HttpSettings } from "./schema.ts";

export type Headers = Readonly<Record<string, string>>;

/** The headers of one request, weakest first: ours, the user's, authentication, the request's own. @throws Error where a secret can't be read. */
export type HeaderSource = (request: Pick<HttpRequest, "headers" | "url" | "body" | "method">) => Headers;

export function headerSource(settings: HttpSettings, known: KnownSecrets, warn: Warn): HeaderSource {
  const configured = Object.entries(settings.headers ?? {}).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  const authorize = authorization(settings, known, warn);
  return (request) => {
    for (const credential of credentialsIn(request.url)) known.addPassing(credential);
    return headersOf(request);
  };

  function headersOf(request: Parameters<HeaderSource>[0]): Headers {
    return {
      // Bodies are small and the agent never asks for compression, so a response can't be a decompression bomb.
      "accept-encoding": "identity",
      ...Object.fromEntries(configured.map(([name, value]) => [name, value.reveal()])),
      ...authorize(request.url),
      ...request.headers,
      ...contentLength(request),
    };
  }
}

function contentLength({ body, method }: Pick<HttpRequest, "body" | "method">): Headers {
  if (body !== undefined) return { "content-length": String(body.length) };
  return method === "POST" || method === "PUT" ? { "content-length": "0" } : {};
}

type Warn = (message: string) => void;

function authorization(settings: HttpSettings, known: KnownSecrets, warn: Warn): (url: URL) => Headers {
  const { basic_auth: basic, authorization: other } = settings;
  if (basic !== undefined) {
    const password = secretOf(basic.password, basic.password_file, known, warn);
    return () => ({ authorization: basicToken(basic.username, password?.reveal() ?? "", known) });
  }
  if (other !== undefined) {
    const credentials = secretOf(other.credentials, other.credentials_file, known, warn);
    return () => ({ authorization: checked(`${other.type} ${credentials?.reveal() ?? ""}`) });
  }
  return (url) => userInfo(url, "authorization", known);
}

/** The one of the two that is configured, read from its file each time where it is one. */
export function secretOf(
  literal: Secret | undefined,
  path: string | undefined,
  known: KnownSecrets,
  warn: Warn,
): Secret | undefined {
  return path === undefined ? literal : fileSecret(path, known, warn);
}

/** `user:password@` of a URL as a header, as Go's client does it. @throws URIError for a broken percent sequence */
export function userInfo(url: URL, header: string, known: KnownSecrets): Headers {
  if (url.username === "" && url.password === "") return {};
  const password = decodeURIComponent(url.password);
  known.add(password);
  return { [header]: basicToken(decodeURIComponent(url.username), password, known) };
}

/** RFC 7617 with UTF-8. */
export function basicToken(username: string, password: string, known: KnownSecrets): string {
  const token = Buffer.from(`${username}:${password}`).toString("base64");
  known.add(token);
  return `Basic ${token}`;
}

function checked(value: string): string {
  if (isFieldValue(value)) return value;
  throw new Error("credentials must be plain text, got characters that no header may hold");
}

/** What a header may hold (RFC 9110, section 5.5). */
export function isFieldValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

/** RFC 9110, section 5.6.7: the form to send, and two obsolete ones that a recipient must accept. */
const imfFixdate =
  /^[A-Z][a-z]{2}, \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const rfc850 =
  /^[A-Z][a-z]{5,8}, \d{2}-(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{2} \d{2}:\d{2}:\d{2} GMT$/;
const asctime =
  /^[A-Z][a-z]{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d{2}:\d{2}:\d{2} \d{4}$/;

/** Milliseconds since the Unix epoch, or nothing where the text is no HTTP date. */
export function parseHttpDate(text: string): number | undefined {
  const ms = imfFixdate.test(text) || rfc850.test(text) ? Date.parse(text) : parseAsctime(text);
  return Number.isNaN(ms) ? undefined : ms;
}

function parseAsctime(text: string): number {
  return asctime.test(text) ? Date.parse(`${text} GMT`) : NaN;
}

const longestRetryAfterMs = 3_600_000;

/**
 * Milliseconds that a `Retry-After` header asks for, as seconds or as an HTTP date (RFC 9110, section 10.2.3), at most
 * an hour. A date is the receiver's, so it counts from the answer's own `Date`, whatever our clock says. Zero, the past and
 * garbage are no answer: the caller's own backoff decides then.
 */
export function parseRetryAfter(
  value: string | undefined,
  nowMs: number,
  answeredAtMs?: number,
): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const waitMs = /^\d+$/.test(text)
    ? Number(text) * 1000
    : untilDate(parseHttpDate(text), nowMs, answeredAtMs);
  return waitMs > 0 ? Math.min(waitMs, longestRetryAfterMs) : undefined;
}

function untilDate(date = NaN, nowMs: number, answeredAtMs = nowMs): number {
  const theirs = date - answeredAtMs;
  const ours = date - nowMs;
  // A `Date` that is always the same, such as 1970, leaves our own clock to go by.
  return theirs > longestRetryAfterMs && ours > 0 && ours <= longestRetryAfterMs ? ours : theirs;
}
