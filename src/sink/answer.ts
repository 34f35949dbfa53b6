/** Reads an answer over HTTP as all protocols do: its meaning, its message for the log, its wait, the receiver's time. */
import { parseHttpDate, parseRetryAfter } from "../runtime/http/headers.ts";
import type { HttpReply, HttpResponse } from "../runtime/http/http.ts";
import { printable } from "../runtime/printable.ts";
import { knownSecrets } from "../runtime/redact.ts";
import { messageOf, unpacked } from "./answer-body.ts";
import type { Outcome, SendResult, Sink } from "./sink.ts";
import { meaningIn, rowOf, type Meaning, type ProtocolColumn } from "./statuses.ts";

/** An answer that was read: what it means, and one line for the log and the page. */
export interface Answer {
  readonly reply: HttpResponse;
  readonly meaning: Meaning;
  /** What the status alone means. */
  readonly byStatus: Meaning;
  /** The receiver's message in full. */
  readonly message: string;
  readonly reason: string;
}

/** By the table, and by what the body says where that keeps samples which the status alone would drop. */
export function readAnswer(raw: HttpResponse, protocol: ProtocolColumn): Answer {
  const reply = unpacked(raw);
  const row = rowOf(reply.status);
  const meaning = meaningIn(row, protocol);
  const message = messageOf(reply);
  const read = { reply, byStatus: meaning, message };
  if (meaning === "stored")
    return isPage(reply)
      ? { ...read, meaning: "moment", reason: pageReason }
      : { ...read, meaning, reason: "" };
  const kept = keepingMeaning(meaning, reply, message);
  const advice = kept === "request" ? (configurationAdvice(message) ?? row.advice) : undefined;
  const reason = unexpectedStatus(reply, message);
  return { ...read, meaning: kept, reason: advice === undefined ? reason : `${reason}; ${advice}` };
}

/** The outcome that all protocols agree on. */
export function commonOutcome({
  reply,
  meaning,
  byStatus,
  reason,
}: Answer): Exclude<Outcome, { status: "delivered" | "switch" }> {
  const code = String(reply.status);
  switch (meaning) {
    case "samples":
    case "stored":
      return { status: "rejected", code, reason };
    case "size":
      return { status: "too_large", code, reason, ...(byStatus === "moment" && { keep: true }) };
    case "protocol":
    case "request":
      return { status: "refused", code, reason };
    case "moment":
      return retryLater(reply, reason);
  }
}

/** A request that never got an answer. */
export function failureOutcome({ code, reason }: Extract<HttpReply, { kind: "failure" }>): Outcome {
  return { status: "retry", code, reason };
}

/**
 * The text of a body only ever keeps samples: a message about a limit or a configuration says nothing about the samples, and
 * a page comes from something in front of the receiver.
 */
function keepingMeaning(meaning: Meaning, reply: HttpResponse, message: string): Meaning {
  if (meaning !== "samples" && reply.status !== 500) return meaning;
  if (meaning === "samples" && configurationAdvice(message) !== undefined) return "request";
  if (sizeMessages.some((pattern) => pattern.test(message.slice(0, searchedLength)))) return "size";
  return isPage(reply) ? "moment" : meaning;
}

/** How net/http's MaxBytesReader, VictoriaMetrics, Mimir, gRPC, nginx and Envoy say that a request is too large; not a label or a rate. */
const sizeMessages = [
  /\b(?:request|body|payload|message|packet|content|block|entity|write)\b.{0,60}(?:too (?:large|big|long)\b|(?:larger|bigger) than|exceed)/i,
  /too (?:large|big|long)\b.{0,20}\b(?:request|body|payload|message|packet|block|entity|write)/i,
];

/** Only the start of a message is searched. */
const searchedLength = 1024;

/** Messages about a configuration, and what to do; the first that matches counts. */
const configurationMessages: readonly (readonly [RegExp, string])[] = [
  [/http request (?:was )?sent to (?:an )?https|request to an https server/i, "set https:// in the url"],
  [
    /(?:unsupported|unknown|invalid|unrecognized)[\W_]{1,3}(?:content|transfer)?[\W_]{0,2}(?:encoding|compression)|(?:encoding|compression).{0,40}not (?:supported|allowed|enabled)/i,
    "check the compression that the receiver takes",
  ],
  [
    /(?:unsupported|unknown|invalid|unexpected|unrecognized)[\W_]{1,3}(?:content|media)[\W_]{1,3}type/i,
    "check the url and the receiver's protocol",
  ],
  [/remote[- ]write (?:protocol )?version|(?:unsupported|unknown) proto/i, "set protobuf_message"],
  [
    /no org ?id|(?:missing|unknown|invalid|no) (?:tenant|org|account|project|organi[sz]ation)\b|tenant (?:id )?(?:not found|is missing|is required)|x-scope-orgid/i,
    "set the tenant in headers",
  ],
  [
    /unauthori[sz]ed|unauthenticated|forbidden|permission denied|(?:invalid|missing|expired|wrong) (?:api[- ]?key|token|credentials|authorization)/i,
    "check the credentials",
  ],
  [/header (?:or cookie|fields?) too large/i, "set fewer or shorter headers"],
];

function configurationAdvice(message: string): string | undefined {
  const text = message.slice(0, searchedLength);
  return configurationMessages.find(([pattern]) => pattern.test(text))?.[1];
}

/** A captive portal, or a proxy, answers anything with a page of its own: no receiver does. */
function isPage({ headers }: HttpResponse): boolean {
  return /^\s*text\/html\b/i.test(headers["content-type"] ?? "");
}

const pageReason = "unexpected answer: got a web page, want a receiver's answer: is this a captive portal?";

/** The same request again, not before the time that the receiver asked for. */
function retryLater(reply: HttpResponse, reason: string): Extract<Outcome, { status: "retry" }> {
  const { "retry-after": asked, date = "" } = reply.headers;
  const afterMs = parseRetryAfter(asked, reply.receivedAt, parseHttpDate(date));
  const again = { status: "retry", code: String(reply.status), reason } as const;
  return afterMs === undefined ? again : { ...again, afterMs };
}

/** One line: the status, where a redirect leads, and the start of the receiver's message. */
function unexpectedStatus(reply: HttpResponse, message: string): string {
  const location = reply.status >= 300 && reply.status < 400 ? reply.headers["location"] : undefined;
  const target = location === undefined ? "" : ` (redirect to ${excerpt(location)})`;
  return `unexpected status: got ${reply.status}, want 2xx${target}${quoted(message)}`;
}

/** `: ` and the first part of the text on one line; nothing for an empty one. */
export function quoted(message: string): string {
  const text = excerpt(message);
  return text === "" ? "" : `: ${text}`;
}

const longestBytes = 512;

/** A receiver may echo the request with its credentials: they are masked before the text is cut, since half of one would be missed. */
export function excerpt(text: string): string {
  const bytes = Buffer.from(knownSecrets.redact(text));
  if (bytes.length <= longestBytes) return printable(bytes.toString());
  let end = longestBytes;
  // Not in the middle of a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return printable(bytes.toString("utf8", 0, end));
}

/** The outcome with how long it took, and how far our clock is off where the answer names its time. */
export function resultOf(reply: HttpReply, outcome: Outcome): SendResult {
  const { durationMs } = reply;
  const date = reply.kind === "failure" ? undefined : parseHttpDate(reply.headers["date"] ?? "");
  if (reply.kind === "failure" || date === undefined) return { outcome, durationMs };
  return { outcome, durationMs, skewMs: date - reply.receivedAt };
}

/**
 * Until a receiver has taken samples of this block, a refusal may as well mean a wrong address or tenant: they are kept, and
 * offered again. Not so after OTLP's partial success, which must never be sent again (OTLP specification).
 */
export function untilAccepted(outcome: Outcome, sent: number, type: Sink["type"]): Outcome {
  const isNothingTaken =
    outcome.status === "rejected" ||
    (outcome.status === "delivered" && type !== "otlp" && sent > 0 && outcome.rejected >= sent);
  if (!isNothingTaken) return outcome;
  const { code, reason = "it took none of the samples" } = outcome;
  return { status: "refused", code, reason: `${reason}; ${neverAccepted}` };
}

const neverAccepted =
  "this receiver has taken nothing from this block yet, so the samples are kept: check the url and the receiver's log";
