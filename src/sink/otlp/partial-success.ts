/** Reads the body of a successful answer: whether the receiver took all of it. */
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import type { HttpResponse } from "../../runtime/http/http.ts";

interface Partial {
  /** Data points. */
  readonly rejected: number;
  readonly message: string;
}

/**
 * Undefined when everything was taken. A body that is no such answer says nothing against the status: sent again,
 * the samples would be stored twice.
 */
export function partialSuccess({
  headers,
  body,
}: Pick<HttpResponse, "headers" | "body">): Partial | undefined {
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
