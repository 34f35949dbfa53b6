/** Waits until the time is over or something better to do ends the wait: new snapshots, wake, the request to finish. */
import type { Clock } from "../runtime/clock.ts";

export interface Pause {
  /** Resolves after `ms`, at a nudge, or when the signal aborts. Without `ms` only the latter two. */
  wait(signal: AbortSignal, ms?: number): Promise<void>;
  /** Ends the present wait. One while nobody waits is forgotten: whoever is about to wait knows already what it would tell. */
  nudge(): void;
}

export function createPause(clock: Clock): Pause {
  let wake: (() => void) | undefined;

  return {
    async wait(signal, ms) {
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : clock.after(ms, finish);
        function finish(): void {
          timer?.[Symbol.dispose]();
          signal.removeEventListener("abort", finish);
          wake = undefined;
          resolve();
        }
        signal.addEventListener("abort", finish, { once: true });
        wake = finish;
      });
    },
    nudge: () => wake?.(),
  };
}
