/** The sockets of one client: a small keep-alive pool for each way to a receiver, renewed when a certificate file changes. */
import type { Agent, ClientRequest, RequestOptions } from "node:http";
import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Clock } from "../clock.ts";
import type { KnownSecrets } from "../redact.ts";
import { mostHead } from "./answer.ts";
import { userInfo, type Headers } from "./headers.ts";
import { http, https } from "./modules.ts";
import { authorityOf, hostOf, portOf, proxyFor, type Environment, tunnelAgent } from "./proxy.ts";
import type { HttpSettings, TlsSettings } from "./schema.ts";
import { createTrust } from "./trust.ts";

/** One way to one receiver, ready to open a request on. */
interface Way {
  /** `host:port` of the proxy, where one is in the way. */
  readonly proxy: string | undefined;
  open(method: string, headers: Headers): ClientRequest;
}

export interface Connections extends Disposable {
  /** @throws Error in the house grammar for a proxy address that is unusable */
  route(url: URL): URL | undefined;
  /** @throws Error in the house grammar for a certificate file that is unusable */
  way(url: URL, proxy: URL | undefined): Way;
  /** Drops idle sockets; those in use are not kept when their request is over. */
  renew(): void;
}

interface ConnectionsDeps {
  readonly clock: Clock;
  readonly env: Environment;
  readonly secrets: KnownSecrets;
  readonly connectTimeoutMs: number;
  /** Of the system, besides Node.js' own. */
  readonly authorities?: () => readonly string[];
  /** Called when a file may not be read again and its earlier content stays in use. */
  readonly warn?: (message: string) => void;
}

/** A request in flight, and one more for a goodbye while it hangs. */
const maxSockets = 2;
/** Home routers forget an idle connection after minutes of silence; a request on a forgotten one hangs. */
const idleTimeoutMs = 90_000;
/** Node's 250 ms for each address of a host is too short for a satellite or a crowded hotspot. */
const addressTimeoutMs = 1000;

type Tls = ConnectionOptions | undefined;

interface Pool {
  readonly agent: Agent;
  /** Other objects than now say that a file has changed. */
  readonly tls: Tls;
  readonly proxyTls: Tls;
  readonly opening: AbortController;
}

/** Sockets by `protocol|proxy`: two protocols and at most three proxies, so the map is small. */
export function createConnections(settings: HttpSettings, deps: ConnectionsDeps): Connections {
  const pools = new Map<string, Pool>();
  const receiverTrust = createTrust(settings.tls_config, deps.authorities, deps.warn);
  const proxyTrust = createTrust(forProxy(settings.tls_config), deps.authorities, deps.warn);

  function pool(url: URL, proxy: URL | undefined): Pool {
    const key = `${url.protocol}|${proxy?.href ?? ""}`;
    const tls = url.protocol === "https:" ? receiverTrust.options() : undefined;
    const proxyTls = proxy?.protocol === "https:" ? proxyTrust.options() : undefined;
    const existing = pools.get(key);
    if (existing !== undefined && existing.tls === tls && existing.proxyTls === proxyTls) return existing;
    if (existing !== undefined) retire(existing);
    const opening = new AbortController();
    const created = {
      agent: createAgent(tls, proxy, proxyTls, opening.signal, deps),
      tls,
      proxyTls,
      opening,
    };
    pools.set(key, created);
    return created;
  }

  function renew(): void {
    for (const one of pools.values()) retire(one);
    pools.clear();
  }

  return {
    route: (url) => proxyFor(url, settings, deps.env),
    way(url, proxy) {
      const { agent } = pool(url, proxy);
      const options =
        proxy !== undefined && url.protocol === "http:" ? forward(url, proxy, deps.secrets) : direct(url);
      return {
        proxy: proxy && authorityOf(proxy),
        open: (method, headers) =>
          open({ ...options, method, agent, headers: { ...options.headers, ...headers } }),
      };
    },
    renew,
    [Symbol.dispose]() {
      for (const { agent, opening } of pools.values()) {
        opening.abort();
        agent.destroy();
      }
      pools.clear();
    },
  };
}

function createAgent(
  tls: Tls,
  proxy: URL | undefined,
  proxyTls: Tls,
  signal: AbortSignal,
  { clock, connectTimeoutMs, secrets }: ConnectionsDeps,
): Agent {
  const options = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets, timeout: idleTimeoutMs };
  // Node would take the name from the Host header, which is the receiver's.
  const toProxy = proxyTls && { ...proxyTls, servername: serverName(proxy) };
  if (tls === undefined)
    return toProxy === undefined
      ? new (http().Agent)(options)
      : new (https().Agent)({ ...options, ...toProxy });
  if (proxy === undefined) return new (https().Agent)({ ...options, ...tls });
  const headers = userInfo(proxy, "proxy-authorization", secrets);
  return tunnelAgent(options, {
    ...{ proxy, headers, tls, clock, connectTimeoutMs, signal },
    proxyTls: toProxy ?? {},
  });
}

function serverName(url: URL | undefined): string {
  const host = url === undefined ? "" : hostOf(url);
  return isIP(host) === 0 ? host : "";
}

/** Whom to trust holds for the proxy too, as in Go; only the receiver goes by `server_name`. */
function forProxy(settings: TlsSettings = {}): TlsSettings {
  const { server_name: _, ...shared } = settings;
  return shared;
}

interface Options extends RequestOptions {
  readonly headers: Headers;
}

function direct(url: URL): Options {
  return {
    protocol: url.protocol,
    host: hostOf(url),
    port: portOf(url),
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host },
  };
}

/** The whole URL as the request's target, sent to the proxy (RFC 9112, section 3.2.2). */
function forward(url: URL, proxy: URL, secrets: KnownSecrets): Options {
  return {
    protocol: proxy.protocol,
    host: hostOf(proxy),
    port: portOf(proxy),
    path: `${url.origin}${url.pathname}${url.search}`,
    headers: { host: url.host, ...userInfo(proxy, "proxy-authorization", secrets) },
  };
}

function open(options: RequestOptions): ClientRequest {
  const all = { ...options, autoSelectFamilyAttemptTimeout: addressTimeoutMs, maxHeaderSize: mostHead };
  return options.protocol === "https:" ? https().request(all) : http().request(all);
}

function retire({ agent, opening }: Pool): void {
  opening.abort();
  // A socket that is still in use finds no room in the pool afterwards.
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}
