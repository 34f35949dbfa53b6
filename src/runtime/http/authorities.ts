/**
 * The authorities that the system trusts besides Node.js' own, such as a company's in the keychain.
 *
 *     request ──issuer unknown──► another process reads the system's store ──new ones──► the same request again
 *
 * macOS can take a minute for it, and Node.js reads the store in one blocking call: in the agent itself neither an answer nor
 * SIGTERM would come through meanwhile. Most receivers have a certificate that Node.js knows, and then nobody asks.
 */
import type { Clock } from "../clock.ts";
import { tls } from "./modules.ts";

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
  let current: readonly string[] = [];
  let readAt = -Infinity;
  let reading: Promise<void> | undefined;

  async function load(): Promise<void> {
    const found = await read();
    reading = undefined;
    readAt = clock.monotonic();
    if (found !== undefined && found.join("") !== current.join("")) current = found;
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
