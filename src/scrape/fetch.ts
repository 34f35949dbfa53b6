/** Asks a target once: the request, the answer's status, size and form. Whatever is wrong with it is a value. */
import { gunzipSync } from "node:zlib";
import { causeOf, codeOf } from "../runtime/cause.ts";
import type { Clock } from "../runtime/clock.ts";
import type { HttpClient, HttpFailure, HttpResponse } from "../runtime/http/client.ts";
import { printable } from "../runtime/printable.ts";
import type { ExpositionFormat } from "./exposition.ts";
import type { ScrapeConfig, ScrapeProtocol } from "./schema.ts";
import type { Target } from "./targets.ts";

export type FetchReason =
  HttpFailure["code"] | "status" | "redirect" | "content_type" | "encoding" | "body_size";

export type Fetched =
  | { readonly ok: true; readonly body: Buffer; readonly format: ExpositionFormat }
  | { readonly ok: false; readonly reason: FetchReason; readonly message: string };

export interface FetchDeps {
  readonly clock: Pick<Clock, "monotonic">;
  readonly client: Pick<HttpClient, "send">;
  /** The agent's, for User-Agent. */
  readonly version: string;
}

export function createFetch(
  target: Pick<Target, "url" | "timeoutMs">,
  config: ScrapeConfig,
  { clock, client, version }: FetchDeps,
): (signal: AbortSignal) => Promise<Fetched> {
  const headers = {
    accept: acceptOf(config.scrape_protocols),
    "accept-encoding": config.enable_compression ? "gzip" : "identity",
    "user-agent": `mac-powermetrics-agent/${version}`,
    "x-prometheus-scrape-timeout-seconds": String(target.timeoutMs / 1000),
  };
  const request = { method: "GET", headers, needsBody: true } as const;
  return async (signal) => {
    const end = clock.monotonic() + target.timeoutMs;
    let url = target.url;
    for (let hops = 0; hops <= mostRedirects; hops++) {
      // All hops together have the time of one scrape.
      const timeoutMs = Math.max(0, Math.ceil(end - clock.monotonic()));
      const reply = await client.send({ ...request, url, timeoutMs, signal });
      if (reply.kind === "failure") return { ok: false, reason: reply.code, message: reply.reason };
      const next = config.follow_redirects ? redirectOf(reply, url) : undefined;
      if (next === undefined) return read(reply, config);
      if (next.origin !== url.origin && hasCredentials(config))
        return failed("redirect", `redirected to ${next.origin}, where its credentials must not go`);
      url = next;
    }
    return failed("redirect", `redirected more than ${mostRedirects} times`);
  };
}

/** As Go's client, which Prometheus uses. */
const mostRedirects = 10;

function redirectOf({ status, headers }: HttpResponse, from: URL): URL | undefined {
  const location = headers["location"];
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined;
  return URL.parse(location, from) ?? undefined;
}

function hasCredentials({ tls_config, ...config }: ScrapeConfig): boolean {
  const { basic_auth, authorization, oauth2, headers } = config;
  return [basic_auth, authorization, oauth2, headers, tls_config?.cert_file].some((one) => one !== undefined);
}

function failed(reason: FetchReason, message: string): Fetched {
  return { ok: false, reason, message };
}

function read(reply: HttpResponse, config: ScrapeConfig): Fetched {
  const { status, headers } = reply;
  if (status !== 200) return failed("status", `unexpected status: got ${status}, want 200`);
  const format = formatOf(headers["content-type"], config.fallback_scrape_protocol);
  if (format === undefined)
    return failed(
      "content_type",
      `unexpected content type: got ${typeText(headers["content-type"])}, want text/plain or application/openmetrics-text; where the target can't say better, set fallback_scrape_protocol`,
    );
  const most = config.body_size_limit;
  if (reply.truncated) return failed("body_size", tooLarge(most));
  const coding = (headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (coding === "identity" || coding === "") return { ok: true, body: reply.body, format };
  if (coding !== "gzip")
    return failed("encoding", `unexpected content encoding: got ${printable(coding)}, want gzip`);
  return unpacked(reply.body, format, most);
}

function unpacked(body: Buffer, format: ExpositionFormat, most: number): Fetched {
  try {
    return { ok: true, body: gunzipSync(body, { maxOutputLength: most }), format };
  } catch (error) {
    if (codeOf(error) === "ERR_BUFFER_TOO_LARGE") return failed("body_size", tooLarge(most));
    return failed("encoding", `cannot unpack the answer: ${causeOf(error)}`);
  }
}

function tooLarge(most: number): string {
  return `must have at most ${most} bytes by body_size_limit, got more`;
}

function typeText(type: string | undefined): string {
  return type === undefined ? "none" : JSON.stringify(printable(type.slice(0, 60)));
}

const openMetrics = "application/openmetrics-text";

function formatOf(type = "", fallback: ScrapeProtocol | undefined): ExpositionFormat | undefined {
  const [media = ""] = type.split(";");
  switch (media.trim().toLowerCase()) {
    case openMetrics:
      return "openmetrics";
    case "text/plain":
      return "text";
    default:
      return fallback === undefined ? undefined : fallback.startsWith("OpenMetrics") ? "openmetrics" : "text";
  }
}

const mediaTypes: Readonly<Record<ScrapeProtocol, string>> = {
  "PrometheusText0.0.4": "text/plain;version=0.0.4",
  "PrometheusText1.0.0": "text/plain;version=1.0.0;escaping=allow-utf-8",
  "OpenMetricsText0.0.1": `${openMetrics};version=0.0.1`,
  "OpenMetricsText1.0.0": `${openMetrics};version=1.0.0;escaping=allow-utf-8`,
};

/** The favoured one first, each weighed less than the one before; anything else last. */
function acceptOf(protocols: readonly ScrapeProtocol[]): string {
  const types = [...protocols.map((name) => mediaTypes[name]), "*/*"];
  return types.map((type, at) => `${type};q=0.${Math.max(1, types.length - at)}`).join(",");
}
