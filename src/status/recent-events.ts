/** Collects recent events from the log: whatever logs a restart, a refusal or a wake shows it on the page as well. */
import type { AgentEvent } from "./status.ts";
import type { Clock } from "../runtime/clock.ts";
import type { LogFields, Logger } from "../runtime/log.ts";
import { knownSecrets, type KnownSecrets } from "../runtime/redact.ts";

interface RecentEvents {
  /** The same logger, remembered from `info` on. */
  readonly log: Logger;
  /** Newest first. */
  list(): readonly AgentEvent[];
}

const mostEvents = 50;
const mostCharacters = 500;

export function createRecentEvents(
  log: Logger,
  clock: Pick<Clock, "now">,
  secrets: Pick<KnownSecrets, "redact"> = knownSecrets,
): RecentEvents {
  const events: AgentEvent[] = [];

  function remember(level: AgentEvent["level"], message: string, fields: LogFields): void {
    events.unshift({ time: clock.now(), level, message: secrets.redact(lineOf(message, fields)) });
    if (events.length > mostEvents) events.pop();
  }

  function remembering(inner: Logger, common: LogFields): Logger {
    const at =
      (level: AgentEvent["level"]): Logger["info"] =>
      (message, fields) => {
        remember(level, message, { ...common, ...fields });
        inner[level](message, fields);
      };
    return {
      debug: (message, fields) => inner.debug(message, fields),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (fields) => remembering(inner.child(fields), { ...common, ...fields }),
    };
  }

  return { log: remembering(log, {}), list: () => [...events] };
}

/** The message, and what identifies the case in brackets. */
function lineOf(message: string, fields: LogFields): string {
  const details = Object.entries(fields).flatMap(([name, value]) => {
    const text = textOf(value);
    return text === undefined || message.includes(text) ? [] : [`${name}=${text}`];
  });
  const line = details.length === 0 ? message : `${message} (${details.join(", ")})`;
  return line.replaceAll(/\s+/g, " ").slice(0, mostCharacters);
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean")
    return String(value);
  return value instanceof Error ? value.message : undefined;
}
