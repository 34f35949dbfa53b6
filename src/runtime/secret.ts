/** Owns secrets: values that reach a receiver but never a log, a page or a printed configuration. */
import { statSync } from "node:fs";
import { inspect } from "node:util";
import { readBounded } from "./files.ts";
import { knownSecrets, type KnownSecrets } from "./redact.ts";
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
  return opaque(() => value);
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
