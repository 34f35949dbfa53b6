/** A wait that ends when its time is over, or when there is something better to do: new snapshots, wake, the request to finish. */
import type { Clock } from "../runtime/clock.ts";

export interface WakeableTimer {
  /** Resolves after `ms`, on `wake`, or when the signal aborts. Without `ms` only the latter two. */
  wait(signal: AbortSignal, ms?: number): Promise<void>;
  /** Ends the present wait. Without one it does nothing: who is about to wait looks first whether there is a reason to. */
  wake(): void;
}

export function createWakeableTimer(clock: Clock): WakeableTimer {
  let end: (() => void) | undefined;

  return {
    async wait(signal, ms) {
      if (signal.aborted) return;
      await new Promise<void>((resolve) => {
        const timer = ms === undefined ? undefined : clock.after(ms, finish);
        function finish(): void {
          timer?.[Symbol.dispose]();
          signal.removeEventListener("abort", finish);
          end = undefined;
          resolve();
        }
        signal.addEventListener("abort", finish, { once: true });
        end = finish;
      });
    },
    wake: () => end?.(),
  };
}
