/** Where an `otlp` block sends to; apart from its schema, which costs the daemon a library. */
import type { OtlpSettings } from "./schema.ts";

/** OpenTelemetry specification, "OTLP Exporter configuration", endpoint URLs for OTLP/HTTP. */
export function metricsUrl({
  endpoint,
  metrics_endpoint: full,
}: Pick<OtlpSettings, "endpoint" | "metrics_endpoint">): URL {
  if (full !== undefined) return new URL(full);
  const url = new URL(endpoint ?? "");
  url.pathname = `${url.pathname.replace(/(?<!\/)\/+$/, "")}/v1/metrics`;
  return url;
}
