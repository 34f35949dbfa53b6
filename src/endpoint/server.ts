/**
 * The pull endpoint: its servers and routes, from start to stop.
 *
 *     listen.ts ─► server (tls.ts) ─► dispatch.ts ─► access.ts (authenticate.ts) ─► a route (route.ts):
 *     exposition.ts, health.ts, status-api.ts, page/routes.ts
 *
 * limits.ts bounds what clients may use, web-config.ts keeps TLS and passwords current.
 */
import type { RequestListener, Server } from "node:http";
import type { Server as TlsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import type { Snapshot } from "../meter/snapshot.ts";
import { exposureWarning, formatAddress, parseAddress, type ListenAddress } from "../runtime/address.ts";
import type { Clock } from "../runtime/clock.ts";
import { http, https } from "../runtime/http/modules.ts";
import type { Logger } from "../runtime/log.ts";
import { createHosts, openProtection, webProtection } from "./access.ts";
import { createDispatch } from "./dispatch.ts";
import { healthyRoute, type Readiness, readyRoute } from "./health.ts";
import { defaultLimits, type Limits, serverOptions } from "./limits.ts";
import { startListener } from "./listen.ts";
import type { Route } from "./route.ts";
import { metricsRoute } from "./exposition.ts";
import { asksForCertificate, isWelcome } from "./tls.ts";
import { createLiveWebConfig, type ParseWebConfig, type LiveWebConfig, type WebState } from "./web-config.ts";

/** The `web` section of the configuration. */
export interface EndpointSettings {
  /** `host:port`, `[v6]:port`, `:port`; at least one. */
  readonly listen_addresses: readonly string[];
  /** Further names to answer to: a scrape by a name that is not this machine's needs it here; `*` for any. */
  readonly allowed_hosts: readonly string[];
  /** TLS, passwords and headers; absolute path. */
  readonly config_file?: string | undefined;
  /** Whether there is a status page. */
  readonly page?: boolean;
}

export interface EndpointDeps {
  /** The current snapshots, nothing older than its source's limit. */
  readonly latest: () => readonly Snapshot[] | Promise<readonly Snapshot[]>;
  readonly ready: () => Readiness;
  /** This machine's own name, also answered to. */
  readonly hostname: string;
  /** Page, API, reload. */
  readonly routes?: readonly Route[];
  /** Loads the reader of `config_file`; called only where there is one. */
  readonly webParser: () => Promise<ParseWebConfig>;
  readonly limits?: Limits;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Endpoint extends AsyncDisposable {
  /** Where it really listens now. */
  readonly addresses: readonly ListenAddress[];
  /** Why it does not listen on the other addresses; each is tried again every 30 seconds. */
  readonly problems: readonly string[];
}

/**
 * Resolves when every address was tried once; one that can't be had is a problem, not a failure, since collecting and
 * pushing go on without it. Disposing, or the signal, ends it within a second.
 */
export async function startEndpoint(settings: EndpointSettings, deps: EndpointDeps): Promise<Endpoint> {
  const { clock, log, limits = defaultLimits } = deps;
  const addresses = settings.listen_addresses.map(listenAddress);
  const stop = new AbortController();
  const { config_file } = settings;
  const web =
    config_file === undefined
      ? undefined
      : createLiveWebConfig(config_file, await deps.webParser(), { clock, log });
  const dispatch = createDispatch({
    routes: [metricsRoute(deps.latest), healthyRoute, readyRoute(deps.ready), ...(deps.routes ?? [])],
    hosts: createHosts({
      listening: addresses.map(({ host }) => host),
      own: [deps.hostname],
      allowed: settings.allowed_hosts,
    }),
    protection: web === undefined ? openProtection : webProtection(web, bcryptCompare, clock),
    log,
    signal: stop.signal,
  });
  const create = () => createServer(web, dispatch, limits, log);
  const page = settings.page === true ? (address: ListenAddress) => pageUrl(address, web) : undefined;
  const options = { create, limits, clock, log, ...(page && { page }) };
  const listeners = await Promise.all(
    addresses.map((address) => startListener({ address, ...options }, stop.signal)),
  );
  warnOfExposure(addresses, web, log);
  const states = () => listeners.map(({ state }) => state);
  return {
    get addresses() {
      return states().flatMap((state) => (state.kind === "listening" ? [state.address] : []));
    },
    get problems() {
      return states().flatMap((state) => (state.kind === "failed" ? [state.reason] : []));
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all(listeners.map((listener) => listener[Symbol.asyncDispose]()));
    },
  };
}

/** Of a web.config_file that asks nobody who they are; without such a file the configuration itself is warned of. */
function warnOfExposure(
  addresses: readonly ListenAddress[],
  web: LiveWebConfig | undefined,
  log: Logger,
): void {
  const state = web?.current();
  // Without a usable web configuration nothing is served at all.
  if (state === undefined || typeof state === "string") return;
  const authenticated = state.users.size > 0 || provesClients(state);
  for (const address of addresses) {
    const warning = exposureWarning(address, authenticated);
    if (warning !== undefined) log.warn(warning);
  }
}

/** For a browser on this machine: what listens on every interface is reached by localhost, too. */
function pageUrl({ host, port }: ListenAddress, web: LiveWebConfig | undefined): string {
  const state = web?.current();
  const scheme = typeof state === "object" && state.tls !== undefined ? "https" : "http";
  const isAny = host === "" || host === "0.0.0.0" || host === "::";
  return `${scheme}://${formatAddress({ host: isAny ? "localhost" : host, port })}/`;
}

const provesClients = ({ tls }: WebState): boolean =>
  tls?.config.client_auth_type === "RequireAndVerifyClientCert";

/** Loaded with the first password: most agents have none. */
async function bcryptCompare(password: string, hash: string): Promise<boolean> {
  const { compare } = await import("bcryptjs");
  return compare(password, hash);
}

/** @throws Error for what the configuration would have refused */
function listenAddress(text: string): ListenAddress {
  const address = parseAddress(text);
  if (address === undefined) throw new Error(`listen address must be host:port, got ${JSON.stringify(text)}`);
  return address;
}

/** Loaded before there is a configuration, while another process reads it. */
const plain = http();

/**
 * Plain, or with TLS that follows the web configuration. While that cannot be used, the reason instead: never a server with less
 * protection than it asks for.
 */
function createServer(
  web: LiveWebConfig | undefined,
  dispatch: RequestListener,
  limits: Limits,
  log: Logger,
): Server | TlsServer | string {
  const state = web?.current();
  if (typeof state === "string") return state;
  const server =
    web === undefined || state?.tls === undefined
      ? plain.createServer(serverOptions(limits), dispatch)
      : tlsServer(web, state.tls, dispatch, limits);
  // Bodies are refused, so no client is asked to go on and send one.
  server.on("checkContinue", dispatch);
  server.once("listening", () => {
    web?.onChange((changed) => applyChange(server, state?.tls, changed, log));
  });
  return server;
}

type Tls = NonNullable<WebState["tls"]>;

function tlsServer(web: LiveWebConfig, tls: Tls, dispatch: RequestListener, limits: Limits): TlsServer {
  const asks = asksForCertificate(tls.config);
  const server = https().createServer(
    {
      ...serverOptions(limits),
      ...tls.options,
      ALPNProtocols: ["http/1.1"],
      handshakeTimeout: limits.headersMs,
      requestCert: asks,
      // Judged below, by the configuration of that moment.
      rejectUnauthorized: false,
    },
    dispatch,
  );
  // A new certificate is in force for the very connection that makes us look.
  server.prependListener("connection", () => void web.current());
  server.prependListener("secureConnection", (socket: TLSSocket) => {
    const now = web.current();
    const config = typeof now === "string" ? tls.config : (now.tls?.config ?? tls.config);
    if (!isWelcome(socket, config)) socket.destroy();
  });
  return server;
}

/** Whether a server speaks TLS, and asks for certificates, is settled when it is made. */
function applyChange(
  server: Server | TlsServer,
  before: Tls | undefined,
  { tls }: WebState,
  log: Logger,
): void {
  if ((before === undefined) !== (tls === undefined))
    log.warn("web.config_file turned TLS on or off: restart the agent to apply it");
  if (before === undefined || tls === undefined) return;
  if (asksForCertificate(before.config) !== asksForCertificate(tls.config))
    log.warn("web.config_file turned client certificates on or off: restart the agent to apply it");
  if ("setSecureContext" in server) server.setSecureContext(tls.options);
  // Kept connections come back and are judged anew.
  server.closeIdleConnections();
}
