/** What a user may set about HTTP connections; the names are those of Prometheus' `http_config`. */
import type { Secret } from "../secret.ts";

/** Authentication, TLS, proxy and headers, the same for every sink. Paths are absolute or relative to the working folder. */
export interface HttpSettings {
  /** Sent with each request; a sink's own headers win. Values may be credentials and are never printed. */
  readonly headers?: Readonly<Record<string, Secret>>;
  readonly basic_auth?: BasicAuth;
  readonly authorization?: Authorization;
  readonly tls_config?: TlsSettings;
  /** `http://` or `https://`, with `user:password@` where the proxy asks for it. Wins over the environment. */
  readonly proxy_url?: string;
  /** Hosts that `proxy_url` is not used for: names with their subdomains, addresses, CIDR ranges, each with an optional port. */
  readonly no_proxy?: string;
  /** Whether HTTP_PROXY, HTTPS_PROXY and NO_PROXY count; they do unless this is false. */
  readonly proxy_from_environment?: boolean;
}

/** Exactly one of `password` and `password_file`. */
export interface BasicAuth {
  readonly username: string;
  readonly password?: Secret;
  readonly password_file?: string;
}

/** Exactly one of `credentials` and `credentials_file`. */
export interface Authorization {
  /** The scheme, `Bearer` by default. */
  readonly type: string;
  readonly credentials?: Secret;
  readonly credentials_file?: string;
}

export interface TlsSettings {
  /** Trusted instead of the system's and Node's certificate authorities. */
  readonly ca_file?: string;
  readonly cert_file?: string;
  readonly key_file?: string;
  readonly server_name?: string;
  readonly insecure_skip_verify?: boolean;
  readonly min_version?: TlsVersion;
}

export const tlsVersions = ["TLS10", "TLS11", "TLS12", "TLS13"] as const;
export type TlsVersion = (typeof tlsVersions)[number];
