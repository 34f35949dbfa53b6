/** What identifying values look like: those that the system reported, in every spelling, and those that only their form gives away. */
import { isIPv4, isIPv6 } from "node:net";
import type { Kind } from "./redact.ts";

interface Pattern {
  readonly kind: Kind;
  /** Global; its group `value` is what is replaced, or all of it. */
  readonly pattern: RegExp;
  readonly accepts?: (value: string) => boolean;
}

/** Words that name no one: hashing them wherever they stand would make a report unreadable. */
const common = new Set(
  (
    "root nobody daemon wheel admin administrator staff user users guest test default shared system local localhost " +
    "localdomain home apple macos mac imac macbook book pro air mini studio max ultra neo server client host " +
    "computer laptop desktop name names true false none null unknown address battery data mail network receiver " +
    "secret serial url uuid power agent powermetrics sample samples gateway collector prometheus"
  ).split(" "),
);

/** Shorter values are hidden only where their place says what they are. */
const shortest = 4;

/** Whether a value is too short or too common to be looked for everywhere. */
export function isUnspecific(value: string): boolean {
  const words = wordsOf(value).filter((word) => !/^\d{1,3}$/.test(word));
  if (value.startsWith("_") || words.join("").length < shortest) return true;
  return words.every((word) => common.has(word.toLowerCase()) || word.length < 2);
}

function wordsOf(value: string): string[] {
  return value.normalize("NFC").match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
}

/** Between words; also what UTF-8 looks like that was read as Latin-1. */
const separators = "(?:[^\\p{L}\\p{N}]|[\u00c2-\u00ef][\u0080-\u00bf]{1,3}){0,6}";

/**
 * One for texts, and one for decoded bytes, which have no words.
 * `Anna’s MacBook Pro` is also Annas-MacBook-Pro and ANNA_S_MACBOOK_PRO, ü also ü in two characters and u; UTF-16 has NULs between.
 */
export function valuePattern(value: string): { text: RegExp; bytes: RegExp } | undefined {
  const words = wordsOf(value.replace(/\.(?:local|lan|home|localdomain)\.?$/i, ""));
  if (words.length === 0) return undefined;
  const body = words.map((word) => Array.from(word, characterPattern).join("\\0?")).join(separators);
  // What is short may be a part of a word, what is long is found inside of others too.
  const whole = words.join("").length < 8;
  const bytes = new RegExp(body, "giu");
  if (!whole) return { text: bytes, bytes };
  return { text: new RegExp(`(?<![\\p{L}\\p{N}])${body}(?![\\p{L}\\p{N}])`, "giu"), bytes };
}

const digraphs: Readonly<Record<string, string>> = {
  ä: "ae",
  ö: "oe",
  ü: "ue",
  ß: "ss",
  å: "aa",
  ø: "oe",
  æ: "ae",
};

function characterPattern(character: string): string {
  if (character.charCodeAt(0) < 128) return escaped(character);
  const plain = character.normalize("NFD").replace(/\p{M}/gu, "");
  const forms = [character.toLowerCase(), character.toUpperCase()].flatMap((one) => [
    one,
    one.normalize("NFD"),
    Buffer.from(one).toString("latin1"),
    Buffer.from(one.normalize("NFD")).toString("latin1"),
    Buffer.from(one, "latin1").toString("latin1"),
  ]);
  forms.push(plain, digraphs[character.toLowerCase()] ?? plain);
  return `(?:${[...new Set(forms)].map(escaped).join("|")})`;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&").replace(/[\p{Cc}]/gu, unicode);
}

const unicode = (character: string): string => `\\u{${character.charCodeAt(0).toString(16)}}`;

/** Every document of Apple's begins with it. */
const ownUrl = /^https?:\/\/www\.apple\.com\/DTDs\/|^file:\/\/\/(?!Users|home)/i;

export const patterns: readonly Pattern[] = [
  {
    kind: "url",
    pattern: /(?<![A-Za-z0-9])[a-z][a-z0-9+.-]{1,15}:\/\/[^\s"'<>\\^`{}|]+/gi,
    accepts: (url) => !ownUrl.test(url),
  },
  { kind: "mail", pattern: /(?<![\w.+-])[\w.+-]+@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g },
  { kind: "uuid", pattern: /(?<![0-9a-f])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])/gi },
  { kind: "serial", pattern: /(?<![0-9a-f])[0-9a-f]{8}-[0-9a-f]{16}(?![0-9a-f])/gi },
  { kind: "address", pattern: /(?<![0-9a-f:-])(?:[0-9a-f]{1,2}[:-]){5}[0-9a-f]{1,2}(?![0-9a-f:-])/gi },
  {
    kind: "address",
    pattern: /(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d]|\.\d)/g,
    accepts: (text) => isIPv4(text) && !/^(?:127\.|0\.0\.0\.0|255\.)/.test(text),
  },
  {
    kind: "address",
    pattern: /(?<![0-9a-z:.])[0-9a-f:]{2,39}(?:(?:\.\d{1,3}){3})?(?![0-9a-z:])/gi,
    accepts: (text) => isIPv6(text) && !/^::1?$/.test(text),
  },
  {
    kind: "host",
    pattern:
      /(?<![\w.-])[\p{L}\p{N}_-]{1,63}(?:\.[\p{L}\p{N}_-]{1,63}){0,5}\.(?:local|lan|home|localdomain|fritz\.box)\.?(?![\p{L}\p{N}_-])/giu,
    accepts: (name) => !/^localhost\./i.test(name),
  },
  {
    kind: "user",
    pattern: /[/\\](?:Users|home)[/\\](?<value>[^/\\\s"'<>:,;)]+)/gi,
    accepts: (name) => !/^(?:Shared|Guest|\.localized)$/i.test(name),
  },
  { kind: "battery", pattern: /\(id=(?<value>\d+)\)/g },
];

const secretKey =
  "(?:serial|uuid|udid|ssid|ecid|unique[-_ ]?chip|mlb|imei|meid|host[-_ ]?name|computer[-_ ]?name|user[-_ ]?name|" +
  "real[-_ ]?name|full[-_ ]?name|mac[-_ ]?addr|wwn|network[-_ ]?name|apple[-_ ]?id|dsid|e-?mail)";
/** A password, a token: what stands behind it is hidden, whether the configuration has it or not. */
const credentialKey = "(?:pass(?:word|wd|phrase)|secret|token|api[-_ ]?key|access[-_ ]?key|credentials?)";
const meansNothing =
  /^(?:yes|no|true|false|0|1|none|null|unknown|n\/a|\(null\)|\*+|mac-powermetrics-agent)$/i;
const meansSomething = (value: string): boolean => !meansNothing.test(value.trim());
/** `basic authentication` is no credential. */
const hasDigitOrCase = (value: string): boolean => /\d|[a-z][A-Z]|=$/.test(value);

/** What stands there up to a blank or a quote; brackets around it are JSON's. */
const bareValue = String.raw`(?<value>[^\s"'&,;<>{}[\]()](?:[^\s"'&,;<>]{0,4094}[^\s"'&,;<>{}[\]()])?)`;
const assigned = String.raw`["']?[ \t]{0,5}[:=][ \t]{0,5}["']?`;

/** Credentials by their place: in a property list, as `password=…` or `"token": "…"`, and in an Authorization header. */
const credentials: readonly Pattern[] = [
  {
    kind: "secret",
    pattern: new RegExp(
      `<key>[^<]{0,60}${credentialKey}</key>\\s{0,80}<(?:string|data)>\\s{0,80}(?<value>[^<\\s][^<]{0,4000})</`,
      "gi",
    ),
    accepts: meansSomething,
  },
  {
    kind: "secret",
    pattern: new RegExp(`${credentialKey}${assigned}${bareValue}`, "gi"),
    accepts: meansSomething,
  },
  {
    kind: "secret",
    pattern: new RegExp(
      `authorization${assigned}(?:(?:bearer|basic|digest|token|negotiate)[ \\t]{1,5})?${bareValue}`,
      "gi",
    ),
    accepts: meansSomething,
  },
  {
    kind: "secret",
    pattern: /\b(?:bearer|basic)[ \t]{1,5}(?<value>[\w.~+/-]{8,4096}={0,2})/gi,
    accepts: hasDigitOrCase,
  },
];

/** Values that their key gives away: in a property list, and as `"Serial" = "F8Y…"` or `Serial Number (system): F8Y…`. */
export const keyed: readonly Pattern[] = [
  ...credentials,
  {
    kind: "serial",
    pattern: new RegExp(
      `<key>[^<]{0,60}${secretKey}[^<]{0,60}</key>\\s{0,80}<(?:string|integer)>\\s{0,80}(?<value>[^<\\s](?:[^<]{0,4000}[^<\\s])?)\\s{0,80}</`,
      "gi",
    ),
    accepts: meansSomething,
  },
  {
    kind: "data",
    pattern: new RegExp(
      `<key>[^<]{0,60}${secretKey}[^<]{0,60}</key>\\s{0,80}<data>\\s{0,80}(?<value>[^<\\s](?:[^<]{0,4000}[^<\\s])?)\\s{0,80}</`,
      "gi",
    ),
  },
  {
    kind: "serial",
    pattern: new RegExp(
      `${secretKey}[\\w .()/-]{0,40}"?[ \\t]{0,40}[:=][ \\t]{0,40}"(?<value>[^"\\n]+)"`,
      "gi",
    ),
    accepts: meansSomething,
  },
  {
    kind: "serial",
    pattern: new RegExp(
      `${secretKey}[\\w .()/-]{0,40}"?[ \\t]{0,40}[:=][ \\t]{0,40}\\n?[ \\t]{0,40}<?(?<value>[^"\\s<>,;})][^"\\n<>,;})]*)`,
      "gi",
    ),
    accepts: meansSomething,
  },
];
