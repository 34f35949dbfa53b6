/** A sink's HTTP client: credentials, a connection, one exchange, and one more where a kept connection had gone stale. */
import { causeOf } from "../cause.ts";
import type { Clock } from "../clock.ts";
import type { Logger } from "../log.ts";
import { knownSecrets, type KnownSecrets } from "../redact.ts";
import { readKept } from "../files.ts";
import { secretFileWarning } from "../secret.ts";
import type { SystemAuthorities } from "./trust.ts";
import { createConnections, type Way } from "./connections.ts";
import { exchange, type Ended, type Terms } from "./exchange.ts";
import type { Fault } from "./failure.ts";
import { headerSource, type Headers } from "./headers.ts";
import type { HttpClient, HttpReply, HttpRequest } from "./http.ts";
import { authorityOf, type Environment, statusReason } from "./proxy.ts";
import type { HttpSettings } from "./schema.ts";

export interface HttpWorld {
  readonly clock: Clock;
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
}

/** Of a file of credentials or certificates. */
const maxFileBytes = 4 * 1024 * 1024;

const defaultLimits: HttpLimits = { connectTimeoutMs: 10_000, maxBodyBytes: 64 * 1024 };

const failuresToRenew = 3;
/** In a row; a whole answer may follow the first ones. */
const cutsToBelieve = 3;

/** What a request needs before it can go out; each step may find that the settings are no use. */
type Prepared = { readonly way: Way; readonly headers: Headers } | Fault;

/** Disposing it ends every request that is under way, as `aborted`. */
export function createHttpClient(
  settings: HttpSettings,
  world: HttpWorld,
  limits = defaultLimits,
): HttpClient {
  const { clock, env, secrets = knownSecrets, authorities } = world;
  const tell = (message: string): void => world.log?.warn(message);
  readWhileAllowed(settings);
  const connections = createConnections(settings, {
    clock,
    env,
    secrets,
    connectTimeoutMs: limits.connectTimeoutMs,
    ...(authorities !== undefined && { authorities: () => authorities.current }),
    warn: tell,
  });
  const headersOf = headerSource(settings, secrets, tell);
  const closing = new AbortController();
  /** In a row. */
  let failures = 0;
  /** Answers in a row of which the head came and the rest did not. */
  let cuts = 0;
  warn(settings, world.log);

  function prepare(request: HttpRequest): Prepared {
    if (closing.signal.aborted || request.signal?.aborted === true)
      return { code: "aborted", reason: `cannot send to ${authorityOf(request.url)}: aborted` };
    if (!/^https?:$/.test(request.url.protocol))
      return { code: "protocol", reason: `url must be http:// or https://, got ${request.url.protocol}//` };
    const headers = attempt("credentials", () => headersOf(request));
    const proxy = attempt("proxy", () => connections.route(request.url));
    if ("fault" in headers) return headers.fault;
    if ("fault" in proxy) return proxy.fault;
    const way = attempt("tls", () => connections.way(request.url, proxy.value));
    return "fault" in way ? way.fault : { way: way.value, headers: headers.value };
  }

  async function once(request: HttpRequest, timeoutMs: number): Promise<Ended> {
    const prepared = prepare(request);
    if ("code" in prepared) return { kind: "fault", fault: prepared, stale: false };
    const { way, headers } = prepared;
    const opened = attempt("protocol", () => way.open(request.method, headers));
    if ("fault" in opened) return { kind: "fault", fault: opened.fault, stale: false };
    const signals = [closing.signal, ...(request.signal === undefined ? [] : [request.signal])];
    const terms = {
      ...limits,
      clock,
      timeoutMs,
      signals,
      body: request.body,
      target: authorityOf(request.url),
      proxy: way.proxy,
    };
    return proxyRefusal(await exchange(opened.value, terms), terms);
  }

  /** Whether the system knows issuers that the last attempt did not; waits for its answer as long as the request may take. */
  async function learned(before: readonly string[] | undefined, request: HttpRequest, leftMs: number) {
    if (authorities === undefined || settings.tls_config?.ca_file !== undefined) return false;
    if (authorities.current === before) {
      const done = new AbortController();
      const signals = [closing.signal, ...(request.signal === undefined ? [] : [request.signal])];
      const limit = clock.sleep(leftMs, AbortSignal.any([...signals, done.signal]));
      await Promise.race([authorities.refresh(), limit]);
      if (signals.some((signal) => signal.aborted)) return false;
      done.abort();
    }
    return authorities.current !== before;
  }

  /**
   * Of an answer whose body ends too soon, never or in nonsense the status counts, as for Go's clients, when it is so each time: a
   * gateway that promises more than it sends would otherwise be sent the same for ever.
   */
  function believed(ended: Ended): Ended {
    const cut = ended.kind === "fault" && ended.fault.code !== "aborted" ? ended.cut : undefined;
    cuts = cut === undefined ? 0 : cuts + 1;
    return cut === undefined || cuts < cutsToBelieve ? ended : cut;
  }

  return {
    async send(request) {
      const started = clock.monotonic();
      const left = (): number => Math.max(0, request.timeoutMs - (clock.monotonic() - started));
      const known = authorities?.current;
      let ended = await once(request, request.timeoutMs);
      if (ended.kind === "fault" && ended.stale) {
        connections.renew();
        ended = await once(request, left());
      }
      if (
        ended.kind === "fault" &&
        ended.fault.unknownIssuer === true &&
        (await learned(known, request, left()))
      )
        ended = await once(request, left());
      ended = believed(ended);
      // Whoever answers on a kept connection may be the wrong one by now: the name is looked up again with a new one.
      failures = ended.kind === "answer" && ended.status >= 200 && ended.status < 300 ? 0 : failures + 1;
      if (failures > 0 && failures % failuresToRenew === 0) connections.renew();
      return reply(ended, clock.monotonic() - started);
    },
    renew: () => connections.renew(),
    [Symbol.asyncDispose]() {
      closing.abort();
      connections[Symbol.dispose]();
      return Promise.resolve();
    },
  };
}

/** 407 can only come from a proxy; a CONNECT that was refused so is worded the same. */
function proxyRefusal(ended: Ended, { proxy }: Terms): Ended {
  if (ended.kind === "fault" || ended.status !== 407 || proxy === undefined) return ended;
  const fault: Fault = {
    code: "proxy",
    reason: `cannot connect through proxy ${proxy}: ${statusReason(407)}`,
  };
  return { kind: "fault", fault, stale: false };
}

function reply(ended: Ended, durationMs: number): HttpReply {
  if (ended.kind === "fault") {
    const { code, reason } = ended.fault;
    return { kind: "failure", code, reason, durationMs };
  }
  return { ...ended, kind: "response", durationMs };
}

/** The settings name files and addresses that may be no use today and good tomorrow: a failure like the network's. */
function attempt<T>(code: Fault["code"], act: () => T): { readonly value: T } | { readonly fault: Fault } {
  try {
    return { value: act() };
  } catch (error) {
    return { fault: { code, reason: causeOf(error) } };
  }
}

/** As root, before it is given up: later they may not be ours to read. What is wrong with one is said when it is needed. */
function readWhileAllowed({ basic_auth, authorization, tls_config }: HttpSettings): void {
  const { ca_file, cert_file, key_file } = tls_config ?? {};
  for (const path of [
    basic_auth?.password_file,
    authorization?.credentials_file,
    ca_file,
    cert_file,
    key_file,
  ])
    if (path !== undefined) attempt("credentials", () => readKept(path, maxFileBytes, () => undefined));
}

function warn(settings: HttpSettings, log: Logger | undefined): void {
  const secretFiles = [
    settings.basic_auth?.password_file,
    settings.authorization?.credentials_file,
    settings.tls_config?.key_file,
  ];
  for (const path of secretFiles) {
    const warning = path === undefined ? undefined : secretFileWarning(path);
    if (warning !== undefined) log?.warn(warning);
  }
  if (settings.tls_config?.insecure_skip_verify === true)
    log?.warn("tls_config.insecure_skip_verify is set: anyone on the way can read and change what is sent");
}
