/** The pull endpoint: its servers and routes, from start to stop. */
import { parseAddress, type ListenAddress } from "../runtime/address.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { Snapshot } from "../meter/snapshot.ts";
import { createDispatch } from "./dispatch.ts";
import { healthyRoute, readyRoute, type Readiness } from "./health.ts";
import { exposureWarning } from "./exposure.ts";
import { createHosts } from "./hosts.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { startListener } from "./listen.ts";
import { openProtection, webProtection } from "./protection.ts";
import type { Route } from "./route.ts";
import { metricsRoute } from "./scrape.ts";
import { createEndpointServer } from "./serve.ts";
import type { ParseWebConfig } from "./web-config.ts";
import { createWeb, type Web, type WebState } from "./web.ts";

/** The `web` section of the configuration. */
export interface EndpointSettings {
  /** `host:port`, `[v6]:port`, `:port`; at least one. */
  readonly listen_addresses: readonly string[];
  /** Further names to answer to: a scrape by a name that is not this machine's needs it here; `*` for any. */
  readonly allowed_hosts: readonly string[];
  /** TLS, passwords and headers; absolute path. */
  readonly config_file?: string | undefined;
}

export interface EndpointWorld {
  /** The current snapshots, nothing older than its source's limit. */
  readonly latest: () => readonly Snapshot[];
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
export async function startEndpoint(
  settings: EndpointSettings,
  world: EndpointWorld,
  signal: AbortSignal,
): Promise<Endpoint> {
  const { clock, log, limits = defaultLimits } = world;
  const addresses = settings.listen_addresses.map(listenAddress);
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const { config_file } = settings;
  const web =
    config_file === undefined
      ? undefined
      : createWeb(config_file, { parse: await world.webParser(), clock, log });
  const dispatch = createDispatch({
    routes: [metricsRoute(world.latest), healthyRoute, readyRoute(world.ready), ...(world.routes ?? [])],
    hosts: createHosts({
      listening: addresses.map(({ host }) => host),
      own: [world.hostname],
      allowed: settings.allowed_hosts,
    }),
    protection: web === undefined ? openProtection : webProtection(web, bcryptCompare, clock),
    log,
    signal: stopped,
  });
  const create = () => createEndpointServer(web, dispatch, limits, log);
  const listeners = await Promise.all(
    addresses.map((address) => startListener({ address, create, limits, clock, log }, stopped)),
  );
  warnOfExposure(addresses, web, log);
  const states = () => listeners.map(({ state }) => state);
  const dispose = async (): Promise<void> => {
    stop.abort();
    await Promise.all(listeners.map((listener) => listener[Symbol.asyncDispose]()));
  };
  signal.addEventListener("abort", () => void dispose(), { once: true });
  return {
    get addresses() {
      return states().flatMap((state) => (state.kind === "listening" ? [state.address] : []));
    },
    get problems() {
      return states().flatMap((state) => (state.kind === "failed" ? [state.reason] : []));
    },
    [Symbol.asyncDispose]: dispose,
  };
}

function warnOfExposure(addresses: readonly ListenAddress[], web: Web | undefined, log: Logger): void {
  const state = web?.current();
  // Without a usable web configuration nothing is served at all.
  if (typeof state === "string") return;
  const authenticated = state !== undefined && (state.users.size > 0 || provesClients(state));
  for (const address of addresses) {
    const warning = exposureWarning(address, authenticated);
    if (warning !== undefined) log.warn(warning);
  }
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
