/**
 * Replaces what identifies a Mac, its user or its network by short salted hashes, so that output can be shared.
 *
 *     text ──► decoded (%41, \u0041, \101 or, as Bonjour has it, \065, &#65;) ──► matches of known values and of patterns ──► replaced in the text
 *          └─► base64 and hexadecimal ──► decoded, looked at for known values ──► replaced as a whole
 *
 * The same value has the same hash within one redactor, and the salt is thrown away with it.
 */
import { isUtf8 } from "node:buffer";
import { createHmac } from "node:crypto";
import { isUnspecific, keyed, patterns, valuePattern } from "./redact-patterns.ts";

/** What a value is; it stands before the hash. */
export type Kind =
  | "address"
  | "battery"
  | "data"
  | "host"
  | "mail"
  | "network"
  | "receiver"
  | "secret"
  | "serial"
  | "url"
  | "user"
  | "uuid";

export interface Identity {
  readonly kind: Kind;
  /** As the system says it; found in any case, with any separators, and in the usual encodings. */
  readonly value: string;
}

export interface Redactor {
  readonly text: (text: string) => string;
  /** UTF-8 or not: what is not replaced stays byte for byte. */
  bytes(bytes: Buffer): Buffer;
  /** Every string of it; keys stay. */
  readonly value: (value: unknown) => unknown;
}

interface Match {
  readonly start: number;
  readonly end: number;
  readonly kind: Kind;
  /** What is hashed. */
  readonly canonical: string;
}

const base64Token = /[A-Za-z0-9+/_-]{6,}={0,2}/g;
/** Also as `0x43 0x30` and `0x43, 0x30`. */
const hexToken = /(?<![0-9a-z])(?:0x)?[0-9a-f]{2}(?:(?:[ :]|,? ?0x|, ?)?[0-9a-f]{2}){4,}(?![0-9a-z])/gi;
const plistData = /(<data>)([\sA-Za-z0-9+/=]+)(<\/data>)/g;

/** @param salt random, and kept by nobody: short names could be found by trying otherwise */
export function createRedactor(identities: readonly Identity[], salt: Buffer): Redactor {
  const known = identities
    .filter(({ value }) => !isUnspecific(value))
    .flatMap(({ kind, value }) => {
      const pattern = valuePattern(value);
      return pattern === undefined ? [] : [{ kind, canonical: canonicalOf(value), pattern }];
    });

  const hashOf = (text: string): string => createHmac("sha256", salt).update(text).digest("hex");
  const label = (kind: Kind, text: string, matched: string): string => labelOf(kind, hashOf(text), matched);

  function replaceMatches(text: string): string {
    const replaced = replaceIn(text, octal, patternsIn);
    // Patterns have had their turn: what they made of a number would be another one now.
    return /\\\d{3}/.test(replaced) ? replaceIn(replaced, decimal, () => []) : replaced;
  }
  function replaceIn(text: string, code: Code, more: (decoded: string) => readonly Match[]): string {
    const { decoded, sourceOf } = decode(text, code);
    let out = "";
    let from = 0;
    for (const { start, end, kind, canonical } of merged([...knownIn(decoded, known), ...more(decoded)])) {
      const [first, last] = [sourceOf(start), sourceOf(end)];
      out += text.slice(from, first) + label(kind, canonical, text.slice(first, last));
      from = last;
    }
    return out + text.slice(from);
  }
  function holdsKnown(bytes: Buffer): boolean {
    const text = bytes.toString("latin1");
    return known.some(({ pattern }) => text.search(pattern.bytes) >= 0);
  }
  function replaceEncoded(text: string): string {
    return text
      .replace(plistData, (whole, open: string, body: string, close: string) => {
        const content = Buffer.from(body, "base64");
        if (!holdsKnown(content)) return whole;
        const redacted = Buffer.from(replaceMatches(content.toString("latin1")), "latin1");
        // Inside of a longer run of bytes it cannot be cut out.
        const content64 = holdsKnown(redacted) ? label("data", body, body) : redacted.toString("base64");
        return `${open}${content64}${close}`;
      })
      .replace(base64Token, (token) => (base64Holds(token, holdsKnown) ? label("data", token, token) : token))
      .replace(hexToken, (token) => {
        if (!holdsKnown(Buffer.from(token.replace(/0x|[ :,]/gi, ""), "hex"))) return token;
        return label("data", token, token)
          .repeat(token.length)
          .slice(0, 2 * Math.floor(token.length / 2));
      });
  }

  const redactor: Redactor = {
    text: (text) => replaceEncoded(replaceMatches(text)),
    bytes: (bytes) => mapText(bytes, redactor.text),
    value: (value) => mapStrings(value, redactor.text),
  };
  return redactor;
}

function mapText(bytes: Buffer, map: (text: string) => string): Buffer {
  const encoding = isUtf8(bytes) ? "utf8" : "latin1";
  const text = bytes.toString(encoding);
  const mapped = map(text);
  return mapped === text ? bytes : Buffer.from(mapped, encoding);
}

interface Known {
  readonly kind: Kind;
  readonly canonical: string;
  readonly pattern: { readonly text: RegExp; readonly bytes: RegExp };
}

function knownIn(text: string, known: readonly Known[]): Match[] {
  return known.flatMap(({ kind, canonical, pattern }) =>
    [...text.matchAll(pattern.text)].map(({ index, 0: found }) => {
      return { start: index, end: index + found.length, kind, canonical };
    }),
  );
}

function labelOf(kind: Kind, hash: string, matched: string): string {
  // A number stays one of its length, so that what reads it goes on reading it.
  if (/^\d+$/.test(matched)) return digits(hash, matched.length);
  // Bytes in base64 stay base64.
  if (kind === "data") return hash.slice(0, 16);
  return `${kind}-${hash.slice(0, 8)}`;
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === "string") return map(value);
  if (Array.isArray(value)) return value.map((one) => mapStrings(one, map));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapStrings(one, map)]));
}

/** Host names with and without their domain on the local network are one name. */
function canonicalOf(value: string): string {
  const plain = value.normalize("NFKD").toLowerCase();
  return plain.replace(/\.(?:local|lan|home|localdomain)\.?$/, "").replace(/[^\p{L}\p{N}]/gu, "");
}

function digits(hash: string, length: number): string {
  const all = BigInt(`0x${hash}`)
    .toString()
    .repeat(Math.ceil(length / 70));
  return all.slice(0, length);
}

/** At each of the four places where the token may really begin, as behind a slash. */
function base64Holds(token: string, holds: (bytes: Buffer) => boolean): boolean {
  return [0, 1, 2, 3].some((from) => holds(Buffer.from(token.slice(from), "base64")));
}

function patternsIn(text: string): Match[] {
  return [...patterns, ...keyed].flatMap(({ kind, pattern, accepts }) =>
    [...text.matchAll(pattern)].flatMap((match): Match[] => {
      const value = match.groups?.["value"] ?? match[0];
      const start = match.index + match[0].lastIndexOf(value);
      if (value === "" || isOurs(value) || accepts?.(value) === false) return [];
      return [{ start, end: start + value.length, kind, canonical: canonicalOf(value) }];
    }),
  );
}

/** What a redactor has put there already. */
function isOurs(value: string): boolean {
  return /^[a-z]+-[0-9a-f]{8}$/.test(value);
}

/** In order and without overlaps: what overlaps becomes one, of the kind that begins first or is longer. */
function merged(matches: readonly Match[]): Match[] {
  const all: Match[] = [];
  for (const next of matches.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = all.at(-1);
    if (last === undefined || next.start >= last.end) all.push(next);
    else if (next.end > last.end)
      all[all.length - 1] = { ...last, end: next.end, canonical: `${last.canonical} ${next.canonical}` };
  }
  return all;
}

interface Decoded {
  readonly decoded: string;
  /** Where in the text what became this character begins. */
  readonly sourceOf: (index: number) => number;
}

/** What `\032` stands for: 26 where it is octal, and a blank in Bonjour's names, whose codes are decimal (RFC 1035, section 5.1). */
interface Code {
  readonly radix: 8 | 10;
  readonly escapes: RegExp;
}

// Whole literals, so that a test can look at each.
const octal: Code = {
  radix: 8,
  escapes:
    /(?:%[0-9a-f]{2})+|(?:\\x[0-9a-f]{2})+|(?:\\[0-3][0-7]{2})+|\\u[0-9a-f]{4}|\\u\{[0-9a-f]{1,6}\}|&#x[0-9a-f]{1,6};|&#\d{1,7};|&(?:amp|lt|gt|quot|apos);/gi,
};
const decimal: Code = {
  radix: 10,
  escapes:
    /(?:%[0-9a-f]{2})+|(?:\\x[0-9a-f]{2})+|(?:\\(?:[01]\d|2[0-5])\d)+|\\u[0-9a-f]{4}|\\u\{[0-9a-f]{1,6}\}|&#x[0-9a-f]{1,6};|&#\d{1,7};|&(?:amp|lt|gt|quot|apos);/gi,
};
const named: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function decode(text: string, { radix, escapes }: Code): Decoded {
  if (!/[%\\&]/.test(text)) return { decoded: text, sourceOf: (index) => index };
  const sources: number[] = [];
  let decoded = "";
  let from = 0;
  function copy(to: number): void {
    for (let at = from; at < to; at++) sources.push(at);
    decoded += text.slice(from, to);
  }
  for (const { index, 0: escape } of text.matchAll(escapes)) {
    copy(index);
    for (const { character, offset } of unescaped(escape, radix)) {
      sources.push(...new Array<number>(character.length).fill(index + offset));
      decoded += character;
    }
    from = index + escape.length;
  }
  copy(text.length);
  return { decoded, sourceOf: (index) => sources[index] ?? text.length };
}

/** The characters of one run of escapes, each with where it begins in it. */
function unescaped(escape: string, backslashed: 8 | 10): { character: string; offset: number }[] {
  const [unit, radix] = escape.startsWith("%") ? [3, 16] : /^\\x/i.test(escape) ? [4, 16] : [4, backslashed];
  if (/^(?:%|\\x|\\\d)/i.test(escape)) {
    const codes = Array.from({ length: escape.length / unit }, (_none, at) =>
      Number.parseInt(
        escape.slice(at * unit + (unit === 3 ? 1 : radix === 16 ? 2 : 1), (at + 1) * unit),
        radix,
      ),
    );
    const bytes = Buffer.from(codes);
    const encoding = isUtf8(bytes) ? "utf8" : "latin1";
    let offset = 0;
    return Array.from(bytes.toString(encoding), (character) => {
      const here = offset;
      offset += unit * Buffer.byteLength(character, encoding);
      return { character, offset: here };
    });
  }
  const digits = /[0-9a-f]+/i.exec(escape.slice(2))?.[0] ?? "";
  const hexadecimal = /^(?:\\u|&#x)/i.test(escape);
  const name = named[escape.slice(1, -1).toLowerCase()];
  const code = Number.parseInt(hexadecimal ? digits : escape.replace(/\D/g, ""), hexadecimal ? 16 : 10);
  const character = name ?? (code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd");
  return [{ character, offset: 0 }];
}
