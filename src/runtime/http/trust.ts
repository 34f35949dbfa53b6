/** TLS: whom we trust and how we prove who we are, with certificate files and the system's authorities as they are now. */
import { isIP } from "node:net";
import type { ConnectionOptions, SecureContext, SecureContextOptions, SecureVersion } from "node:tls";
import { causeOf } from "../cause.ts";
import { defined } from "../defined.ts";
import { readKept, fileStamp } from "../files.ts";
import { tls } from "./modules.ts";
import type { TlsSettings } from "./schema.ts";
import type { Clock } from "../clock.ts";

interface Trust {
  /** The same object until one of the files changes. @throws Error in the house grammar for a file that is unusable */
  options(): ConnectionOptions;
}

const maxPemBytes = 4 * 1024 * 1024;
const versions: Readonly<Record<NonNullable<TlsSettings["min_version"]>, SecureVersion>> = {
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
  const options: SecureContextOptions = defined({
    minVersion: versions[min_version ?? "TLS12"],
    ca: pem("ca_file", ca_file, warn),
    cert: pem("cert_file", cert_file, warn),
    key: pem("key_file", key_file, warn),
  });
  if (ca_file === undefined) return systemContext(options, system, cert_file === undefined);
  return context(options);
}

function pem(name: string, path: string | undefined, warn: Warn): Buffer | undefined {
  if (path === undefined) return undefined;
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

/**
 * The authorities that the system trusts besides Node.js' own, such as a company's in the keychain.
 *
 *     request ──issuer unknown──► another process reads the system's store ──new ones──► the same request again
 *
 * macOS can take a minute for it, and Node.js reads the store in one blocking call: in the agent itself neither an answer nor
 * SIGTERM would come through meanwhile. Most receivers have a certificate that Node.js knows, and then nobody asks.
 */
export interface SystemAuthorities {
  /** PEM, those of the last reading; another object after a reading that found others. */
  readonly current: readonly string[];
  /** Reads them, once for all who ask meanwhile, and not again for some minutes; resolves when `current` is up to date. */
  refresh(): Promise<void>;
}

/** A certificate that was just added to the keychain counts at the latest after this. */
const freshMs = 5 * 60_000;

/** @param read resolves to PEM certificates; undefined where they could not be read, which it reports itself */
export function createSystemAuthorities(
  read: () => Promise<readonly string[] | undefined>,
  clock: Clock,
): SystemAuthorities {
  let current = none;
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  async function load(): Promise<void> {
    try {
      const found = await read();
      if (found !== undefined && found.join("") !== current.join("")) current = found;
    } finally {
      reading = undefined;
      readAt = clock.monotonic();
    }
  }

  return {
    get current() {
      return current;
    },
    async refresh() {
      if (reading === undefined && clock.monotonic() - readAt < freshMs) return;
      await (reading ??= load());
    },
  };
}

/** What only the system knows. Blocks for as long as the system takes. */
export function readSystemAuthorities(): readonly string[] {
  const known = new Set(tls().getCACertificates("default"));
  return tls()
    .getCACertificates("system")
    .filter((certificate) => !known.has(certificate));
}
