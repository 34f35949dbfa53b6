/** What an answer to an OTLP export means (OTLP specification 1.x, "OTLP/HTTP Response", and the table of statuses). Pure. */
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import type { HttpReply, HttpResponse } from "../../runtime/http/client.ts";
import { commonOutcome, excerpt, failureOutcome, readAnswer, type Answer } from "../answer.ts";
import type { Outcome } from "../sink.ts";

/** @param sent samples in the body, end marks included */
export function classify(reply: HttpReply, sent: number): Outcome {
  if (reply.kind === "failure") return failureOutcome(reply);
  const answer = readAnswer(reply, "OTLP");
  return answer.meaning === "stored" ? delivered(answer, sent) : commonOutcome(answer);
}

/** A part that was rejected is never sent again: the receiver has stored the rest. */
function delivered({ reply }: Answer, sent: number): Outcome {
  const taken = { status: "delivered", code: String(reply.status) } as const;
  const partial = partialSuccess(reply);
  if (partial === undefined) return { ...taken, rejected: 0 };
  const rejected = Math.min(partial.rejected, sent);
  const message = partial.message === "" ? "" : `: ${excerpt(partial.message)}`;
  // A message without rejected points is a warning (OTLP specification, "Partial Success").
  const reason =
    partial.rejected > 0 ? `${partial.rejected} of ${sent} rejected${message}` : `warning${message}`;
  return { ...taken, rejected, reason };
}

interface PartialSuccess {
  /** Data points. */
  readonly rejected: number;
  readonly message: string;
}

/**
 * Undefined when everything was taken. A body that is no such answer says nothing against the status: sent again,
 * the samples would be stored twice.
 */
function partialSuccess({
  headers,
  body,
}: Pick<HttpResponse, "headers" | "body">): PartialSuccess | undefined {
  if (body.length === 0) return undefined;
  const partial = fieldsOf(fieldsOf(read(headers["content-type"] ?? "", body))["partialSuccess"]);
  const rejected = countOf(partial["rejectedDataPoints"]);
  const message = typeof partial["errorMessage"] === "string" ? partial["errorMessage"] : "";
  return rejected === 0 && message === "" ? undefined : { rejected, message };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown): Fields {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/**
 * In protobuf's JSON mapping a 64-bit number is text, and a field at its default is left out. What cannot be a count, a
 * fraction or a number below zero (2^64 less so many to the reader of protobuf), counts as none: samples are counted whole.
 */
function countOf(value: unknown): number {
  const count = Number(value ?? 0);
  return Number.isSafeInteger(count) && count >= 0 ? count : 0;
}

function read(contentType: string, body: Buffer): unknown {
  try {
    if (/^\s*application\/json\b/i.test(contentType)) return JsonMetricsSerializer.deserializeResponse(body);
    if (/^\s*application\/(x-)?protobuf\b/i.test(contentType))
      return ProtobufMetricsSerializer.deserializeResponse(body);
  } catch {
    // A truncated message counts as none.
  }
  return undefined;
}
