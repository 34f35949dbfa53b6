/** Renders a log line: errors on one line with their causes, nothing that could forge another line or move a cursor. */
import { causeOf } from "../cause.ts";
import type { LogFields, LogLevel } from "../log.ts";
import { printable } from "../printable.ts";

export type PlainFields = Readonly<Record<string, unknown>>;

interface TextStyle {
  /** Local time of day instead of the full time in UTC. */
  readonly shortTime: boolean;
  readonly color: boolean;
}

/** Keys of the JSON line itself. */
const reserved = new Set(["time", "level", "msg"]);
const maxValueLength = 4096;
const maxCauses = 8;

/**
 * What JSON can hold: absent fields left out, errors as text, long text cut. A field named like a key of the line gets a
 * trailing `_`.
 */
export function plainFields(fields: LogFields): PlainFields {
  const plain: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(fields))
    if (value !== undefined) plain[reserved.has(key) ? `${key}_` : key] = plainValue(value);
  return plain;
}

function plainValue(value: unknown): unknown {
  if (value instanceof Error) return cut(errorText(value));
  if (typeof value === "string") return cut(value);
  if (value instanceof URL) return cut(value.href);
  if (typeof value === "bigint") return String(value);
  return typeof value === "object" && !isJson(value) ? "(unprintable)" : value;
}

/** A circle can't be printed; a line with too little in it is better than none. */
function isJson(value: object | null): boolean {
  try {
    JSON.stringify(value);
    return true;
  } catch {
    return false;
  }
}

/** `message: cause: cause`; causes that the message already names are not repeated. */
function errorText(error: unknown): string {
  let text = error instanceof Error ? error.message || error.name : String(error);
  let cause = nextCause(error);
  for (let depth = 0; cause !== undefined && depth < maxCauses; depth++) {
    const words = causeOf(cause);
    if (!text.includes(words)) text += `: ${words}`;
    cause = nextCause(cause);
  }
  return text;
}

function nextCause(error: unknown): unknown {
  if (error instanceof AggregateError) return (error.errors as readonly unknown[])[0];
  return error instanceof Error ? error.cause : undefined;
}

function cut(text: string): string {
  if (text.length <= maxValueLength) return text;
  return `${text.slice(0, maxValueLength)}… (${text.length - maxValueLength} more)`;
}

/** `{"level":"warn","time":"2026-01-01T12:00:00.000Z","key":"value","msg":"message"}` */
export function renderJson(timeMs: number, level: LogLevel, message: string, fields: PlainFields): string {
  return JSON.stringify({ level, time: new Date(timeMs).toISOString(), ...fields, msg: message });
}

const words: Readonly<Record<LogLevel, string>> = {
  debug: "DEBUG",
  info: "INFO ",
  warn: "WARN ",
  error: "ERROR",
};
const colors: Readonly<Record<LogLevel, number>> = { debug: 90, info: 36, warn: 33, error: 31 };

/** `12:00:00 WARN  message key=value key="a value"` */
export function renderText(
  timeMs: number,
  level: LogLevel,
  message: string,
  fields: PlainFields,
  { shortTime, color }: TextStyle,
): string {
  const date = new Date(timeMs);
  const time = shortTime ? date.toTimeString().slice(0, 8) : date.toISOString();
  const word = color ? `\u001b[${colors[level]}m${words[level]}\u001b[0m` : words[level];
  const pairs = Object.entries(fields).map(([key, value]) => ` ${printable(key)}=${textValue(value)}`);
  return `${time} ${word} ${printable(message)}${pairs.join("")}`;
}

function textValue(value: unknown): string {
  const bare = typeof value === "string" && /^[^\s"=\\]+$/.test(value);
  return printable(bare ? value : jsonText(value));
}

function jsonText(value: unknown): string {
  // JSON has none of these.
  if (typeof value === "number") return String(value);
  if (typeof value === "function" || typeof value === "symbol") return `(${typeof value})`;
  return JSON.stringify(value);
}

/** https://no-color.org: any value of NO_COLOR but an empty one. */
export function refusesColor(env: Readonly<Record<string, string | undefined>>): boolean {
  return (env["NO_COLOR"] ?? "") !== "";
}
