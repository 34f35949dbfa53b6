/**
 * A sink's HTTP client: credentials, a connection, one exchange, and one more where a kept connection had gone stale.
 *
 * To read on, in the order of a request: oauth2.ts, headers.ts, connections.ts (proxy.ts, trust.ts), connection.ts, exchange.ts (answer.ts),
 * failure.ts. HTTP/1.1 is spoken here and not by Node's client, with which a request on a kept connection took twice the CPU.
 */
import { causeOf } from "../cause.ts";
import { timeLeft, type Clock } from "../clock.ts";
import { defined } from "../defined.ts";
import { readKept } from "../files.ts";
import type { Logger } from "../log.ts";
import { knownSecrets, type KnownSecrets } from "../redact.ts";
import { secretFileWarning } from "../secret.ts";
import { createConnections, type Connections, type Lease } from "./connections.ts";
import { exchange, type Ended, type ExchangeOptions } from "./exchange.ts";
import type { Fault } from "./failure.ts";
import { headerSource, type HeaderSource } from "./headers.ts";
import { withTokens } from "./oauth2.ts";
import { statusReason, type Environment } from "./proxy.ts";
import { authorityOf } from "./receiver-url.ts";
import type { HttpSettings } from "./schema.ts";
import type { SystemAuthorities } from "./trust.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: URL;
  /** Lower-case names. They win over the client's configured headers. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Limit for the whole exchange, connect to last byte, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Set where the body is what is asked for: one that ends too soon is a failure, however often it does. */
  readonly needsBody?: boolean;
}

export interface HttpResponse {
  readonly kind: "response";
  readonly status: number;
  /** Lower-case names; repeated headers joined by ", ". */
  readonly headers: Readonly<Record<string, string>>;
  /** At most the client's cap; `truncated` says that there was more, or that the connection ended or hung before the end. */
  readonly body: Buffer;
  readonly truncated: boolean;
  readonly durationMs: number;
  /** Wall-clock milliseconds when the headers arrived, for the comparison with `Date`. */
  readonly receivedAt: number;
}

export interface HttpFailure {
  readonly kind: "failure";
  /** Where it ended; becomes the `code` label of mac_agent_sink_requests_total. */
  readonly code:
    "dns" | "connect" | "tls" | "timeout" | "reset" | "proxy" | "credentials" | "aborted" | "protocol";
  /** One line in the house grammar: `cannot connect to host:443: connection refused`. Never a secret. */
  readonly reason: string;
  /** The server has got nothing of the request. */
  readonly unsent?: true;
  readonly durationMs: number;
}

export type HttpReply = HttpResponse | HttpFailure;

/** One per sink. Redirects are returned as they are, never followed. */
export interface HttpClient extends AsyncDisposable {
  send(request: HttpRequest): Promise<HttpReply>;
  /** Drops idle connections so that the next request opens a new one: after wake an old socket may hang. */
  renew(): void;
}

export interface HttpClientDeps {
  readonly clock: Clock;
  /** For proxies. */
  readonly env: Environment;
  readonly log?: Logger;
  readonly secrets?: KnownSecrets;
  /** Asked when an issuer is unknown; without, only Node.js' own authorities are trusted. */
  readonly authorities?: SystemAuthorities;
}

export interface HttpLimits {
  /** From the request to a connection that stands, proxy and TLS included. */
  readonly connectTimeoutMs: number;
  /** What is kept of a response's body. */
  readonly maxBodyBytes: number;
  /** What is read of it: a rest that is thrown away keeps the connection; beyond this a new connection is cheaper. */
  readonly maxReadBytes: number;
}

const defaultLimits: HttpLimits = {
  connectTimeoutMs: 10_000,
  maxBodyBytes: 64 * 1024,
  maxReadBytes: 1024 * 1024,
};

const failuresToRenew = 3;

/** Disposing it ends every request that is under way, as `aborted`. */
export function createHttpClient(
  settings: HttpSettings,
  deps: HttpClientDeps,
  limits: Partial<HttpLimits> = {},
): HttpClient {
  const client = createClient(settings, deps, { ...defaultLimits, ...limits });
  const { oauth2, proxy_url, no_proxy, proxy_from_environment } = settings;
  if (oauth2 === undefined) return client;
  const { tls_config } = oauth2;
  const ofIssuer = defined({ tls_config, proxy_url, no_proxy, proxy_from_environment });
  const issuer = createClient(ofIssuer, deps, defaultLimits);
  return withTokens(client, issuer, oauth2, deps.clock, deps.secrets ?? knownSecrets, (message) =>
    deps.log?.warn(message),
  );
}

function createClient(settings: HttpSettings, deps: HttpClientDeps, limits: HttpLimits): HttpClient {
  const { clock, env, log, secrets = knownSecrets } = deps;
  // A ca_file is trusted instead of the system's authorities.
  const authorities = settings.tls_config?.ca_file === undefined ? deps.authorities : undefined;
  const warn = (message: string): void => log?.warn(message);
  readWhileAllowed(settings);
  warnOf(settings, warn);
  const { connectTimeoutMs } = limits;
  const current = authorities && (() => authorities.current);
  const connections = createConnections(
    settings,
    defined({ clock, env, secrets, connectTimeoutMs, warn, authorities: current }),
  );
  const headersOf = headerSource(settings, secrets, warn);
  const tolerateCut = createCutTolerance();
  const closing = new AbortController();
  /** In a row. */
  let failures = 0;

  return {
    async send(request) {
      const started = clock.monotonic();
      const left = timeLeft(request.timeoutMs, clock);
      const known = authorities?.current;
      const signals = signalsOf(request, closing);
      let sent = false;
      const attempt = async (timeoutMs: number): Promise<Ended> => {
        const one = await once(request, connections, headersOf, { ...limits, clock, signals, timeoutMs });
        sent ||= one.kind === "answer" || one.sent;
        return one;
      };
      let ended = await attempt(request.timeoutMs);
      if (ended.kind === "fault" && ended.stale) {
        connections.renew();
        ended = await attempt(left());
      }
      const mayLearn = ended.kind === "fault" && ended.fault.unknownIssuer === true ? authorities : undefined;
      if (mayLearn !== undefined && (await learned(mayLearn, known, signals, clock, left())))
        ended = await attempt(left());
      if (request.needsBody !== true) ended = tolerateCut(ended);
      // Whoever answers on a kept connection may be the wrong one by now: the name is looked up again with a new one.
      failures = ended.kind === "answer" && ended.status >= 200 && ended.status < 300 ? 0 : failures + 1;
      if (failures > 0 && failures % failuresToRenew === 0) connections.renew();
      return reply(ended, sent, clock.monotonic() - started);
    },
    renew: () => connections.renew(),
    [Symbol.asyncDispose]() {
      closing.abort();
      connections[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

async function once(
  request: HttpRequest,
  connections: Connections,
  headersOf: HeaderSource,
  limits: Omit<ExchangeOptions, "head" | "body" | "target" | "proxy">,
): Promise<Ended> {
  const target = authorityOf(request.url);
  if (limits.signals.some(({ aborted }) => aborted))
    return asEnded({ code: "aborted", reason: `cannot send to ${target}: aborted` });
  const opened = open(request, connections, headersOf);
  if ("code" in opened) return asEnded(opened);
  const { lease, head } = opened;
  const { proxy } = lease;
  const { body } = request;
  const options = { ...limits, head, body, target, proxy };
  return proxyRefusal(await exchange(lease, options), options);
}

function signalsOf({ signal }: HttpRequest, closing: AbortController): readonly AbortSignal[] {
  return [closing.signal, ...(signal === undefined ? [] : [signal])];
}

/** What a request goes out on, or why it can't: the settings name files and addresses that may be unusable today and good tomorrow. */
function open(
  { url, method, ...request }: HttpRequest,
  connections: Connections,
  headersOf: HeaderSource,
): { readonly lease: Lease; readonly head: string } | Fault {
  if (!/^https?:$/.test(url.protocol))
    return { code: "protocol", reason: `url must be http:// or https://, got ${url.protocol}//` };
  let step: Fault["code"] = "credentials";
  try {
    const headers = headersOf({ url, method, ...request });
    step = "proxy";
    const proxy = connections.route(url);
    step = "protocol";
    const head = connections.head(method, url, proxy, headers);
    step = "tls";
    return { lease: connections.lease(url, proxy), head };
  } catch (error) {
    return { code: step, reason: causeOf(error) };
  }
}

/** Whether the system knows issuers that it did not know `before`; waits for its answer as long as the request may take. */
async function learned(
  authorities: SystemAuthorities,
  before: readonly string[] | undefined,
  signals: readonly AbortSignal[],
  clock: Clock,
  leftMs: number,
): Promise<boolean> {
  if (authorities.current === before) {
    const done = new AbortController();
    const limit = clock.sleep(leftMs, AbortSignal.any([...signals, done.signal]));
    await Promise.race([authorities.refresh(), limit]);
    if (signals.some(({ aborted }) => aborted)) return false;
    done.abort();
  }
  return authorities.current !== before;
}

/** In a row; a whole answer may follow the first ones. */
const cutsToTolerate = 3;

/**
 * Of an answer whose body ends too soon, never or in nonsense the status counts, as for Go's clients, when it is so each time: a
 * gateway that promises more than it sends would otherwise be sent the same for ever.
 */
function createCutTolerance(): (ended: Ended) => Ended {
  let cuts = 0;
  return (ended) => {
    const cut = ended.kind === "fault" && ended.fault.code !== "aborted" ? ended.cut : undefined;
    cuts = cut === undefined ? 0 : cuts + 1;
    return cut === undefined || cuts < cutsToTolerate ? ended : cut;
  };
}

/** 407 can only come from a proxy; a CONNECT that was refused so is worded the same. */
function proxyRefusal(ended: Ended, { proxy }: ExchangeOptions): Ended {
  if (ended.kind === "fault" || ended.status !== 407 || proxy === undefined) return ended;
  return asEnded({ code: "proxy", reason: `cannot connect through proxy ${proxy}: ${statusReason(407)}` });
}

function asEnded(fault: Fault): Ended {
  return { kind: "fault", fault, stale: false, sent: false };
}

function reply(ended: Ended, sent: boolean, durationMs: number): HttpReply {
  if (ended.kind === "answer") return { ...ended, kind: "response", durationMs };
  const { code, reason } = ended.fault;
  return { kind: "failure", code, reason, ...(!sent && { unsent: true }), durationMs };
}

/** Of a file of credentials or certificates. */
const maxFileBytes = 4 * 1024 * 1024;

/** As root, before it is given up: later they may not be ours to read. What is wrong with one is said when it is needed. */
function readWhileAllowed({ basic_auth, authorization, oauth2, tls_config }: HttpSettings): void {
  const { ca_file, cert_file, key_file } = tls_config ?? {};
  const secrets = [basic_auth?.password_file, authorization?.credentials_file, oauth2?.client_secret_file];
  const paths = [...secrets, ca_file, cert_file, key_file];
  for (const path of paths)
    try {
      if (path !== undefined) readKept(path, maxFileBytes, () => undefined);
    } catch {
      // Each request says so.
    }
}

function warnOf(settings: HttpSettings, warn: (message: string) => void): void {
  const secretFiles = [
    settings.basic_auth?.password_file,
    settings.authorization?.credentials_file,
    settings.oauth2?.client_secret_file,
    settings.tls_config?.key_file,
  ];
  for (const path of secretFiles) {
    const warning = path === undefined ? undefined : secretFileWarning(path);
    if (warning !== undefined) warn(warning);
  }
  if (settings.tls_config?.insecure_skip_verify === true)
    warn("tls_config.insecure_skip_verify is set: anyone on the way can read and change what is sent");
}
