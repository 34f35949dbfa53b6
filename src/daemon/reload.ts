/**
 * Reads the configuration again while the agent runs: validate, then swap.
 *
 *     asked ─► load ──bad──► the old one stays, logged once
 *                └──good──► targets, sinks and log level change at once
 *                                └─ anything else changed: the agent starts anew with it
 */
import { isDeepStrictEqual } from "node:util";
import type { Configuration } from "../config/schema.ts";
import { causeOf } from "../runtime/cause.ts";
import { untilAborted } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { createTurns } from "../runtime/turns.ts";

/** What was loaded, or everything that is wrong with it, one line each. */
export type Reloaded<T> =
  { readonly ok: true; readonly next: T } | { readonly ok: false; readonly problems: readonly string[] };

interface ReloadOptions<T> {
  readonly first: T;
  readonly load: () => Promise<Reloaded<T>>;
  readonly log: Logger;
}

/** Puts a configuration in place whose differences can be applied at once. */
export type Apply = (next: Configuration) => void | Promise<void>;

export interface Reload<T> {
  /** One at a time; the reason when the new configuration was refused. */
  request(): Promise<string | undefined>;
  /** Until no request is under way, those that come meanwhile included, or the signal aborts. */
  untilIdle(signal: AbortSignal): Promise<void>;
  /** The configuration in force, or the one to start anew with. */
  readonly current: T;
  /** Of the last attempt; the start counts as one. */
  readonly successful: boolean;
  onApply(apply: Apply): void;
  /** Aborts when the agent must start anew. */
  readonly restart: AbortSignal;
}

/** The sections that can change without a new start. */
const live = new Set([
  "scrape_configs",
  "global.scrape_interval",
  "global.scrape_timeout",
  "remote_write",
  "otlp",
  "pushgateway",
  "log.level",
]);

export function createReload<T extends { readonly configuration: Configuration }>(
  options: ReloadOptions<T>,
): Reload<T> {
  const { load, log } = options;
  const restart = new AbortController();
  const applies: Apply[] = [];
  let current = options.first;
  let successful = true;
  const inTurn = createTurns();
  let pending = 0;

  /** Never rejects: nobody waits for a reload that a signal asks for, and a bug in one must not end the agent. */
  async function reload(): Promise<string | undefined> {
    const loaded = await load().catch(asProblem);
    successful = loaded.ok;
    if (!loaded.ok) {
      const reason = loaded.problems.join("\n");
      log.error("cannot use the new configuration, the one before stays in force", {
        problems: loaded.problems,
      });
      return reason;
    }
    const changed = changesBetween(current.configuration, loaded.next.configuration);
    current = loaded.next;
    const failure = await applied(current.configuration);
    if (failure === undefined) logChanges(changed, log);
    if (changed.some((path) => !live.has(path))) restart.abort();
    return failure;
  }

  async function applied(next: Configuration): Promise<string | undefined> {
    try {
      for (const apply of applies) await apply(next);
      return undefined;
    } catch (error) {
      successful = false;
      const failure = `cannot put the new configuration in place: ${causeOf(error)}`;
      log.error(failure);
      return failure;
    }
  }

  return {
    async request() {
      pending++;
      const failure = await inTurn(reload);
      pending--;
      return failure;
    },
    async untilIdle(signal) {
      const aborted = untilAborted(signal);
      while (pending > 0 && !signal.aborted) await Promise.race([aborted, inTurn(() => Promise.resolve())]);
    },
    get current() {
      return current;
    },
    get successful() {
      return successful;
    },
    onApply: (apply) => void applies.push(apply),
    restart: restart.signal,
  };
}

function asProblem(error: unknown): Extract<Reloaded<never>, { ok: false }> {
  return { ok: false, problems: [causeOf(error)] };
}

function logChanges(changed: readonly string[], log: Logger): void {
  const anew = changed.filter((path) => !live.has(path));
  if (changed.length === 0) log.info("configuration read again, nothing changed");
  else if (anew.length === 0) log.info("configuration read again", { changed });
  else log.info("configuration read again, the agent starts anew with it", { changed, because_of: anew });
}

/** `journal.path`, `sources.vm_stat`: the keys of two levels, and whole lists of sinks. */
export function changesBetween(before: Configuration, after: Configuration): readonly string[] {
  return Object.entries(before).flatMap(([section, value]) => {
    const other: unknown = Object.entries(after).find(([name]) => name === section)?.[1];
    if (isDeepStrictEqual(value, other)) return [];
    if (typeof value !== "object" || Array.isArray(value) || typeof other !== "object" || other === null)
      return [section];
    const keys = new Set([...Object.keys(value), ...Object.keys(other)]);
    const pick = (from: object, key: string): unknown =>
      Object.entries(from).find(([name]) => name === key)?.[1];
    return [...keys]
      .filter((key) => !isDeepStrictEqual(pick(value, key), pick(other, key)))
      .map((key) => `${section}.${key}`);
  });
}
