/** Owns the body of a successful answer: whether the receiver took all of it. */
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from "@opentelemetry/otlp-transformer";
import * as z from "zod";
import type { HttpResponse } from "../../runtime/http/http.ts";

interface Partial {
  /** Data points. */
  readonly rejected: number;
  readonly message: string;
}

/** In protobuf's JSON mapping a 64-bit number is text, and a field at its default is left out. */
const responseSchema = z.object({
  partialSuccess: z
    .object({
      rejectedDataPoints: z.coerce.number().nonnegative().catch(0).default(0),
      errorMessage: z.string().catch("").default(""),
    })
    .nullish(),
});

/**
 * Undefined when everything was taken. A body that is no such answer says nothing against the status: sent again,
 * the samples would be stored twice.
 */
export function partialSuccess({
  headers,
  body,
}: Pick<HttpResponse, "headers" | "body">): Partial | undefined {
  if (body.length === 0) return undefined;
  const parsed = responseSchema.safeParse(read(headers["content-type"] ?? "", body), { jitless: true });
  const partial = parsed.success ? parsed.data.partialSuccess : undefined;
  if (partial === undefined || partial === null) return undefined;
  const { rejectedDataPoints: rejected, errorMessage: message } = partial;
  return rejected === 0 && message === "" ? undefined : { rejected, message };
}

function read(contentType: string, body: Buffer): unknown {
  try {
    if (/^\s*application\/json\b/i.test(contentType)) return JsonMetricsSerializer.deserializeResponse(body);
    if (/^\s*application\/(x-)?protobuf\b/i.test(contentType))
      return ProtobufMetricsSerializer.deserializeResponse(body);
  } catch {
    // A truncated message tells as much as none.
  }
  return undefined;
}
