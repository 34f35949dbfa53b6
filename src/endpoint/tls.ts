/** The server's side of TLS: its certificate from files, and which clients may come in. */
import { isIPv6 } from "node:net";
import type { SecureContextOptions, TLSSocket } from "node:tls";
import { causeOf } from "../runtime/cause.ts";
import { readBounded } from "../runtime/files.ts";
import { tls } from "../runtime/http/modules.ts";
import type { TlsServerConfig } from "./web-config.ts";

const maxPemBytes = 1024 * 1024;

/** The files whose change asks for a new context. */
export function tlsFiles(config: TlsServerConfig | undefined): readonly string[] {
  return [config?.cert_file, config?.key_file, config?.client_ca_file].filter((path) => path !== undefined);
}

/**
 * What the server needs, files read now and checked.
 * @throws Error for a file that is missing or cannot be used, such as a key of another certificate
 */
export function secureOptions(config: TlsServerConfig): SecureContextOptions {
  const ca = pem(config.client_ca, config.client_ca_file);
  const options: SecureContextOptions = {
    cert: pem(config.cert, config.cert_file),
    key: pem(config.key, config.key_file),
    ...(ca !== undefined && { ca }),
    minVersion: config.min_version,
    maxVersion: config.max_version,
    honorCipherOrder: config.prefer_server_cipher_suites,
    ...(config.cipher_suites.length > 0 && { ciphers: [...tls13Ciphers, ...config.cipher_suites].join(":") }),
    ...(config.curve_preferences.length > 0 && { ecdhCurve: config.curve_preferences.join(":") }),
  };
  try {
    tls().createSecureContext(options);
  } catch (error) {
    const files = ca === undefined ? "certificate and key" : "certificate, key and client CA";
    throw new Error(`cannot use tls_server_config's ${files}: ${causeOf(error)}`, { cause: error });
  }
  return options;
}

/** As in Go, the list of ciphers does not touch those of TLS 1.3. */
const tls13Ciphers = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

function pem(inline: string | undefined, path: string | undefined): string | Buffer | undefined {
  return path === undefined ? inline : readBounded(path, maxPemBytes);
}

/** Whether the handshake has to ask for a certificate. */
export function asksForCertificate({ client_auth_type }: TlsServerConfig): boolean {
  return client_auth_type !== "NoClientCert";
}

/** Whether this client's certificate, or the lack of one, is what the configuration wants. */
export function isWelcome(socket: TLSSocket, config: TlsServerConfig): boolean {
  const { client_auth_type: type, client_allowed_sans: allowed } = config;
  if (type === "NoClientCert" || type === "RequestClientCert") return true;
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return type === "VerifyClientCertIfGiven";
  const verified = type === "VerifyClientCertIfGiven" || type === "RequireAndVerifyClientCert";
  if (verified && !socket.authorized) return false;
  return allowed === undefined || namesIn(certificate.subjectAltName).some((name) => allowed.includes(name));
}

/** `DNS:a, IP Address:1.2.3.4, URI:"b,c"` → the bare names; IPv6 addresses in their short form, as Go writes them. */
function namesIn(subjectAltName = ""): readonly string[] {
  const pattern = /(?:^|, )(?:DNS|IP Address|email|URI):("(?:[^"\\]|\\.)*"|[^,]*)/g;
  return [...subjectAltName.matchAll(pattern)].map(([, name = ""]) => {
    if (name.startsWith('"')) return String(JSON.parse(name));
    return isIPv6(name) ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name;
  });
}
