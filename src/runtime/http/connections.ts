/** The sockets of one client: a small keep-alive pool for each way to a receiver, renewed when a certificate file changes. */
import { connect, type Socket } from "node:net";
import type { ConnectionOptions } from "node:tls";
import type { Clock } from "../clock.ts";
import type { KnownSecrets } from "../redact.ts";
import { Connection } from "./connection.ts";
import { isFieldValue, userInfo, type Headers } from "./headers.ts";
import { tls as loadTls } from "./modules.ts";
import { openTunnel, proxyFor, type Environment } from "./proxy.ts";
import { authorityOf, hostOf, portOf, serverNameOf } from "./receiver-url.ts";
import type { HttpSettings, TlsSettings } from "./schema.ts";
import { createTrust } from "./trust.ts";

/** A connection to one receiver, for one exchange. */
export interface Lease {
  /** `host:port` of the proxy, where one is in the way. */
  readonly proxy: string | undefined;
  readonly connection: Connection;
  /** Keeps the connection for the next exchange. @param hint the answer's Keep-Alive header */
  keep(hint: string | undefined): void;
}

export interface Connections extends Disposable {
  /** @throws Error in the house grammar for a proxy address that is unusable */
  route(url: URL): URL | undefined;
  /** A request up to its empty line. @throws Error for a header that can't be sent */
  head(method: string, url: URL, proxy: URL | undefined, headers: Headers): string;
  /** @throws Error in the house grammar for a certificate file that is unusable */
  lease(url: URL, proxy: URL | undefined): Lease;
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
const mostKept = 2;
/** Home routers forget an idle connection after minutes of silence; a request on a forgotten one hangs. */
const idleTimeoutMs = 90_000;
/** Node's 250 ms for each address of a host is too short for a satellite or a crowded hotspot. */
const addressTimeoutMs = 1000;

type Tls = ConnectionOptions | undefined;

interface Pool {
  readonly kept: Kept[];
  /** Other objects than now say that a file has changed. */
  readonly tls: Tls;
  readonly proxyTls: Tls;
  /** Its connections are not kept any more. */
  isRetired: boolean;
  /** By the monotonic clock. */
  usedAt: number;
  /** What TLS can go on from. */
  session?: Buffer;
}

interface Kept {
  readonly connection: Connection;
  /** By the monotonic clock. */
  readonly until: number;
}

/** Connections by whom they go to: a client may ask many targets, and be redirected to more. */
export function createConnections(settings: HttpSettings, deps: ConnectionsDeps): Connections {
  const { clock } = deps;
  const pools = new Map<string, Pool>();
  const receiverTrust = createTrust(settings.tls_config, deps.authorities, deps.warn);
  const proxyTrust = createTrust(forProxy(settings.tls_config), deps.authorities, deps.warn);

  function poolOf(url: URL, proxy: URL | undefined): Pool {
    const key =
      proxy !== undefined && url.protocol === "http:" ? proxy.href : `${url.origin}|${proxy?.href ?? ""}`;
    const tls = url.protocol === "https:" ? receiverTrust.options() : undefined;
    const proxyTls = proxy?.protocol === "https:" ? proxyTrust.options() : undefined;
    const existing = pools.get(key);
    const usedAt = clock.monotonic();
    if (existing !== undefined && existing.tls === tls && existing.proxyTls === proxyTls) {
      existing.usedAt = usedAt;
      return existing;
    }
    if (existing !== undefined) retire(existing);
    forget(pools, usedAt - idleTimeoutMs);
    const created: Pool = { kept: [], tls, proxyTls, isRetired: false, usedAt };
    pools.set(key, created);
    return created;
  }

  function renew(): void {
    for (const pool of pools.values()) retire(pool);
    pools.clear();
  }

  return {
    route: (url) => proxyFor(url, settings, deps.env),
    head(method, url, proxy, headers) {
      const path = `${url.pathname}${url.search}`;
      const all = { host: url.host, ...headers };
      if (proxy === undefined || url.protocol === "https:") return requestHead(method, path, all);
      // The proxy forwards it (RFC 9112, section 3.2.2).
      const credentials = userInfo(proxy, "proxy-authorization", deps.secrets);
      return requestHead(method, `${url.origin}${path}`, { ...credentials, ...all });
    },
    lease(url, proxy) {
      const pool = poolOf(url, proxy);
      const connection =
        take(pool, clock.monotonic()) ??
        new Connection((signal) => opened(url, proxy, pool, { ...deps, signal }));
      return {
        proxy: proxy && authorityOf(proxy),
        connection,
        keep: (hint) => keep(pool, connection, clock.monotonic(), keptMs(hint)),
      };
    },
    renew,
    [Symbol.dispose]: renew,
  };
}

function take({ kept }: Pool, now: number): Connection | undefined {
  for (let last = kept.pop(); last !== undefined; last = kept.pop()) {
    if (!last.connection.isClosed && now < last.until) return last.connection;
    last.connection.close();
  }
  return undefined;
}

function keep({ kept, isRetired }: Pool, connection: Connection, now: number, forMs: number): void {
  const isFull = kept.length >= mostKept || isRetired;
  if (connection.isClosed || isFull || forMs <= 0) {
    connection.close();
    return;
  }
  connection.release();
  kept.push({ connection, until: now + forMs });
}

/** Receivers that nobody has sent to since. */
function forget(pools: Map<string, Pool>, since: number): void {
  for (const [key, pool] of pools)
    if (pool.usedAt <= since) {
      retire(pool);
      pools.delete(key);
    }
}

/** A connection that is in use is not kept when its request is over. */
function retire(pool: Pool): void {
  pool.isRetired = true;
  for (const { connection } of pool.kept.splice(0)) connection.close();
}

/** Somewhat less than the server says, since it begins to count earlier. */
function keptMs(hint = ""): number {
  const [, seconds] = /(?:^|[\s,])timeout=(\d+)/.exec(hint) ?? [];
  return seconds === undefined ? idleTimeoutMs : Math.min(idleTimeoutMs, Number(seconds) * 1000 - 1000);
}

/** A socket on its way to the receiver, or to the proxy that the request is meant for. */
function opened(
  url: URL,
  proxy: URL | undefined,
  pool: Pool,
  { clock, connectTimeoutMs, secrets, signal }: ConnectionsDeps & { readonly signal: AbortSignal },
): Socket | Promise<Socket> {
  const { tls, proxyTls } = pool;
  if (tls === undefined || proxy === undefined)
    return direct(proxy ?? url, proxy === undefined ? tls : proxyTls, pool);
  const headers = userInfo(proxy, "proxy-authorization", secrets);
  const settings = { proxy, headers, clock, connectTimeoutMs, signal, proxyTls: proxyTls ?? {} };
  return openTunnel(url, settings).then((socket) => secure(url, tls, pool, { socket }));
}

function direct(url: URL, tls: Tls, pool: Pool): Socket {
  const to = {
    host: hostOf(url),
    port: Number(portOf(url)),
    autoSelectFamilyAttemptTimeout: addressTimeoutMs,
  };
  return tls === undefined ? connect(to) : secure(url, tls, pool, to);
}

/** With the name of the URL, unless the settings have another. */
function secure(url: URL, tls: ConnectionOptions, pool: Pool, way: ConnectionOptions): Socket {
  const host = hostOf(url);
  const servername = serverNameOf(url);
  const session = pool.session && { session: pool.session };
  const socket = loadTls().connect({ servername, ...session, ...tls, host, ...way });
  socket.on("session", (latest) => (pool.session = latest));
  return socket;
}

/** Whom to trust holds for the proxy too, as in Go; only the receiver goes by `server_name`. */
function forProxy(settings: TlsSettings = {}): TlsSettings {
  const { server_name: _, ...shared } = settings;
  return shared;
}

/** A request up to its empty line. @throws Error for a header that can't be sent */
function requestHead(method: string, target: string, headers: Headers): string {
  let head = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name) || !isFieldValue(value))
      throw new Error(`header ${JSON.stringify(name)} must be plain text, got characters that none may hold`);
    head += `${name}: ${value}\r\n`;
  }
  return `${head}connection: keep-alive\r\n\r\n`;
}
