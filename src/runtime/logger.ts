/** Makes the logger: level and format of the lines, errors on one line with their causes; and writes the lines to a file or a terminal. */
import { closeSync, writeSync } from "node:fs";
import { causeOf, codeOf } from "./cause.ts";
import type { Clock } from "./clock.ts";
import { openToAppend } from "./files.ts";
import type { LogFields, Logger, LogLevel } from "./log.ts";
import { printable } from "./printable.ts";
import { knownSecrets, type KnownSecrets } from "./redact.ts";

export interface LogSettings {
  readonly level: LogLevel;
  /** `auto`: text on a terminal, JSON lines elsewhere. */
  readonly format: "auto" | "text" | "json";
  /** Lines go here instead of to `fd`. */
  readonly file?: string | undefined;
}

export interface LogTarget {
  readonly clock: Clock;
  /** Where lines go without a file; standard error is 2. */
  readonly fd: number;
  /** Whether `fd` is a terminal. */
  readonly tty: boolean;
  /** `NO_COLOR` is honoured. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secrets?: KnownSecrets;
}

export interface OwnedLogger extends Logger, Disposable {
  /** For every child too; a reload may change it. */
  setLevel(level: LogLevel): void;
  /** Opens the file anew after it was rotated; a file that can't be opened is reported in the old one. */
  reopen(): void;
}

type Render = (level: LogLevel, message: string, fields: PlainFields) => string;

const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];

/**
 * Each line is written before the call returns, so nothing is lost when the process ends, and known secrets are masked.
 * @throws Error `cannot open PATH: cause` for a file that can't be written.
 */
export function createLogger(settings: LogSettings, target: LogTarget): OwnedLogger {
  const { secrets = knownSecrets } = target;
  const lines = openLines(settings.file ?? target.fd);
  const render = renderer(settings, target);
  let threshold = levels.indexOf(settings.level);

  function write(level: LogLevel, message: string, fields: LogFields): void {
    if (levels.indexOf(level) < threshold) return;
    reportLost(lines, render);
    lines.write(secrets.redact(render(level, message, plainFields(fields))));
  }

  return {
    ...loggerOf(write, {}),
    setLevel: (level) => void (threshold = levels.indexOf(level)),
    reopen() {
      const failure = lines.reopen();
      if (failure !== undefined) write("error", failure, {});
    },
    [Symbol.dispose]: () => lines[Symbol.dispose](),
  };
}

type Write = (level: LogLevel, message: string, fields: LogFields) => void;

function loggerOf(write: Write, own: LogFields): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void =>
      write(level, message, { ...own, ...fields });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => loggerOf(write, { ...own, ...fields }),
  };
}

/** A full disk or a blocked pipe costs lines, never the agent; the count follows as soon as there is room. */
function reportLost(lines: LineWriter, render: Render): void {
  const lost = lines.takeLost();
  if (lost > 0) lines.write(render("warn", "log lines were lost", { lines: lost }));
}

function renderer({ format, file }: LogSettings, { clock, tty, env }: LogTarget): Render {
  const terminal = tty && file === undefined;
  if (format === "json" || (format === "auto" && !terminal))
    return (level, message, fields) => renderJson(clock.now(), level, message, fields);
  const style = { shortTime: terminal, color: terminal && !refusesColor(env) };
  return (level, message, fields) => renderText(clock.now(), level, message, fields, style);
}

type PlainFields = Readonly<Record<string, unknown>>;

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
function plainFields(fields: LogFields): PlainFields {
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
function renderJson(timeMs: number, level: LogLevel, message: string, fields: PlainFields): string {
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
function renderText(
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

/** Once disposed of it writes nothing. */
interface LineWriter extends Disposable {
  write(line: string): void;
  /** Lines that could not be written since the last call. */
  takeLost(): number;
  /** The reason where a named file can't be opened again; the old one is then kept. */
  reopen(): string | undefined;
}

/** A terminal or a pipe that is full for this long loses the line: the agent goes on. */
const patienceMs = 50;

/** The names of what is open already, which may be a pipe. */
const standard: Readonly<Record<string, number>> = { "/dev/stdout": 1, "/dev/stderr": 2 };

/**
 * Writes lines at once and whole, or counts them where it can't.
 *
 * @throws Error `cannot open PATH: cause`
 */
export function openLines(named: string | number): LineWriter {
  const destination = standard[named] ?? named;
  let fd = typeof destination === "string" ? openLog(destination) : destination;
  let closed = false;
  let lost = 0;
  return {
    write(line) {
      // Its number may be another file's by now.
      if (closed) return;
      if (!writeWhole(fd, Buffer.from(`${line}\n`))) lost++;
    },
    takeLost() {
      const count = lost;
      lost = 0;
      return count;
    },
    reopen() {
      if (closed || typeof destination === "number") return undefined;
      try {
        const opened = openLog(destination);
        closeSync(fd);
        fd = opened;
        return undefined;
      } catch (error) {
        return causeOf(error);
      }
    },
    [Symbol.dispose]() {
      if (!closed && typeof destination === "string") closeSync(fd);
      closed = true;
    },
  };
}

function openLog(path: string): number {
  try {
    return openToAppend(path, 0o640);
  } catch (error) {
    throw new Error(`cannot open ${path}: ${causeOf(error)}`, { cause: error });
  }
}

/** Writes until all is out; false for a reader that is gone, a full disk, or a pipe that stays full. */
function writeWhole(fd: number, bytes: Buffer): boolean {
  let waited = 0;
  for (let written = 0; written < bytes.length;) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if (codeOf(error) !== "EAGAIN" || waited++ >= patienceMs) return false;
      pause();
    }
  }
  return true;
}

const bell = new Int32Array(new SharedArrayBuffer(4));

/** One millisecond, blocking: a line must be out before the call returns. */
function pause(): void {
  Atomics.wait(bell, 0, 0, 1);
}
