/** Owns the masking of text that leaves the agent for people: known secret values, and credentials inside URLs. */

export interface KnownSecrets {
  /** Remembers a value, and the forms it takes in JSON, in URLs and as base64. */
  add(value: string): void;
  /** The text with every known value replaced by `<secret>` and every URL's password by `***`. */
  redact(text: string): string;
}

/** Values that rotate for months must not pile up: the oldest is forgotten first. */
const maxKnown = 256;
/** Masking "1" or "on" wherever it occurs would hide the log and protect nothing. */
const shortestMasked = 4;
const userInfo = /([a-z][a-z0-9+.-]{0,15}:\/\/)([^\s/?#"'<>\\]*)@/gi;

export function createKnownSecrets(): KnownSecrets {
  const values = new Set<string>();
  let forms: readonly string[] = [];
  return {
    add(value) {
      if (value.length < shortestMasked || values.has(value)) return;
      values.add(value);
      for (const oldest of values) if (values.size > maxKnown) values.delete(oldest);
      // Longest first: a value may be a part of another.
      forms = [...new Set([...values].flatMap(formsOf))].sort((a, b) => b.length - a.length);
    },
    redact: (text) => redact(text, forms),
  };
}

/** One for the process, so that no secret can exist that the logger does not know. */
export const knownSecrets: KnownSecrets = createKnownSecrets();

/** The text with each of `secrets` replaced by `<secret>`, and `https://user:password@host` by `https://user:***@host`. */
export function redact(text: string, secrets: Iterable<string>): string {
  let masked = text;
  for (const secret of secrets) masked = masked.replaceAll(secret, "<secret>");
  return masked.includes("://") ? masked.replace(userInfo, maskUserInfo) : masked;
}

/** Without a colon the whole is a token. */
function maskUserInfo(_url: string, scheme: string, credentials: string): string {
  const colon = credentials.indexOf(":");
  return colon < 0 ? `${scheme}***@` : `${scheme}${credentials.slice(0, colon)}:***@`;
}

function formsOf(value: string): readonly string[] {
  const base64 = Buffer.from(value).toString("base64");
  return [value, JSON.stringify(value).slice(1, -1), uriForm(value), base64];
}

/** A lone surrogate has no form in a URL. */
function uriForm(value: string): string {
  return value.isWellFormed() ? encodeURIComponent(value) : value;
}
