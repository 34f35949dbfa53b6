/** What a web configuration file sets for the endpoint, by the names of Prometheus' exporter-toolkit. */
import type { SecureVersion } from "node:tls";

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
