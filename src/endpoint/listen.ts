/**
 * One listen address: a server on it, or the reason why not and another try every 30 seconds.
 *
 *     start ──► listening ──► closed
 *       │           ▲
 *       └► failed ──┘ 30 s
 */
import { once } from "node:events";
import type { Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { Socket } from "node:net";
import { formatAddress, type ListenAddress } from "../runtime/address.ts";
import { causeOf, codeOf } from "../runtime/cause.ts";
import type { Clock } from "../runtime/clock.ts";
import { defined } from "../runtime/defined.ts";
import type { Logger } from "../runtime/log.ts";
import type { Limits } from "./limits.ts";

type ListenState =
  | { readonly kind: "listening"; readonly address: ListenAddress }
  /** One line. */
  | { readonly kind: "failed"; readonly reason: string };

interface Listener extends AsyncDisposable {
  readonly state: ListenState;
}

interface ListenerOptions {
  readonly address: ListenAddress;
  /** A new server, or the reason why there can be none now. */
  readonly create: () => Server | TlsServer | string;
  /** Where a browser finds the status page; absent where there is none. */
  readonly page?: (address: ListenAddress) => string;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly log: Logger;
}

interface Open {
  readonly server: Server | TlsServer;
  readonly sockets: ReadonlySet<Socket>;
}

const retryMs = 30_000;

/** Resolves after the first try, whatever became of it. */
export async function startListener(options: ListenerOptions, signal: AbortSignal): Promise<Listener> {
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  let state: ListenState = { kind: "failed", reason: "not tried yet" };
  let open: Open | undefined;

  const attempt = async (): Promise<void> => {
    const result = await listen(options);
    if (typeof result === "string") {
      // Logged once, and again only when the reason has changed.
      if (state.kind === "failed" && state.reason !== result) options.log.error(result, { retryMs });
      state = { kind: "failed", reason: result };
    } else {
      open = result;
      state = { kind: "listening", address: boundAddress(result.server, options.address) };
      const page = options.page?.(state.address);
      options.log.info("listening", defined({ page, address: formatAddress(state.address) }));
    }
  };
  const keepTrying = async (): Promise<void> => {
    while (open === undefined) {
      await options.clock.sleep(retryMs, stopped);
      if (stopped.aborted) return;
      await attempt();
    }
  };
  const end = async (): Promise<void> => {
    stop.abort();
    await trying;
    if (open !== undefined) await close(open, options);
  };

  await attempt();
  const trying = keepTrying();
  let ending: Promise<void> | undefined;
  return {
    get state() {
      return state;
    },
    [Symbol.asyncDispose]: () => (ending ??= end()),
  };
}

async function listen({ address, create, limits, log }: ListenerOptions): Promise<Open | string> {
  const server = create();
  if (typeof server === "string") return server;
  const sockets = limitConnections(server, limits);
  try {
    server.listen({ port: address.port, ...(address.host !== "" && { host: address.host }) });
    await once(server, "listening");
  } catch (error) {
    return `cannot listen on ${formatAddress(address)}: ${listenCause(error)}`;
  }
  server.on("error", (error) => log.error("cannot accept a connection", { error }));
  return { server, sockets };
}

function limitConnections(server: Server | TlsServer, limits: Limits): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  const peers = new Map<string, Set<Socket>>();
  const answering = trackAnswers(server);
  server.maxConnections = limits.connections;
  server.maxRequestsPerSocket = limits.requestsPerConnection;
  server.timeout = limits.stallMs;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    const peer = socket.remoteAddress ?? "";
    const own = peers.get(peer) ?? new Set();
    peers.set(peer, own.add(socket));
    socket.once("close", () => {
      sockets.delete(socket);
      own.delete(socket);
      if (own.size === 0 && peers.get(peer) === own) peers.delete(peer);
    });
    if (own.size > limits.connectionsPerPeer) makeRoom(own, answering);
  });
  // The next client finds room, instead of waiting for idle connections of others to time out.
  server.on("drop", () => server.closeIdleConnections());
  return sockets;
}

/** Connections with a request that is being answered, by the other end: with TLS a request's socket is not the connection's. */
function trackAnswers(server: Server | TlsServer): ReadonlySet<string> {
  const answering = new Set<string>();
  server.on("request", (request, response) => {
    const end = endOf(request.socket);
    answering.add(end);
    response.once("close", () => answering.delete(end));
  });
  return answering;
}

const endOf = ({ remoteAddress = "", remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`;

/**
 * A peer with too many connections loses its oldest one that is not being answered: a client that never finishes a request keeps
 * neither other peers away nor other clients at the same address.
 */
function makeRoom(own: ReadonlySet<Socket>, answering: ReadonlySet<string>): void {
  const oldest = [...own].find((socket) => !answering.has(endOf(socket)));
  oldest?.destroy();
}

function listenCause(error: unknown): string {
  return codeOf(error) === "EADDRINUSE" ? "address in use; is another agent running?" : causeOf(error);
}

/** With the port that the system chose. */
function boundAddress(server: Server | TlsServer, asked: ListenAddress): ListenAddress {
  const bound = server.address();
  return bound === null || typeof bound === "string" ? asked : { host: bound.address, port: bound.port };
}

/** Idle connections end at once, the others within the grace. */
async function close({ server, sockets }: Open, { clock, limits }: ListenerOptions): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeIdleConnections();
  using _timer = clock.after(limits.graceMs, () => {
    for (const socket of sockets) socket.destroy();
  });
  await closed;
}
