/** Secrets: values that reach a receiver but never a log, a page or a printed configuration. */
import { statSync } from "node:fs";
import { inspect } from "node:util";
import { readableAdvice, readKept, fileStamp } from "./files.ts";
import { createKnownSecrets, knownSecrets, type KnownSecrets } from "./redact.ts";

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
  const secret = opaque(() => {
    known.add(value);
    return value;
  });
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
    // JSON has asked toJSON already, which gives nothing away.
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
 * `reveal` throws `cannot read PATH: cause` or `PATH must RULE, got A`; an earlier value is used in its place only where we
 * may not read the file any more, and `warn` is called once.
 */
export function fileSecret(
  path: string,
  known: KnownSecrets = knownSecrets,
  warn: (message: string) => void = () => undefined,
): Secret {
  let stamp = "";
  let value: string | undefined;
  return opaque(() => {
    const now = fileStamp(path);
    if (value === undefined || now !== stamp) {
      value = undefined;
      value = readSecret(path, warn);
      stamp = now;
    }
    known.add(value);
    return value;
  });
}

function readSecret(path: string, warn: (message: string) => void): string {
  const value = readKept(path, maxSecretBytes, warn).toString("utf8").trim();
  if (value === "") throw new Error(`${path} must hold a secret, got an empty file`);
  if (/[\r\n\0]/.test(value)) throw new Error(`${path} must hold one line, got several`);
  return value;
}

function opaque(reveal: () => string): Secret {
  const print = (): string => "<secret>";
  return Object.defineProperty({ reveal, toString: print, toJSON: print }, inspect.custom, { value: print });
}

/** Groups of macOS that hold every user: everyone and staff. */
const crowds: readonly number[] = [12, 20];

/**
 * What is wrong with who may read a secret's file; nothing where it is private or can't be looked at. A file of root's that one
 * group may read is as it should be: the agent reads it again after it has given up root.
 * @param account what the agent becomes; without it only who else may read the file counts
 */
export function secretFileWarning(path: string, account?: string): string | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  if ((stat.mode & 0o077) === 0) {
    if (stat.uid !== 0 || account === undefined || account === "root") return undefined;
    return `${path} may be read by root only, so that a new secret in it is not seen once the agent is ${account}: ${readableAdvice(path, account)}`;
  }
  if ((stat.mode & 0o037) === 0 && stat.uid === 0 && !crowds.includes(stat.gid)) return undefined;
  const octal = (stat.mode & 0o777).toString(8).padStart(4, "0");
  return (
    `${path} must be private to its owner, or to root and the agent's group, got mode ${octal} of ${stat.uid}:${stat.gid}: ` +
    `run chmod 600 '${path}', or for the daemon ${readableAdvice(path).slice("run ".length)}`
  );
}
