/** Takes a request to its route: what is refused, in which order, and the headers of every answer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Logger } from "../runtime/log.ts";
import type { Hosts, Protection } from "./access.ts";
import { replyText, type Route } from "./route.ts";

interface DispatchOptions {
  readonly routes: readonly Route[];
  readonly hosts: Hosts;
  readonly protection: Protection;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Nothing here may be framed, sniffed, cached, or read by another site; the page brings a policy of its own. */
const securityHeaders: readonly (readonly [string, string])[] = [
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
  ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
  ["cross-origin-resource-policy", "same-origin"],
  ["referrer-policy", "no-referrer"],
  ["cache-control", "no-store"],
];

/** The listener of every server of the endpoint; never throws, and always answers or closes. */
export function createDispatch(options: DispatchOptions) {
  const table = new Map(options.routes.map((route) => [route.path, route]));
  return (request: IncomingMessage, response: ServerResponse): void => {
    const failed = (error: unknown): void => answerBug(error, request, response, options.log);
    try {
      serve(request, response, table, options)?.catch(failed);
    } catch (error) {
      failed(error);
    }
  };
}

function serve(
  request: IncomingMessage,
  response: ServerResponse,
  table: ReadonlyMap<string, Route>,
  { hosts, protection, signal }: DispatchOptions,
): Promise<void> | undefined {
  for (const [name, value] of securityHeaders) response.setHeader(name, value);
  for (const [name, value] of protection.headers()) response.setHeader(name, value);
  const target = targetOf(request);
  const refusal = objection(request, target, hosts);
  if (refusal !== undefined) {
    refuse(response, refusal);
    return undefined;
  }
  return protection.admit(request, response, () => {
    const found = find(request, target, table);
    if ("handle" in found)
      return found.handle({ request, response, query: target.query, signal }) ?? undefined;
    refuse(response, found);
    return undefined;
  });
}

interface Refusal {
  readonly status: number;
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The rest of what such a client sends is not worth reading. */
const hangUp = { connection: "close" };

/** Why a request is refused before any password is looked at. */
function objection(request: IncomingMessage, { host }: Target, hosts: Hosts): Refusal | undefined {
  // RFC 9112, section 3.2: a proxy before us may have believed the other one.
  if (hostsIn(request) > 1)
    return { status: 400, line: "request must have one Host header", headers: hangUp };
  if (hasBody(request)) return { status: 413, line: "request must have no body", headers: hangUp };
  if (!hosts.allows(host, request.socket.localAddress))
    return { status: 421, line: misdirected(host), headers: hangUp };
  return undefined;
}

function find(
  request: IncomingMessage,
  { host, path }: Target,
  table: ReadonlyMap<string, Route>,
): Route | Refusal {
  const route = table.get(path);
  if (route === undefined) return { status: 404, line: "page not found" };
  const allowed = route.methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
  if (!allowed.includes(request.method ?? "")) {
    const line = `method must be ${allowed.join(" or ")}`;
    return { status: 405, line, headers: { allow: allowed.join(", ") } };
  }
  if (request.method === "POST" && isCrossSite(request, host))
    return { status: 403, line: "request must not come from another site", headers: hangUp };
  return route;
}

function refuse(response: ServerResponse, { status, line, headers }: Refusal): void {
  replyText(response, status, line, headers);
}

interface Target {
  readonly host: string | undefined;
  readonly path: string;
  readonly query: string;
}

/** A target in absolute form outranks the `Host` header (RFC 9112, section 3.2.2). */
function targetOf({ url = "", headers }: IncomingMessage): Target {
  const absolute = /^https?:\/\/([^/?#]*)(.*)$/i.exec(url);
  const [path = "", ...query] = (absolute?.[2] ?? url).split("?");
  return { host: absolute?.[1] ?? headers.host, path, query: query.join("?") };
}

/** No route takes a body, so none is read: a request with one is answered and its connection closed. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
}

function hostsIn({ rawHeaders }: IncomingMessage): number {
  return rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === "host").length;
}

/** A form on any page can post to localhost; browsers then name the origin. Other clients send neither header. */
function isCrossSite({ headers }: IncomingMessage, host: string | undefined): boolean {
  const { origin } = headers;
  const site = headers["sec-fetch-site"];
  if (site !== undefined && site !== "same-origin" && site !== "none") return true;
  return origin !== undefined && origin.replace(/^https?:\/\//, "").toLowerCase() !== host?.toLowerCase();
}

const misdirected = (host: string | undefined): string =>
  `host must be one of this machine's names, got ${JSON.stringify(host?.slice(0, 100) ?? "")}: add it to web.allowed_hosts`;

function answerBug(error: unknown, request: IncomingMessage, response: ServerResponse, log: Logger): void {
  log.error("cannot answer request", { method: request.method, path: request.url, error });
  if (response.headersSent) response.destroy();
  else replyText(response, 500, "internal error", hangUp);
}
