/** Owns waiting that something better to do may end: new snapshots, wake, the request to finish. */
import type { Clock } from "../runtime/clock.ts";

export interface Pause {
  /** Resolves after `ms`, at a nudge, or when the signal aborts. Without `ms` only the latter two. */
  wait(signal: AbortSignal, ms?: number): Promise<void>;
  /** Ends the present wait, or the next one if nobody waits. */
  nudge(): void;
}

export function createPause(clock: Clock): Pause {
  let nudged = false;
  let wake: (() => void) | undefined;

  return {
    async wait(signal, ms) {
      if (nudged || signal.aborted) {
        nudged = false;
        return;
      }
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
      nudged = false;
    },
    nudge() {
      nudged = true;
      wake?.();
    },
  };
}
