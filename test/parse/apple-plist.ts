/** Writes property lists as powermetrics does, for tests. */
import { isArray, isDict, type PlistValue } from "../../src/parse/plist/reader.ts";

export interface PlistObject {
  readonly [key: string]: Writable;
}
export type Writable = string | number | boolean | Date | readonly Writable[] | PlistObject;

/** Integers as `%lld`, other numbers as JavaScript spells them; power keys break the line, as the tool does. */
export function applePlist(root: Writable): string {
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n' +
    `<plist version="1.0">\n${element(root)}\n</plist>\n`
  );
}

/** The same as a document in bytes. */
export function appleBytes(root: Writable): Buffer {
  return Buffer.from(applePlist(root));
}

function element(value: Writable): string {
  if (typeof value === "string") return `<string>${escaped(value)}</string>`;
  if (typeof value === "boolean") return value ? "<true/>" : "<false/>";
  if (typeof value === "number") return Number.isInteger(value) ? `<integer>${value}</integer>` : real(value);
  if (value instanceof Date) return `<date>${value.toISOString().replace(/\.\d+Z$/, "Z")}</date>`;
  if (isList(value)) return `<array>\n${value.map((one) => element(one) + "\n").join("")}</array>`;
  return `<dict>\n${Object.entries(value).map(entry).join("")}</dict>`;
}

function isList(value: readonly Writable[] | PlistObject): value is readonly Writable[] {
  return Array.isArray(value);
}

function entry([key, value]: [string, Writable]): string {
  return `<key>${escaped(key)}</key>${key.endsWith("_power") ? "\n" : ""}${element(value)}\n`;
}

/** `%g` spells what is no number `nan`, `inf` and `-inf`. */
function real(value: number): string {
  if (Number.isNaN(value)) return "<real>nan</real>";
  if (!Number.isFinite(value)) return value > 0 ? "<real>inf</real>" : "<real>-inf</real>";
  return `<real>${value}</real>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Maps as objects, so that a value can be compared with what another reader made of the same document. */
export function plain(value: PlistValue): unknown {
  if (isDict(value)) return Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]));
  if (isArray(value)) return value.map(plain);
  return value;
}
