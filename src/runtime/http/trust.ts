/** Whom we trust and how we prove who we are on a TLS connection, with certificate files as they are now. */
import { isIP } from "node:net";
import type { ConnectionOptions, SecureContext, SecureContextOptions, SecureVersion } from "node:tls";
import { causeOf } from "../cause.ts";
import { readKept } from "../kept-file.ts";
import { fileStamp } from "../stamp.ts";
import { tls } from "./modules.ts";
import type { TlsSettings, TlsVersion } from "./settings.ts";

interface Trust {
  /** The same object until one of the files changes. @throws Error in the house grammar for a file that is no use */
  options(): ConnectionOptions;
}

const maxPemBytes = 4 * 1024 * 1024;
const versions: Readonly<Record<TlsVersion, SecureVersion>> = {
  TLS10: "TLSv1",
  TLS11: "TLSv1.1",
  TLS12: "TLSv1.2",
  TLS13: "TLSv1.3",
};

/** @param authorities of the system, asked for anew with each connection; their identity says whether they changed */
export function createTrust(
  settings: TlsSettings = {},
  authorities: () => readonly string[] = () => none,
  warn: Warn = () => undefined,
): Trust {
  const files = [settings.ca_file, settings.cert_file, settings.key_file].filter(
    (path) => path !== undefined,
  );
  let stamp: string | undefined;
  let current: ConnectionOptions = {};
  let added: readonly string[] = none;
  return {
    options() {
      const now = files.map(fileStamp).join(" ");
      const system = authorities();
      if (now === stamp && system === added) return current;
      stamp = undefined;
      current = { ...connectionOptions(settings), secureContext: secureContext(settings, system, warn) };
      stamp = now;
      added = system;
      return current;
    },
  };
}

const none: readonly string[] = [];

function connectionOptions({
  server_name: name,
  insecure_skip_verify: insecure,
}: TlsSettings): ConnectionOptions {
  return {
    ALPNProtocols: ["http/1.1"],
    rejectUnauthorized: insecure !== true,
    ...(name !== undefined && {
      // An address is no server name indication (RFC 6066, section 3), but it can be checked against the certificate.
      servername: isIP(name) === 0 ? name : "",
      checkServerIdentity: (_host, certificate) => tls().checkServerIdentity(name, certificate),
    }),
  };
}

type Warn = (message: string) => void;

function secureContext(settings: TlsSettings, system: readonly string[], warn: Warn): SecureContext {
  const { ca_file, cert_file, key_file, min_version } = settings;
  const options: SecureContextOptions = {
    minVersion: versions[min_version ?? "TLS12"],
    ...(ca_file !== undefined && { ca: pem("ca_file", ca_file, warn) }),
    ...(cert_file !== undefined && { cert: pem("cert_file", cert_file, warn) }),
    ...(key_file !== undefined && { key: pem("key_file", key_file, warn) }),
  };
  if (ca_file === undefined) return systemContext(options, system, cert_file === undefined);
  return context(options);
}

function pem(name: string, path: string, warn: Warn): Buffer {
  const content = readKept(path, maxPemBytes, warn);
  if (!content.includes("-----BEGIN "))
    throw new Error(`tls_config.${name} must be a PEM file, got ${path} without one`);
  return content;
}

const shared = new Map<SecureVersion | undefined, { system: readonly string[]; context: SecureContext }>();

/** Node.js' own authorities and the system's. Shared, as one takes some 4 MB. */
function systemContext(
  options: SecureContextOptions,
  system: readonly string[],
  shareable: boolean,
): SecureContext {
  const existing = shareable ? shared.get(options.minVersion) : undefined;
  if (existing?.system === system) return existing.context;
  // Node.js' default store is cheaper than a copy of it.
  const ca = system.length === 0 ? {} : { ca: [...tls().getCACertificates("default"), ...system] };
  const created = context({ ...options, ...ca });
  if (shareable) shared.set(options.minVersion, { system, context: created });
  return created;
}

function context(options: SecureContextOptions): SecureContext {
  try {
    return tls().createSecureContext(options);
  } catch (error) {
    const files = options.cert === undefined ? "ca_file" : "cert_file, key_file or ca_file";
    throw new Error(`cannot use tls_config's ${files}: ${causeOf(error)}`, { cause: error });
  }
}
