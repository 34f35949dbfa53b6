/** Owns the sockets of one client: a small keep-alive pool for each way to a receiver, renewed when a certificate file changes. */
import { Agent, request as httpRequest, type ClientRequest, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { ConnectionOptions } from "node:tls";
import type { Clock } from "../clock.ts";
import type { KnownSecrets } from "../redact.ts";
import { userInfo, type Headers } from "./headers.ts";
import { authorityOf, hostOf, portOf, proxyFor, type Environment } from "./proxy.ts";
import type { HttpSettings } from "./settings.ts";
import { createTrust } from "./trust.ts";
import { tunnelAgent } from "./tunnel.ts";

/** One way to one receiver, ready to open a request on. */
export interface Way {
  /** `host:port` of the proxy, where one is in the way. */
  readonly proxy?: string;
  open(method: string, headers: Headers): ClientRequest;
}

export interface Connections extends Disposable {
  /** @throws Error in the house grammar for a proxy address that is no use */
  route(url: URL): URL | undefined;
  /** @throws Error in the house grammar for a certificate file that is no use */
  way(url: URL, proxy: URL | undefined): Way;
  /** Drops idle sockets; those in use are not kept when their request is over. */
  renew(): void;
}

export interface World {
  readonly clock: Clock;
  readonly env: Environment;
  readonly secrets: KnownSecrets;
  readonly connectTimeoutMs: number;
}

/** A request in flight, and one more for a goodbye while it hangs. */
const maxSockets = 2;
/** Home routers forget an idle connection after minutes without a word; a request on a forgotten one hangs. */
const idleTimeoutMs = 90_000;
/** Node's 250 ms for each address of a host is too short for a satellite or a crowded hotspot. */
const addressTimeoutMs = 1000;

interface Pool {
  readonly agent: Agent;
  readonly tls: ConnectionOptions | undefined;
  readonly digging: AbortController;
}

/** Sockets by `protocol|proxy`: two protocols and at most three proxies, so the map is small. */
export function createConnections(settings: HttpSettings, world: World): Connections {
  const pools = new Map<string, Pool>();
  const receiverTrust = createTrust(settings.tls_config);
  const proxyTrust = createTrust();

  function pool(url: URL, proxy: URL | undefined): Pool {
    const key = `${url.protocol}|${proxy?.href ?? ""}`;
    const tls = url.protocol === "https:" ? receiverTrust.receiver() : undefined;
    const existing = pools.get(key);
    if (existing?.tls === tls && existing !== undefined) return existing;
    if (existing !== undefined) retire(existing);
    const created = createPool(tls, proxy);
    pools.set(key, created);
    return created;
  }

  function createPool(tls: ConnectionOptions | undefined, proxy: URL | undefined): Pool {
    const digging = new AbortController();
    const options = { keepAlive: true, maxSockets, maxFreeSockets: maxSockets, timeout: idleTimeoutMs };
    const proxyTls = proxy?.protocol === "https:" ? proxyTrust.receiver() : {};
    if (tls === undefined) {
      const agent =
        proxy?.protocol === "https:" ? new HttpsAgent({ ...options, ...proxyTls }) : new Agent(options);
      return { agent, tls, digging };
    }
    if (proxy === undefined) return { agent: new HttpsAgent({ ...options, ...tls }), tls, digging };
    const headers = userInfo(proxy, "proxy-authorization", world.secrets);
    const { clock, connectTimeoutMs } = world;
    const tunnel = { proxy, headers, tls, proxyTls, clock, connectTimeoutMs, signal: digging.signal };
    return { agent: tunnelAgent({ ...options, ...tls }, tunnel), tls, digging };
  }

  function renew(): void {
    for (const one of pools.values()) retire(one);
    pools.clear();
  }

  return {
    route: (url) => proxyFor(url, settings, world.env),
    way(url, proxy) {
      const { agent } = pool(url, proxy);
      const options =
        proxy !== undefined && url.protocol === "http:" ? forward(url, proxy, world.secrets) : direct(url);
      return {
        ...(proxy !== undefined && { proxy: authorityOf(proxy) }),
        open: (method, headers) =>
          open({ ...options, method, agent, headers: { ...options.headers, ...headers } }),
      };
    },
    renew,
    [Symbol.dispose]() {
      for (const { agent, digging } of pools.values()) {
        digging.abort();
        agent.destroy();
      }
      pools.clear();
    },
  };
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
  const all = { ...options, autoSelectFamilyAttemptTimeout: addressTimeoutMs };
  return options.protocol === "https:" ? httpsRequest(all) : httpRequest(all);
}

function retire({ agent, digging }: Pool): void {
  digging.abort();
  // A socket that is still in use finds no room in the pool afterwards.
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}
