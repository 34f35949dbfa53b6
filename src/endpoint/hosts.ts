/**
 * Decides which host names the endpoint answers to. A web page can make its own name resolve to 127.0.0.1 (DNS rebinding) and read an
 * endpoint without authentication; the name in `Host` gives it away.
 */
import { isIP } from "node:net";
import { isLoopback } from "../runtime/address.ts";

export interface Hosts {
  /**
   * @param host the `Host` header, with or without port; absent in HTTP/1.0, which no browser speaks
   * @param localAddress where the connection arrived
   */
  allows(host: string | undefined, localAddress: string | undefined): boolean;
}

interface HostSettings {
  /** Hosts of the listen addresses. */
  readonly listening: readonly string[];
  /** This machine's own names. */
  readonly own: readonly string[];
  /** Further names; `*` for any, `*.example.com` for all below. */
  readonly allowed: readonly string[];
}

/** Loopback, the listen addresses, the address the connection came in by, the machine's names, and those allowed. */
export function createHosts({ listening, own, allowed }: HostSettings): Hosts {
  const names = new Set([...listening, ...own.flatMap(namesOf), ...allowed].map(canonical));
  names.delete("");
  const suffixes = allowed.filter((name) => name.startsWith("*.")).map((name) => canonical(name.slice(1)));
  return {
    allows(host, localAddress) {
      if (host === undefined || names.has("*")) return true;
      const name = canonical(host);
      return (
        isLoopback(name) ||
        names.has(name) ||
        (name === localAddress?.replace(/^::ffff:/, "") && isIP(name) !== 0) ||
        suffixes.some((suffix) => name.endsWith(suffix))
      );
    },
  };
}

/** A Mac is known by its name, the name without its domain, and that with Bonjour's. */
function namesOf(hostname: string): readonly string[] {
  const [short = ""] = hostname.split(".", 1);
  return short === "" ? [] : [hostname, short, `${short}.local`];
}

/** Lower case, without port, brackets and the root's dot. */
function canonical(host: string): string {
  const text = host.trim().toLowerCase();
  // To recognize IPv6, Node.js compiles an expression for 4 ms: only what has two colons is asked about.
  if (/:.*:/.test(text) && isIP(text) === 6) return text;
  const bracketed = /^\[([^\]]*)\](?::[0-9]*)?$/.exec(text)?.[1];
  return bracketed ?? text.replace(/:[0-9]*$/, "").replace(/\.$/, "");
}
