/** Addresses of receivers: where requests go, what people may see of it, and what tells one receiver from another. */
import { createHash } from "node:crypto";
import type { HttpSettings } from "../runtime/http/schema.ts";

/** A path below a base address, which may end with a slash or not. */
export function below(base: URL, path: string): URL {
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/(?<!\/)\/+$/, "")}/${path}`;
  return url;
}

/** OpenTelemetry specification, "OTLP Exporter configuration", endpoint URLs for OTLP/HTTP. Here, since its schema costs the daemon a library. */
export function otlpMetricsUrl({
  endpoint = "",
  metrics_endpoint: full,
}: {
  readonly endpoint?: string;
  readonly metrics_endpoint?: string;
}): URL {
  return full === undefined ? below(new URL(endpoint), "v1/metrics") : new URL(full);
}

/** Without credentials. Its query may hold secrets, so it is not for people. */
export function destinationOf(url: URL): string {
  const shown = new URL(url);
  shown.username = shown.password = "";
  return shown.href;
}

/** For people. */
export function safeAddress(text: string): string {
  const url = URL.parse(text);
  if (url === null) return "";
  url.username = url.password = url.search = "";
  return url.href;
}

/** Of X-Scope-OrgID and the like; the values of other headers may be credentials, and change without another tenant. */
const tenantHeader = /org|tenant|account|project|namespace|database/i;

/** Stands for a receiver, and for whose data it holds there, without naming it: a hash of address, query, account and tenant. */
export function targetOf({ origin, pathname, search, username }: URL, settings: HttpSettings): string {
  const tenants = Object.entries(settings.headers ?? {})
    .filter(([name]) => tenantHeader.test(name))
    .map(([name, value]) => `${name.toLowerCase()}: ${value.reveal()}`);
  const account = settings.basic_auth?.username ?? username;
  return createHash("sha256")
    .update([`${origin}${pathname}${search}`, account, ...tenants.toSorted()].join("\n"))
    .digest("hex")
    .slice(0, 16);
}
