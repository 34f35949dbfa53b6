/**
 * The web configuration file, by the names of Prometheus' exporter-toolkit: TLS, passwords, headers and a rate limit. It is read at the
 * start, and again when it or one of its certificates changes. A new one that has problems is logged, and the one before stays in force.
 */
import type { SecureContextOptions, SecureVersion } from "node:tls";
import { causeOf } from "../runtime/cause.ts";
import type { Clock } from "../runtime/clock.ts";
import { fileStamp, readBounded } from "../runtime/files.ts";
import type { Logger } from "../runtime/log.ts";
import { secureOptions, tlsFiles } from "./tls.ts";

type ClientAuthType =
  | "NoClientCert"
  | "RequestClientCert"
  | "RequireAnyClientCert"
  | "RequireClientCert"
  | "VerifyClientCertIfGiven"
  | "RequireAndVerifyClientCert";

/** Paths are absolute; ciphers and curves have OpenSSL's names. */
export interface TlsServerConfig {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly client_ca?: string | undefined;
  readonly cert_file?: string | undefined;
  readonly key_file?: string | undefined;
  readonly client_ca_file?: string | undefined;
  readonly client_auth_type: ClientAuthType;
  readonly client_allowed_sans?: readonly string[] | undefined;
  readonly min_version: SecureVersion;
  readonly max_version: SecureVersion;
  readonly cipher_suites: readonly string[];
  readonly prefer_server_cipher_suites: boolean;
  readonly curve_preferences: readonly string[];
}

export interface WebConfig {
  readonly tls_server_config?: TlsServerConfig | undefined;
  readonly http_server_config: {
    /** A blank one is not sent. */
    readonly headers: Readonly<Partial<Record<string, string | undefined>>>;
  };
  /** bcrypt hash by user. */
  readonly basic_auth_users: Readonly<Record<string, string>>;
  /** `interval` in milliseconds, 0 for no limit. */
  readonly rate_limit?: { readonly interval: number; readonly burst: number } | undefined;
}

/** Reads the content of the file at `file`; never throws. Problems are one line each. */
export type ParseWebConfig = (
  file: string,
  bytes: Uint8Array,
) =>
  | { readonly ok: true; readonly config: WebConfig; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly problems: readonly string[] };

export interface WebState {
  readonly tls?: { readonly config: TlsServerConfig; readonly options: SecureContextOptions };
  readonly users: ReadonlyMap<string, string>;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly rateLimit: { readonly burst: number; readonly intervalMs: number };
}

export interface LiveWebConfig {
  /** The configuration in force, or why there has been none yet; looks at the files at most once a second. */
  current(): WebState | string;
  /** Calls back with each later configuration. */
  onChange(callback: (state: WebState) => void): void;
}

const lookEveryMs = 1000;
const maxFileBytes = 1024 * 1024;

/** @param file absolute path */
export function createLiveWebConfig(
  file: string,
  parse: ParseWebConfig,
  { clock, log }: { readonly clock: Pick<Clock, "monotonic">; readonly log: Logger },
): LiveWebConfig {
  const listeners: ((state: WebState) => void)[] = [];
  let state: WebState | string = "web.config_file was not read yet";
  let files: readonly string[] = [file];
  let stamp: string | undefined;
  let lookedAt = -Infinity;

  function look(): void {
    const stampNow = files.map(fileStamp).join(" ");
    if (stampNow === stamp) return;
    const { result, files: read, warnings } = readConfig(file, parse);
    const first = stamp === undefined;
    files = read;
    stamp = files.map(fileStamp).join(" ");
    for (const warning of warnings) log.warn(`${file}: ${warning}`);
    if (typeof result !== "string") {
      state = result;
      if (!first) log.info("web configuration read again", { file });
      for (const listener of listeners) listener(result);
      return;
    }
    if (typeof state === "string") state = result;
    if (!first) log.error(`${result}; the one before stays in force`);
  }

  return {
    current() {
      const now = clock.monotonic();
      if (now - lookedAt >= lookEveryMs) {
        lookedAt = now;
        look();
      }
      return state;
    },
    onChange: (callback) => void listeners.push(callback),
  };
}

interface ReadResult {
  readonly result: WebState | string;
  /** Also those of a configuration that could not be used, as its certificates may come later. */
  readonly files: readonly string[];
  readonly warnings: readonly string[];
}

function readConfig(file: string, parse: ParseWebConfig): ReadResult {
  let files: readonly string[] = [file];
  try {
    const parsed = parse(file, readBounded(file, maxFileBytes));
    if (!parsed.ok) throw new Error(parsed.problems.join("; "));
    files = [file, ...tlsFiles(parsed.config.tls_server_config)];
    return { result: stateOf(parsed.config), files, warnings: parsed.warnings };
  } catch (error) {
    return { result: `cannot use web.config_file: ${causeOf(error)}`, files, warnings: [] };
  }
}

/** @throws Error for certificates that cannot be used */
function stateOf(config: WebConfig): WebState {
  const tls = config.tls_server_config;
  const headers = Object.entries(config.http_server_config.headers);
  return {
    ...(tls !== undefined && { tls: { config: tls, options: secureOptions(tls) } }),
    users: new Map(Object.entries(config.basic_auth_users)),
    headers: headers.flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [[name, value] as const],
    ),
    rateLimit: { burst: config.rate_limit?.burst ?? 0, intervalMs: config.rate_limit?.interval ?? 0 },
  };
}
