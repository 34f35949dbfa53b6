/** Reaches an HTTPS receiver through a proxy: CONNECT, then TLS inside (RFC 9110, section 9.3.6). */
import type { ClientRequest, RequestOptions } from "node:http";
import type { Agent, AgentOptions } from "node:https";
import { Duplex } from "node:stream";
import type { ConnectionOptions } from "node:tls";
import type { Clock } from "../clock.ts";
import { faultOf, tunnelFailed } from "./failure.ts";
import type { Headers } from "./headers.ts";
import { http, https, tls } from "./modules.ts";
import { authorityOf, hostOf, portOf } from "./proxy.ts";

interface TunnelSettings {
  readonly proxy: URL;
  /** `proxy-authorization`, where the proxy's URL has credentials. */
  readonly headers: Headers;
  /** TLS with the receiver, inside the tunnel. */
  readonly tls: ConnectionOptions;
  /** TLS with the proxy itself, for an `https://` proxy. */
  readonly proxyTls: ConnectionOptions;
  readonly connectTimeoutMs: number;
  readonly clock: Clock;
  /** Ends the tunnels that are still being dug. */
  readonly signal: AbortSignal;
}

/** An agent whose connections run through the proxy. Node's own `proxyEnv` buffers without bound and can't be cancelled. */
export function tunnelAgent(options: AgentOptions, settings: TunnelSettings): Agent {
  const agent = new (https().Agent)(options);
  agent.createConnection = (
    { host, port, servername },
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined => {
    const name = host ?? "localhost";
    dig(`${name.includes(":") ? `[${name}]` : name}:${port ?? 443}`, settings).then(
      (socket) =>
        callback?.(
          null,
          tls().connect({ ...settings.tls, host: name, servername: servername ?? "", socket }),
        ),
      (error: unknown) => callback?.(error instanceof Error ? error : new Error(String(error)), noSocket),
    );
  };
  return agent;
}

/** The callback's type asks for a socket even where there is none. */
const noSocket = new Duplex().destroy();

/** Resolves with the raw way to `target`; rejects with an error that `faultOf` knows. */
function dig(target: string, settings: TunnelSettings): Promise<Duplex> {
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
  return proxy.protocol === "https:" ? https().request({ ...proxyTls, ...options }) : http().request(options);
}

/** The same reason whether CONNECT or a plain request failed for it. */
export function statusReason(status: number): string {
  return status === 407
    ? "proxy authentication required (407); set user:password@ in proxy_url"
    : `the proxy answered ${status}`;
}

function asTunnelError(error: Error, proxy: URL): Error {
  if ("code" in error && error.code === tunnelFailed) return error;
  const place = { target: `proxy ${authorityOf(proxy)}`, connected: false };
  return Object.assign(new Error(faultOf(error, place).reason, { cause: error }), { code: tunnelFailed });
}

function failure(proxy: URL, cause: string): Error {
  const message = `cannot connect through proxy ${authorityOf(proxy)}: ${cause}`;
  return Object.assign(new Error(message), { code: tunnelFailed });
}
