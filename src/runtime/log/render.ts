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

/** Absent fields left out, errors as text, long text cut; a field named like a key of the line gets a trailing `_`. */
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
  return typeof value === "bigint" ? String(value) : value;
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

/** A line with too little in it is better than none. */
function jsonText(value: unknown): string {
  // JSON knows none of these.
  if (typeof value === "number") return String(value);
  if (typeof value === "function" || typeof value === "symbol") return `(${typeof value})`;
  try {
    return JSON.stringify(value);
  } catch {
    return "(unprintable)";
  }
}
