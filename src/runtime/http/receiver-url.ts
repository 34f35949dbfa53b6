/** Addresses of receivers and proxies: what is wrong with one, and its parts. */
import { isIP } from "node:net";

/** Why the address of a receiver or a proxy can't be used; undefined for one that can. */
export function urlFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return undefined;
  // A URL parser takes it for a slash, and `corp` in http://corp\user@proxy for the host.
  if (text.includes("\\")) return "must not contain a backslash: write %5C in a user name";
  if (/\s/.test(text)) return "must not contain white space";
  if ([url.username, url.password].some((part) => !isEncoded(part)))
    return "must have each % of its user and password written as %25";
  return undefined;
}

/** `%` must begin the code of a character, and the codes must be UTF-8. */
function isEncoded(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Without the brackets that a URL puts around an IPv6 address and the final dot of an absolute name. */
export function hostOf(url: URL): string {
  return url.hostname
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
}

/** For TLS with that host; an address has none (RFC 6066, section 3). */
export function serverNameOf(url: URL): string {
  const host = hostOf(url);
  return isIP(host) === 0 ? host : "";
}

export function portOf(url: URL): string {
  if (url.port !== "") return url.port;
  return url.protocol === "https:" ? "443" : "80";
}

/** `host:port` as a person would write it. */
export function authorityOf(url: URL): string {
  return `${url.hostname}:${portOf(url)}`;
}

/** Names of query parameters that hold credentials, by what they are made of. */
const credentialName = /auth|token|key|secret|pass|pwd|sig|cred|session|cookie|jwt|^p$|^pw$|^code$/i;

/** The values in a query that are credentials, as they stand there. */
export function credentialsIn({ search }: URL): readonly string[] {
  return search
    .slice(1)
    .split("&")
    .flatMap((pair) => {
      const at = pair.indexOf("=");
      return at > 0 && isCredentialName(pair.slice(0, at)) ? [pair.slice(at + 1)] : [];
    });
}

export function isCredentialName(name: string): boolean {
  return credentialName.test(name);
}

/** Whether what is sent stays on this machine or in a private network, as far as its host name shows. */
export function isPrivateHost(host: string): boolean {
  const name = host.replace(/^\[/, "").replace(/\]$/, "").replace(/\.$/, "").toLowerCase();
  if (name.includes(":")) return /^(?:::1$|::ffff:|f[cd]|fe[89ab])/.test(name);
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(name))
    return /^(?:10|127|192\.168|169\.254|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(
      name,
    );
  if (!name.includes(".")) return true;
  return ["local", "lan", "localhost", "internal", "home.arpa", "intranet", "corp", "home"].some((suffix) =>
    name.endsWith(`.${suffix}`),
  );
}
