/** Reads an answer over HTTP as all protocols do: its meaning, its message for the log, its wait, the receiver's time. */
import type { ZlibOptions } from "node:zlib";
import type { HttpFailure, HttpReply, HttpResponse } from "../runtime/http/client.ts";
import { parseHttpDate, parseRetryAfter } from "../runtime/http/headers.ts";
import { printable } from "../runtime/printable.ts";
import { knownSecrets } from "../runtime/redact.ts";
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
export function failureOutcome({ code, reason, unsent }: HttpFailure): Outcome {
  return { status: "retry", code, reason, ...(unsent && { notStored: true }) };
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
  return {
    status: "retry",
    code: String(reply.status),
    reason,
    ...(afterMs !== undefined && { afterMs }),
    // Who is too busy has not read it.
    ...(reply.status === 429 && { notStored: true }),
  };
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

const mostBytes = 256 * 1024;

/** Some gateways compress their errors although nobody asked for it. What can't be unpacked is named instead. */
function unpacked(reply: HttpResponse): HttpResponse {
  const coding = (reply.headers["content-encoding"] ?? "").trim().toLowerCase();
  if (reply.body.length === 0 || coding === "" || coding === "identity") return reply;
  return { ...reply, body: unpack(reply.body, coding) ?? Buffer.from(`(${coding || "packed"})`) };
}

/** All of it, or where that is too much, the first part: 1 KB packed is at most 1 MB. */
function unpack(body: Buffer, coding: string): Buffer | undefined {
  return (
    unpackUpTo(body, coding, mostBytes) ?? unpackUpTo(body.subarray(0, 1024), coding, 4 * mostBytes + 65_536)
  );
}

function unpackUpTo(body: Buffer, coding: string, maxOutputLength: number): Buffer | undefined {
  const zlib = process.getBuiltinModule("node:zlib");
  const { Z_SYNC_FLUSH, BROTLI_OPERATION_FLUSH, ZSTD_e_flush } = zlib.constants;
  // A body that was cut off gives what there is of it.
  const options: ZlibOptions = { maxOutputLength, finishFlush: Z_SYNC_FLUSH };
  try {
    switch (coding) {
      case "gzip":
      case "x-gzip":
        return zlib.gunzipSync(body, options);
      case "deflate":
        // With or without zlib's own frame around it (RFC 9110, section 8.4.1.2).
        return ((body[0] ?? 0) & 0x0f) === 8
          ? zlib.inflateSync(body, options)
          : zlib.inflateRawSync(body, options);
      case "br":
        return zlib.brotliDecompressSync(body, { maxOutputLength, finishFlush: BROTLI_OPERATION_FLUSH });
      case "zstd":
        return zlib.zstdDecompressSync(body, { maxOutputLength, finishFlush: ZSTD_e_flush });
      default:
        return undefined;
    }
  } catch {
    return undefined;
  }
}

/** What the body says for people: only its message where it is JSON or a google.rpc.Status. Trimmed text; empty where there is none. */
function messageOf({ headers, body, truncated }: HttpResponse): string {
  const type = headers["content-type"] ?? "";
  if (/^\s*application\/(?:x-)?protobuf\b/i.test(type)) {
    const message = statusMessage(body);
    if (message !== undefined) return message.trim();
  }
  const text = body.toString("utf8").trim();
  const isJson = !truncated && (/\bjson\b/i.test(type) || text.startsWith("{"));
  return (isJson ? jsonMessage(text) : undefined) ?? text;
}

/** google.rpc.Status{1 code, 2 message}, with which OTLP receivers refuse (OTLP specification, "Failures"). */
function statusMessage(body: Buffer): string | undefined {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; at < body.length && factor < 2 ** 49; factor *= 128) {
      const byte = body[at++] ?? 0;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    return Infinity;
  };
  while (at < body.length) {
    const tag = varint();
    if (tag === 0x08) varint();
    else if (tag % 8 !== 2) return undefined;
    else {
      const end = varint() + at;
      if (end > body.length) return undefined;
      if (tag === 0x12) return body.toString("utf8", at, end);
      at = end;
    }
  }
  return undefined;
}

/** Where the receivers of this field put it: google.rpc.Status, VictoriaMetrics and Prometheus' API, gateways. */
const messageKeys = [
  "message",
  "error",
  "errorMessage",
  "error_description",
  "detail",
  "msg",
  "reason",
  "title",
];

function jsonMessage(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value === "string") return value.trim();
  return messageIn(value, 3);
}

function messageIn(value: unknown, depth: number): string | undefined {
  if (typeof value !== "object" || value === null || depth === 0) return undefined;
  const fields = new Map<string, unknown>(Object.entries(value));
  for (const key of messageKeys) {
    const found = fields.get(key);
    if (typeof found === "string" && found.trim() !== "") return found.trim();
    const inner = messageIn(found, depth - 1);
    if (inner !== undefined) return inner;
  }
  return messageIn(Array.isArray(value) ? value[0] : fields.get("errors"), depth - 1);
}
