/** A logger that keeps what it is given, for tests. */
import type { LogFields, Logger, LogLevel } from "../../src/runtime/log.ts";

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

export interface RecordingLogger extends Logger {
  /** Those of its children too. */
  readonly lines: readonly LogLine[];
  /** `warn message {"field":1}` */
  readonly texts: readonly string[];
}

export function recordingLogger(lines: LogLine[] = []): RecordingLogger {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      void lines.push({ level, message, fields });
  const log: RecordingLogger = {
    lines,
    get texts() {
      return lines.map(({ level, message, fields }) => `${level} ${message} ${JSON.stringify(fields)}`);
    },
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: () => log,
  };
  return log;
}
