/** Owns secrets: values that reach a receiver but never a log, a page or a printed configuration. */
import { statSync } from "node:fs";
import { inspect } from "node:util";
import { readBounded } from "./files.ts";
import { createKnownSecrets, knownSecrets, type KnownSecrets } from "./redact.ts";
import { fileStamp } from "./stamp.ts";

/** Opaque: printing it in any way gives `<secret>`. */
export interface Secret {
  /** The value itself. @throws Error in the house grammar where a secret's file can't give one. */
  reveal(): string;
  toString(): string;
  toJSON(): string;
}

const maxSecretBytes = 64 * 1024;

/** A secret written into the configuration itself. */
export function literalSecret(value: string, known: KnownSecrets = knownSecrets): Secret {
  known.add(value);
  const secret = opaque(() => value);
  literals.set(secret, { [marker]: value, masked: known === knownSecrets });
  return secret;
}

interface Packed {
  readonly [marker]: string;
  /** Whether it is to be hidden from everything that is printed. */
  readonly masked: boolean;
}

/** No key of a configuration has this name beside a `masked` that is no text. */
const marker = "\0secret";
const literals = new WeakMap<Secret, Packed>();

/** Literal secrets and all: JSON for another process of ours, and for nobody else. */
export function packSecrets(value: unknown): string {
  return JSON.stringify(value, function (this: Readonly<Record<string, unknown>>, key, plain: unknown) {
    // JSON has asked toJSON already, and that tells nothing.
    return literals.get(this[key] as Secret) ?? plain;
  });
}

/** @throws SyntaxError for what `packSecrets` did not write */
export function unpackSecrets(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) =>
    isPacked(value)
      ? literalSecret(value[marker], value.masked ? knownSecrets : createKnownSecrets())
      : value,
  );
}

function isPacked(value: unknown): value is Packed {
  return (
    typeof value === "object" &&
    value !== null &&
    marker in value &&
    "masked" in value &&
    typeof value.masked === "boolean"
  );
}

/**
 * A secret kept in a file, surrounding white space removed, read at the first use and again whenever the file changes.
 * `reveal` throws `cannot read PATH: cause` or `PATH must RULE, got A`; an earlier value is not used in its place.
 */
export function fileSecret(path: string, known: KnownSecrets = knownSecrets): Secret {
  let stamp = "";
  let value: string | undefined;
  return opaque(() => {
    const now = fileStamp(path);
    if (value === undefined || now !== stamp) {
      value = undefined;
      value = readSecret(path);
      stamp = now;
      known.add(value);
    }
    return value;
  });
}

function readSecret(path: string): string {
  const value = readBounded(path, maxSecretBytes).toString("utf8").trim();
  if (value === "") throw new Error(`${path} must hold a secret, got an empty file`);
  if (/[\r\n\0]/.test(value)) throw new Error(`${path} must hold one line, got several`);
  return value;
}

function opaque(reveal: () => string): Secret {
  const print = (): string => "<secret>";
  return Object.defineProperty({ reveal, toString: print, toJSON: print }, inspect.custom, { value: print });
}

/** What to tell the owner of a secret's file that others may read; nothing where the file is private or can't be looked at. */
export function secretFileWarning(path: string): string | undefined {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode;
  if (mode === undefined || (mode & 0o077) === 0) return undefined;
  const octal = (mode & 0o777).toString(8).padStart(4, "0");
  return `${path} must be private to its owner, got mode ${octal}: run chmod 600 ${path}`;
}
