/**
 * Proxies: chosen by Go's rules (golang.org/x/net/http/httpproxy), which Prometheus and the Collector follow, and passed
 * by CONNECT, with TLS inside, where the receiver is an HTTPS one (RFC 9110, section 9.3.6).
 */
import { BlockList, isIP } from "node:net";
import type { ClientRequest, RequestOptions } from "node:http";
import type { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import { isLoopback } from "../address.ts";
import { codeOf } from "../cause.ts";
import { authorityOf, hostOf, portOf, serverNameOf, urlFault } from "./receiver-url.ts";
import type { HttpSettings } from "./schema.ts";
import type { Clock } from "../clock.ts";
import { faultOf, tunnelFailed } from "./failure.ts";
import type { Headers } from "./headers.ts";
import { http, https } from "./modules.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy to reach `url` through, or nothing for a direct connection.
 * @throws Error `THING must RULE, got A` for a proxy address from the environment that is no HTTP URL.
 */
export function proxyFor(url: URL, settings: HttpSettings, env: Environment): URL | undefined {
  if (settings.proxy_url !== undefined)
    return bypasses(url, settings.no_proxy ?? "") ? undefined : proxyUrl("proxy_url", settings.proxy_url);
  if (settings.proxy_from_environment === false) return undefined;
  const name = url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY";
  const proxy = variable(env, name);
  if (proxy === undefined || isLoopback(hostOf(url))) return undefined;
  if (bypasses(url, variable(env, "NO_PROXY") ?? "")) return undefined;
  return proxyUrl(name, proxy);
}

/** The upper-case name first, as Go does; an empty variable is an absent one. */
function variable(env: Environment, name: string): string | undefined {
  return [env[name], env[name.toLowerCase()]].find((value) => value !== undefined && value !== "");
}

/** `proxy:3128` without a scheme is common in the environment. */
function proxyUrl(name: string, text: string): URL {
  const url = URL.parse(text.includes("://") ? text : `http://${text}`);
  if (url === null) throw new Error(`${name} must be a URL, got one that can't be parsed`);
  const fault = urlFault(text);
  if (fault !== undefined) throw new Error(`${name} ${fault}`);
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw new Error(`${name} must be an http:// or https:// URL, got ${url.protocol}//`);
  return url;
}

/** Whether a `no_proxy` list names the host of `url`. */
export function bypasses(url: URL, noProxy: string): boolean {
  const host = hostOf(url);
  const port = portOf(url);
  return noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter((entry) => entry !== "")
    .some((entry) => entryMatches(entry, host, port));
}

function entryMatches(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  if (entry.includes("/")) return inRange(entry, host);
  const { name, port: wanted } = splitPort(entry);
  if (wanted !== undefined && wanted !== port) return false;
  if (isIP(host) !== 0) return isIP(name) !== 0 && sameAddress(name, host);
  return domainMatches(name, host);
}

/** `example.com` names the domain and all below it, `.example.com` and `*.example.com` only those below. */
function domainMatches(name: string, host: string): boolean {
  const below = name.startsWith("*.") ? name.slice(1) : name;
  if (below.startsWith(".")) return host.endsWith(below);
  return host === below || host.endsWith(`.${below}`);
}

function inRange(range: string, host: string): boolean {
  const [address = "", bits = ""] = range.split("/");
  const family = isIP(address);
  if (family === 0 || isIP(host) !== family || !/^\d{1,3}$/.test(bits)) return false;
  if (Number(bits) > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  list.addSubnet(address, Number(bits), familyName(family));
  return list.check(host, familyName(family));
}

/** An IPv6 address has many spellings. */
function sameAddress(a: string, b: string): boolean {
  return inRange(`${a}/${isIP(a) === 4 ? 32 : 128}`, b);
}

function familyName(family: number): "ipv4" | "ipv6" {
  return family === 4 ? "ipv4" : "ipv6";
}

/** `[::1]:80`, `::1`, `host:80`, `host`. */
function splitPort(entry: string): { readonly name: string; readonly port?: string } {
  if (isIP(entry) === 6) return { name: entry };
  const { name = entry, port } = /^\[?(?<name>.*?)\]?(?::(?<port>\d+))?$/.exec(entry)?.groups ?? {};
  return port === undefined ? { name } : { name, port };
}

interface TunnelSettings {
  readonly proxy: URL;
  /** `proxy-authorization`, where the proxy's URL has credentials. */
  readonly headers: Headers;
  /** TLS with the proxy itself, for an `https://` proxy. */
  readonly proxyTls: ConnectionOptions;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  /** Ends a tunnel that is still being opened. */
  readonly signal: AbortSignal;
}

/**
 * Resolves with the raw way to the receiver; rejects with an error that `faultOf` knows. Node's own `proxyEnv` buffers without bound and
 * can't be cancelled.
 */
export function openTunnel(url: URL, settings: TunnelSettings): Promise<Duplex> {
  const host = hostOf(url);
  const target = `${host.includes(":") ? `[${host}]` : host}:${portOf(url)}`;
  const { clock, connectTimeoutMs, proxy } = settings;
  return new Promise((resolve, reject) => {
    const connect = connectRequest(target, settings);
    const timer = clock.after(connectTimeoutMs, () => connect.destroy(failure(proxy, "timed out")));
    connect.on("error", (error) => reject(asTunnelError(error, proxy)));
    connect.on("close", () => {
      timer[Symbol.dispose]();
      reject(failure(proxy, "connection closed by the proxy"));
    });
    connect.on("connect", (response, socket, head) => {
      timer[Symbol.dispose]();
      if (response.statusCode !== undefined && response.statusCode >= 200 && response.statusCode < 300) {
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(failure(proxy, statusReason(response.statusCode ?? 0)));
    });
    connect.end();
  });
}

function connectRequest(target: string, { proxy, headers, proxyTls, signal }: TunnelSettings): ClientRequest {
  const options: RequestOptions = {
    method: "CONNECT",
    path: target,
    host: hostOf(proxy),
    port: portOf(proxy),
    headers: { ...headers, host: target },
    agent: false,
    signal,
  };
  if (proxy.protocol === "http:") return http().request(options);
  // Node would take the name from the Host header, which is the receiver's.
  return https().request({ ...proxyTls, servername: serverNameOf(proxy), ...options });
}

/** The same reason whether CONNECT or a plain request failed for it. */
export function statusReason(status: number): string {
  return status === 407
    ? "proxy authentication required (407); set user:password@ in proxy_url"
    : `the proxy answered ${status}`;
}

function asTunnelError(error: Error, proxy: URL): Error {
  if (codeOf(error) === tunnelFailed) return error;
  const place = { target: `proxy ${authorityOf(proxy)}`, connected: false };
  return Object.assign(new Error(faultOf(error, place).reason, { cause: error }), { code: tunnelFailed });
}

function failure(proxy: URL, cause: string): Error {
  const message = `cannot connect through proxy ${authorityOf(proxy)}: ${cause}`;
  return Object.assign(new Error(message), { code: tunnelFailed });
}
