/** Owns what an answer to an OTLP export means (OTLP specification 1.x, "OTLP/HTTP Response"; WIRE.md 2). Pure. */
import protobuf from "protobufjs/minimal.js";
import type { HttpReply, HttpResponse } from "../../runtime/http/http.ts";
import { commonRefusal, excerpt, isPage, pageReason, retryLater, unexpectedStatus } from "../answer.ts";
import type { Outcome } from "../sink.ts";
import { partialSuccess } from "./partial-success.ts";

/** @param sent samples in the body, end marks included */
export function classify(reply: HttpReply, sent: number): Outcome {
  if (reply.kind === "failure") return { status: "retry", code: reply.code, reason: reply.reason };
  const { status } = reply;
  if (status >= 200 && status < 300)
    return isPage(reply) ? retryLater(reply, pageReason) : delivered(reply, sent);
  return refusal(reply);
}

/** A part that was rejected is never sent again: the receiver has stored the rest. */
function delivered(reply: HttpResponse, sent: number): Outcome {
  const answer = { status: "delivered", code: String(reply.status) } as const;
  const partial = partialSuccess(reply);
  if (partial === undefined) return { ...answer, rejected: 0 };
  const rejected = Math.min(partial.rejected, sent);
  const message = partial.message === "" ? "" : `: ${excerpt(partial.message)}`;
  // A message without rejected points is a warning (OTLP specification, "Partial Success").
  const reason =
    partial.rejected > 0 ? `${partial.rejected} of ${sent} rejected${message}` : `warning${message}`;
  return { ...answer, rejected, reason };
}

/** The only statuses that the specification lets be sent again; 500 is final, unlike in remote write. */
const passing = new Set([429, 502, 503, 504]);

function refusal(reply: HttpResponse): Outcome {
  const reason = wordsFor(reply);
  const common = commonRefusal(reply, reason);
  if (common !== undefined) return common;
  return passing.has(reply.status) || !isFinal(reply)
    ? retryLater(reply, reason)
    : { status: "rejected", code: String(reply.status), reason };
}

/** A redirect, a page, and numbers that are no HTTP status (999) are nobody's word on the samples. */
function isFinal(reply: HttpResponse): boolean {
  return reply.status >= 400 && reply.status < 600 && !isPage(reply);
}

function wordsFor(reply: HttpResponse): string {
  const message = statusMessage(reply);
  return unexpectedStatus(message === undefined ? reply : { ...reply, body: Buffer.from(message) });
}

/** Failures come as google.rpc.Status{1 code, 2 message}; in protobuf that is no text to print. */
function statusMessage({ headers, body }: HttpResponse): string | undefined {
  if (!/^\s*application\/(x-)?protobuf\b/i.test(headers["content-type"] ?? "")) return undefined;
  try {
    const reader = protobuf.Reader.create(body);
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag === 0x12) return reader.string();
      reader.skipType(tag & 7);
    }
  } catch {
    // Whatever it is, its beginning is told as it stands.
  }
  return undefined;
}
