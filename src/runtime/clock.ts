/** The clock: the one place that reads the wall clock and starts timers, so that tests can bring their own. */
import { createTicks } from "./ticks.ts";

/** A pending callback; disposing it cancels the call, and disposing twice is harmless. */
export interface Timer extends Disposable {
  [Symbol.dispose](): void;
}

export interface TimerOptions {
  /** A pending timer does not keep the process alive. */
  readonly background?: boolean;
  /**
   * Shares a wakeup with others: the last common tick before `ms` are over, where there is one, or the first after. Ticks
   * are `tickMs` apart.
   */
  readonly align?: "early" | "late" | undefined;
  /** Order within a common tick: what makes samples comes first, with 0, then what sends them, then what would only write them. */
  readonly rank?: 0 | 1 | 2;
}

export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch; may step in either direction. */
  now(): number;
  /** Milliseconds since an arbitrary point; never steps back. On macOS it runs on through sleep. */
  monotonic(): number;
  /** Calls back once after `ms` milliseconds. */
  after(ms: number, callback: () => void, options?: TimerOptions): Timer;
  /** Resolves after `ms` milliseconds or as soon as the signal aborts; never rejects, so check the signal after it. */
  sleep(ms: number, signal?: AbortSignal, options?: TimerOptions): Promise<void>;
}

/** Between common ticks: the longest that a heartbeat may take, so that sleep and a stepped clock are noticed soon. */
export const tickMs = 5000;

/**
 * An exact limit, for what mostly ends in time. Until the last common tick before its end it is one more for that tick, and costs no
 * wakeup if it is cancelled by then.
 */
export function startLimit(
  clock: Pick<Clock, "monotonic" | "after">,
  ms: number,
  callback: () => void,
): Timer {
  const end = clock.monotonic() + ms;
  let timer = clock.after(ms, wait, { align: "early" });
  function wait(): void {
    const left = end - clock.monotonic();
    if (left <= 0) callback();
    else timer = clock.after(left, callback);
  }
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

/** Resolves after `ms` on any clock's `after`, early when the signal aborts. */
export function sleepOn(
  clock: Pick<Clock, "after">,
  ms: number,
  signal?: AbortSignal,
  options?: TimerOptions,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) {
      resolve();
      return;
    }
    const finish = (): void => {
      timer[Symbol.dispose]();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = clock.after(ms, finish, options);
    signal?.addEventListener("abort", finish, { once: true });
  });
}

/** Resolves when the signal aborts, or has already. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** Milliseconds that are left of `ms` from now on, never less than 0. */
export function timeLeft(ms: number, clock: Pick<Clock, "monotonic">): () => number {
  const started = clock.monotonic();
  return () => Math.max(0, ms - (clock.monotonic() - started));
}

/** setTimeout's limit; a longer wait is cut to it, and callers that wait for a deadline look again. */
const longestTimeout = 2 ** 31 - 1;

const exact: Pick<Clock, "monotonic" | "after"> = {
  monotonic: () => performance.now(),
  after(ms, callback, options) {
    // A timer would take a millisecond, which is a wakeup more.
    if (ms <= 0) return immediately(callback);
    const timeout = setTimeout(callback, Math.min(ms, longestTimeout));
    if (options?.background === true) timeout.unref();
    return { [Symbol.dispose]: () => clearTimeout(timeout) };
  },
};

/** In background or not: the process ends a turn later, where one that is unref'd would come when something else wakes the process. */
function immediately(callback: () => void): Timer {
  const immediate = setImmediate(callback);
  return { [Symbol.dispose]: () => clearImmediate(immediate) };
}

const ticks = createTicks(exact, tickMs);

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: exact.monotonic,
  after: (ms, callback, options) => ticks.after(ms, callback, options) ?? exact.after(ms, callback, options),
  sleep: (ms, signal, options) => sleepOn(systemClock, ms, signal, options),
};
