/** Owns time: the one place that reads the wall clock and starts timers, so that tests can own it instead. */

/** A pending callback; disposing it cancels the call, and disposing twice is harmless. */
export interface Timer extends Disposable {
  [Symbol.dispose](): void;
}

export interface Clock {
  /** Wall-clock time, milliseconds since the Unix epoch; may step in either direction. */
  now(): number;
  /** Milliseconds since an arbitrary point; never steps back. On macOS it runs on through sleep (WIRE.md, section 6). */
  monotonic(): number;
  /** Calls back once after `ms` milliseconds. A pending timer does not keep the process alive when `background` is set. */
  after(ms: number, callback: () => void, options?: { readonly background?: boolean }): Timer;
  /** Resolves after `ms` milliseconds or as soon as the signal aborts; never rejects, so check the signal after it. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Resolves after `ms` on any clock's `after`, early when the signal aborts. */
export function sleepOn(clock: Pick<Clock, "after">, ms: number, signal?: AbortSignal): Promise<void> {
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
    const timer = clock.after(ms, finish);
    signal?.addEventListener("abort", finish, { once: true });
  });
}

/** setTimeout's limit; a longer wait is cut to it, and callers that wait for a deadline look again. */
const longestTimeout = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback, options) {
    const timeout = setTimeout(callback, Math.min(Math.max(0, ms), longestTimeout));
    if (options?.background === true) timeout.unref();
    return { [Symbol.dispose]: () => clearTimeout(timeout) };
  },
  sleep: (ms, signal) => sleepOn(systemClock, ms, signal),
};
