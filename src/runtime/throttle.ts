/** Limits the log of a failure that repeats: logged at once, then now and then, and once more when it is over. */
import type { Clock } from "./clock.ts";
import type { LogFields, Logger } from "./log.ts";

export interface Throttle {
  /** Logs the first failure of this key and message, then at most one line an interval, with the number `repeated` since. */
  failed(key: string, message: string, fields?: LogFields): void;
  /** Logs only where `key` had failed, with the number of `failures` and how many `seconds` it took. */
  recovered(key: string, message: string, fields?: LogFields): void;
}

interface Trouble {
  readonly key: string;
  readonly since: number;
  failures: number;
  /** Failures that no line has told of. */
  silent: number;
  toldAt: number;
}

const defaultIntervalMs = 10 * 60_000;
/** Keys come from the code and messages from receivers, who could vary them without end: the oldest is forgotten. */
const maxTroubles = 256;

export function createThrottle(
  logger: Pick<Logger, "warn" | "info">,
  clock: Pick<Clock, "monotonic">,
  intervalMs = defaultIntervalMs,
): Throttle {
  const troubles = new Map<string, Trouble>();

  function begin(id: string, key: string): void {
    const now = clock.monotonic();
    troubles.set(id, { key, since: now, failures: 1, silent: 0, toldAt: now });
    for (const oldest of troubles.keys()) if (troubles.size > maxTroubles) troubles.delete(oldest);
  }

  return {
    failed(key, message, fields) {
      const id = JSON.stringify([key, message]);
      const trouble = troubles.get(id);
      if (trouble === undefined) {
        begin(id, key);
        logger.warn(message, fields);
        return;
      }
      trouble.failures++;
      trouble.silent++;
      if (clock.monotonic() - trouble.toldAt < intervalMs) return;
      logger.warn(message, { ...fields, repeated: trouble.silent });
      trouble.silent = 0;
      trouble.toldAt = clock.monotonic();
    },
    recovered(key, message, fields) {
      const over = [...troubles].filter(([, trouble]) => trouble.key === key);
      if (over.length === 0) return;
      for (const [id] of over) troubles.delete(id);
      const failures = over.reduce((sum, [, trouble]) => sum + trouble.failures, 0);
      const since = Math.min(...over.map(([, trouble]) => trouble.since));
      logger.info(message, { ...fields, failures, seconds: Math.round((clock.monotonic() - since) / 1000) });
    },
  };
}
