/** Owns what every protocol reads alike in an answer over HTTP: pages, words for the log, waits, the receiver's time. */
import { parseRetryAfter } from "../runtime/backoff.ts";
import { parseHttpDate } from "../runtime/http/date.ts";
import type { HttpReply, HttpResponse } from "../runtime/http/http.ts";
import { knownSecrets } from "../runtime/redact.ts";
import type { Outcome } from "./sink.ts";

/** A captive portal, or a proxy, answers anything with a page of its own: no receiver does. */
export function isPage({ headers }: HttpResponse): boolean {
  return /^\s*text\/html\b/i.test(headers["content-type"] ?? "");
}

export const pageReason =
  "unexpected answer: got a web page, want a receiver's answer: is this a captive portal?";

/** The same request again, not before the time that the receiver asked for. */
export function retryLater(reply: HttpResponse, reason: string): Outcome {
  const afterMs = parseRetryAfter(reply.headers["retry-after"], reply.receivedAt);
  const again = { status: "retry", code: String(reply.status), reason } as const;
  return afterMs === undefined ? again : { ...again, afterMs };
}

/** What a status means to every protocol alike; undefined where each has its own view. */
export function commonRefusal({ status }: HttpResponse, reason: string): Outcome | undefined {
  const code = String(status);
  switch (status) {
    case 401:
    case 403:
    case 404:
    case 407:
      return { status: "refused", code, reason };
    case 413:
      return { status: "too_large", code, reason };
    default:
      return undefined;
  }
}

/** One line: the status, where a redirect leads, and the beginning of the body as it is (WIRE.md 1, duty 9). */
export function unexpectedStatus(reply: HttpResponse): string {
  const location = reply.status >= 300 && reply.status < 400 ? reply.headers["location"] : undefined;
  const target = location === undefined ? "" : ` (redirect to ${excerpt(location)})`;
  return `unexpected status: got ${reply.status}, want 2xx${target}${bodyText(reply)}`;
}

/** `: ` and the beginning of the body on one line; nothing for an empty one. */
export function bodyText({ body }: Pick<HttpResponse, "body">): string {
  const text = excerpt(body.toString("utf8").trim());
  return text === "" ? "" : `: ${text}`;
}

const longestText = 512;

/** A receiver may send back what it was sent, credentials too: masked first, so that none is cut in half and missed. */
export function excerpt(text: string): string {
  return printable(knownSecrets.redact(text).slice(0, longestText));
}

/** Control and format characters (line breaks, terminal escapes, text direction) spelled out. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    if (character === "\n") return "\\n";
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

/** Only an answer that names its time tells how far our clock is off. */
export function skewOf(reply: HttpReply): { skewMs?: number } {
  if (reply.kind === "failure") return {};
  const date = parseHttpDate(reply.headers["date"] ?? "");
  return date === undefined ? {} : { skewMs: date - reply.receivedAt };
}
