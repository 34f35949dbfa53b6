/** Masks text that leaves the agent for people: known secret values, and credentials inside URLs. */
import { isCredentialName } from "./http/receiver-url.ts";

export interface KnownSecrets {
  /** Remembers a value, and the forms it takes in JSON, in URLs and as base64. To be called at each use: the one used last is forgotten last. */
  add(value: string): void;
  /** The same for one that is replaced again and again, such as a token: many of them push no other value out. */
  addPassing(value: string): void;
  /** The text with every known value replaced by `<secret>` and every URL's password by `***`. */
  redact(text: string): string;
}

/** Values that rotate for months must not pile up. */
const maxKnown = 256;
const maxPassing = 64;
/** Masking "1" or "on" wherever it occurs would hide the log and protect nothing. */
const shortestMasked = 4;
/** A parameter's name is bounded, so that looking for its end takes a bounded time from each place. */
const parameter = /([?&;][\w.%[\]-]{1,64}=)([^&;\s#"'<>\\]+)/g;
const endOfAuthority = /[\s/?#"'<>\\]/g;

export function createKnownSecrets(): KnownSecrets {
  const lasting = new Set<string>();
  const passing = new Set<string>();
  let forms: readonly string[] = [];

  function remember(values: Set<string>, value: string, most: number): void {
    if (value.length < shortestMasked) return;
    const isKnown = values.delete(value);
    values.add(value);
    if (isKnown) return;
    for (const oldest of values) if (values.size > most) values.delete(oldest);
    // Longest first: a value may be a part of another.
    forms = [...new Set([...lasting, ...passing].flatMap(formsOf))].sort((a, b) => b.length - a.length);
  }

  return {
    add: (value) => remember(lasting, value, maxKnown),
    addPassing: (value) => remember(passing, value, maxPassing),
    redact: (text) => redact(text, forms),
  };
}

/** One for the process, so that no secret can exist that the logger does not know. */
export const knownSecrets: KnownSecrets = createKnownSecrets();

/** The text with each of `secrets` replaced by `<secret>`, and `https://user:password@host` by `https://user:***@host`. */
export function redact(text: string, secrets: Iterable<string>): string {
  let masked = text;
  for (const secret of secrets) masked = masked.replaceAll(secret, "<secret>");
  return maskUrls(masked);
}

/** The text with passwords, tokens and the credentials of queries in its URLs as `***`; one pass, whatever the text is. */
export function maskUrls(text: string): string {
  const masked = text.includes("://") ? maskUserInfo(text) : text;
  if (!masked.includes("=")) return masked;
  return masked.replace(parameter, (all, name: string) =>
    isCredentialName(name.slice(1, -1)) ? `${name}***` : all,
  );
}

/** Without a colon the whole before the `@` is a token. */
function maskUserInfo(text: string): string {
  let masked = "";
  let done = 0;
  for (let at = text.indexOf("://"); at !== -1; at = text.indexOf("://", done)) {
    const start = at + 3;
    endOfAuthority.lastIndex = start;
    const end = endOfAuthority.exec(text)?.index ?? text.length;
    const credentials = text.slice(start, end);
    const host = credentials.lastIndexOf("@");
    const colon = credentials.indexOf(":");
    const user = colon === -1 || colon > host ? "" : credentials.slice(0, colon + 1);
    masked += text.slice(done, start) + (host === -1 ? credentials : `${user}***${credentials.slice(host)}`);
    done = end;
  }
  return masked + text.slice(done);
}

function formsOf(value: string): readonly string[] {
  const base64 = Buffer.from(value).toString("base64");
  return [value, JSON.stringify(value).slice(1, -1), uriForm(value), base64];
}

/** A lone surrogate has no form in a URL. */
function uriForm(value: string): string {
  return value.isWellFormed() ? encodeURIComponent(value) : value;
}
