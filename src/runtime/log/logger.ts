/** Makes the logger: level, format and destination. The lines are made in render.ts and written in lines.ts. */
import type { Clock } from "../clock.ts";
import type { LogFields, Logger, LogLevel } from "../log.ts";
import { knownSecrets, type KnownSecrets } from "../redact.ts";
import { openLines, type LineWriter } from "./lines.ts";
import { plainFields, refusesColor, renderJson, renderText, type PlainFields } from "./render.ts";

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
    ...speaker(write, {}),
    setLevel: (level) => void (threshold = levels.indexOf(level)),
    reopen() {
      const failure = lines.reopen();
      if (failure !== undefined) write("error", failure, {});
    },
    [Symbol.dispose]: () => lines[Symbol.dispose](),
  };
}

type Write = (level: LogLevel, message: string, fields: LogFields) => void;

function speaker(write: Write, own: LogFields): Logger {
  const at =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void =>
      write(level, message, { ...own, ...fields });
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => speaker(write, { ...own, ...fields }),
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
